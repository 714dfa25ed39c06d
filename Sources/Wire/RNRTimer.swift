/// The 5-bit code of how long a requester waits after an RNR NAK.
///
/// Specified in IBTA Volume 1, section 9.7.5.2.8, table 45: code 1 is 0.01 ms, 31 is 491.52 ms, and 0 is the longest,
/// 655.36 ms.
package struct RNRTimer: Hashable, Sendable {
    /// Always below 32.
    package let rawValue: UInt8

    /// Creates a code from the low 5 bits of `value`.
    @inlinable
    package init(truncating value: UInt8) {
        self.rawValue = value & 0x1F
    }

    /// The shortest wait that is not below `nanoseconds`, or the longest there is.
    package init(nanosecondsAtLeast nanoseconds: UInt64) {
        var code: UInt8 = 1
        while code < 32, RNRTimer(truncating: code).nanoseconds < nanoseconds { code += 1 }
        // The code after 31 wraps to 0, which is the longest.
        self.init(truncating: code)
    }

    /// 10 000 … 655 360 000.
    package var nanoseconds: UInt64 {
        let tensOfMicroseconds = UInt32(halfPowerOfTwo: self.rawValue == 0 ? 32 : self.rawValue)
        return UInt64(tensOfMicroseconds) * 10_000
    }
}
