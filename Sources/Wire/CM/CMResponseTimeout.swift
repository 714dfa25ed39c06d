extension CM {
    /// The 5-bit code of a time that a manager or an adapter needs to answer.
    ///
    /// Specified in IBTA Volume 1, section 12.7: 4.096 us times 2 to the code.
    package struct ResponseTimeout: Hashable, Sendable {
        /// Always below 32.
        package let rawValue: UInt8

        /// Creates a code from the low 5 bits of `value`.
        package init(truncating value: UInt8) {
            self.rawValue = value & 0x1F
        }

        /// 4096 … 8 796 093 022 208 (2.4 hours).
        package var nanoseconds: UInt64 { 4096 << UInt64(self.rawValue) }
    }
}
