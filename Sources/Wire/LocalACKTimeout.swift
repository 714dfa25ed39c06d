/// The 5-bit code of how long a requester waits for an acknowledge before it sends again.
///
/// Specified in IBTA Volume 1, section 9.9.2.1: 4.096 us times 2 to the code; 0 is no timeout.
package struct LocalACKTimeout: Hashable, Sendable {
    /// Always below 32.
    package let rawValue: UInt8

    /// Creates a code from the low 5 bits of `value`.
    @inlinable
    package init(truncating value: UInt8) {
        self.rawValue = value & 0x1F
    }

    /// 8192 … 8 796 093 022 208 (2.4 hours), or `nil` when the wait never ends.
    package var nanoseconds: UInt64? {
        self.rawValue == 0 ? nil : 4096 << UInt64(self.rawValue)
    }
}
