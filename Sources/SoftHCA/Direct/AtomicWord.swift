internal import SystemIO

/// The atomic operations of the specification on a word of mapped memory (IBTA Volume 1, section 9.4.5).
internal enum AtomicWord {
    /// - Parameter target: Eight aligned bytes.
    /// - Returns: What stood there before; `nil` when nothing is there.
    @unsafe
    static func apply(
        to target: UnsafeMutableRawPointer,
        isSwap: Bool,
        compareOrAdd: UInt64,
        swap: UInt64
    ) -> UInt64? {
        // The program itself may use the word with instructions of its own, so the instruction is an atomic one, too.
        isSwap
            ? unsafe FaultGuard.compareExchange(target, expected: compareOrAdd, desired: swap)
            : unsafe FaultGuard.fetchAdd(target, compareOrAdd)
    }
}
