import TestSupport
import Testing

@testable import Wire

@Suite("ICRC solver")
struct ICRCSolverTests {
    /// The polynomial 1 in the reflected order of a CRC register.
    private static let one: UInt32 = 0x8000_0000

    /// What a CRC register does with one more bit of zero: multiply by x.
    private static func timesX(_ value: UInt32) -> UInt32 {
        (value >> 1) ^ (value & 1 == 0 ? 0 : 0xEDB8_8320)
    }

    @Test func `powers undo the bits that follow`() {
        for byteCount in 0..<200 {
            let power = (0..<(8 * byteCount)).reduce(Self.one) { value, _ in Self.timesX(value) }
            #expect(ICRCSolver.divide(power, byPowerOfBytes: byteCount) == Self.one)
        }
    }

    @Test func `every power is the square of the one before`() {
        for exponent in 1..<13 {
            let previous = ICRCSolver.inversePower(exponent - 1)
            #expect(ICRCSolver.inversePower(exponent) == ICRCSolver.multiply(previous, previous))
        }
    }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func `multiplication is that of a field`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let (a, b, c): (UInt32, UInt32, UInt32) = (random.number(), random.number(), random.number())
        #expect(ICRCSolver.multiply(a, Self.one) == a)
        #expect(ICRCSolver.multiply(a, Self.one >> 1) == Self.timesX(a))
        #expect(ICRCSolver.multiply(a, b) == ICRCSolver.multiply(b, a))
        #expect(
            ICRCSolver.multiply(a, ICRCSolver.multiply(b, c)) == ICRCSolver.multiply(ICRCSolver.multiply(a, b), c)
        )
        #expect(ICRCSolver.multiply(a, b ^ c) == ICRCSolver.multiply(a, b) ^ ICRCSolver.multiply(a, c))
    }

    /// The field has 16 coefficients; a difference in any of the other 16 is damage.
    @Test(arguments: 0..<32 as Range<UInt32>)
    func `explains exactly the changes of the field`(bit: UInt32) {
        for followingByteCount in [0, 1, 34, 1078] {
            let field = UInt32(1) << bit
            let difference = (0..<(8 * (followingByteCount + 2))).reduce(field) { value, _ in Self.timesX(value) }
            let change = ICRCSolver.change(explaining: difference, followingByteCount: followingByteCount)
            #expect(change == (bit < 16 ? UInt16(truncatingIfNeeded: field).byteSwapped : nil))
        }
    }

    /// One flipped bit, at whatever distance behind the identification, looks like no change of the identification.
    /// Nothing but the polynomial decides this, so that it holds for all packets.
    @Test func `no identification explains one flipped bit`() {
        // The lowest coefficient of the field is x^16. A bit that comes d bits after it counts as x^(16 - d).
        let byX = ICRCSolver.divide(ICRCSolver.multiply(Self.one, Self.power(ofX: 7)), byPowerOfBytes: 1)
        var bit = Self.power(ofX: 15)
        let bitCount = 8 * (14 + 8 + ICRCPath.packetByteCountMax + ICRCPath.byteCount)
        for distance in 0..<bitCount {
            guard bit >> 16 != 0 else {
                Issue.record("the bit \(distance) after the identification")
                return
            }
            bit = ICRCSolver.multiply(bit, byX)
        }
    }

    private static func power(ofX exponent: Int) -> UInt32 {
        (0..<exponent).reduce(Self.one) { value, _ in Self.timesX(value) }
    }
}
