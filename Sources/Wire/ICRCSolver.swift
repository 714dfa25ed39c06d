/// Arithmetic with the polynomial of the CRC-32 that finds a 16-bit field which the receiver cannot see.
///
/// A CRC register is a polynomial modulo P = 0x04C11DB7, in reflected order: bit 31 is the coefficient of x^0. Two
/// messages that differ in a field of 16 bits, with n bytes behind it, have CRCs that differ by f(x) x^(8n + 16), where f
/// is the difference of the fields in the 16 highest coefficients. Dividing that power of x out again leaves f alone, so
/// the other 16 coefficients are zero exactly when some change of the field explains the difference.
@usableFromInline
enum ICRCSolver {
    /// What the field must be changed by (exclusive or) to change the CRC by `difference`, or `nil` when nothing does it.
    ///
    /// `followingByteCount` counts the covered bytes behind the field, and is below 8190.
    @usableFromInline
    static func change(explaining difference: UInt32, followingByteCount: Int) -> UInt16? {
        let field = Self.divide(difference, byPowerOfBytes: followingByteCount + 2)
        guard field >> 16 == 0 else { return nil }
        // The first byte of the message stands in the low byte of the register.
        return UInt16(truncatingIfNeeded: field).byteSwapped
    }

    /// `dividend` divided by x^(8 `byteCount`).
    static func divide(_ dividend: UInt32, byPowerOfBytes byteCount: Int) -> UInt32 {
        precondition(byteCount >= 0 && byteCount < 1 << 13, "more bytes than the table has powers for")
        var quotient = dividend
        var bits = UInt32(truncatingIfNeeded: byteCount)
        while bits != 0 {
            quotient = Self.multiply(quotient, Self.inversePower(bits.trailingZeroBitCount))
            bits &= bits - 1
        }
        return quotient
    }

    /// The product modulo P.
    static func multiply(_ left: UInt32, _ right: UInt32) -> UInt32 {
        var product: UInt32 = 0
        var left = left
        var right = right
        for _ in 0..<32 {
            // Masks instead of branches: the bits are as good as random.
            product ^= right & (0 &- (left >> 31))
            left <<= 1
            right = (right >> 1) ^ (0xEDB8_8320 & (0 &- (right & 1)))
        }
        return product
    }

    /// x^(-8 2^`exponent`) modulo P; each is the square of the one before.
    static func inversePower(_ exponent: Int) -> UInt32 {
        switch exponent {
        case 0: 0x6567_CB95
        case 1: 0xD712_5358
        case 2: 0x5B35_8FD3
        case 3: 0x2E9B_B40B
        case 4: 0x12A5_9A49
        case 5: 0x8DF9_403D
        case 6: 0x5139_DE12
        case 7: 0xBA34_0226
        case 8: 0x29C4_5641
        case 9: 0x12FB_C105
        case 10: 0xECD3_0C55
        case 11: 0x3755_EBD8
        case 12: 0x24EE_460C
        default: preconditionFailure("no power of so many bytes")
        }
    }
}
