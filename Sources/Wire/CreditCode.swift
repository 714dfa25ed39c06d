/// The 5-bit code in an ACK that says how many receive requests the responder has left.
///
/// Specified in IBTA Volume 1, section 9.7.7.2, table 47. The counts grow by halves of powers of two:
/// 0, 1, 2, 3, 4, 6, 8, 12, … 32768.
package struct CreditCode: Hashable, Sendable {
    /// Always below 32.
    package let rawValue: UInt8

    /// Creates a code from the low 5 bits of `value`.
    @inlinable
    package init(truncating value: UInt8) {
        self.rawValue = value & 0x1F
    }

    /// The largest code whose count is not above `count`.
    package init(countAtMost count: UInt32) {
        var code: UInt8 = 0
        while code < 30, UInt32(halfPowerOfTwo: code + 1) <= count { code += 1 }
        self.rawValue = code
    }

    package static var zero: CreditCode { CreditCode(truncating: 0) }

    /// The field carries no credits: the requester is not limited by them.
    package static var unlimited: CreditCode { CreditCode(truncating: 31) }

    /// How many receive requests are left, or `nil` when not limited.
    package var count: UInt32? {
        self == .unlimited ? nil : UInt32(halfPowerOfTwo: self.rawValue)
    }
}

extension UInt32 {
    /// The sequence 0, 1, 2, 3, 4, 6, 8, 12, 16, 24, … on which credits and RNR timers are coded.
    init(halfPowerOfTwo index: UInt8) {
        if index < 2 {
            self = UInt32(index)
        } else if index & 1 == 0 {
            self = 1 << (UInt32(index) / 2)
        } else {
            self = 3 << ((UInt32(index) - 3) / 2)
        }
    }
}
