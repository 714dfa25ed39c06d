internal import CShims
internal import Synchronization

/// Sleeping on a word of the own process. See futex(2).
internal enum Futex {
    /// Sleeps while the word is `value`, until it is woken. It may return without a reason.
    @unsafe
    internal static func wait(on word: UnsafeMutablePointer<Atomic<UInt32>>, while value: UInt32) {
        // SAFETY: an atomic word is laid out as the word itself; the kernel reads it atomically.
        unsafe cshims_futex_wait(UnsafeRawPointer(word).assumingMemoryBound(to: UInt32.self), value)
    }

    @unsafe
    internal static func wake(_ word: UnsafeMutablePointer<Atomic<UInt32>>, count: CInt) {
        // SAFETY: as above; only the address is used.
        unsafe cshims_futex_wake(UnsafeRawPointer(word).assumingMemoryBound(to: UInt32.self), count)
    }
}
