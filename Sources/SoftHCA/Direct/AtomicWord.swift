internal import Synchronization

/// The atomic operations of the specification on a word of mapped memory (IBTA Volume 1, section 9.4.5).
internal enum AtomicWord {
    /// - Parameter target: Eight aligned bytes.
    /// - Returns: What stood there before.
    @unsafe
    static func apply(
        to target: UnsafeMutableRawPointer,
        isSwap: Bool,
        compareOrAdd: UInt64,
        swap: UInt64
    ) -> UInt64 {
        let word = unsafe target.assumingMemoryBound(to: Atomic<UInt64>.self)
        // The program itself may use the word with instructions of its own, so the instruction is an atomic one, too.
        if isSwap {
            return unsafe word.pointee.compareExchange(
                expected: compareOrAdd,
                desired: swap,
                ordering: .sequentiallyConsistent
            ).original
        }
        return unsafe word.pointee.wrappingAdd(compareOrAdd, ordering: .sequentiallyConsistent).oldValue
    }
}
