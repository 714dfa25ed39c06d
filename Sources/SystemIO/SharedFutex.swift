internal import CShims
package import Synchronization

/// Sleeping on a word that several processes share. See futex(2).
package enum SharedFutex {
    /// Sleeps while the word is `value`, until it is woken or the time is over. It may return without a reason.
    @unsafe
    package static func wait(on word: UnsafeMutablePointer<Atomic<UInt32>>, while value: UInt32, nanoseconds: UInt64) {
        // SAFETY: an atomic word is laid out as the word itself; the kernel reads it atomically.
        unsafe cshims_shared_futex_wait(UnsafeRawPointer(word).assumingMemoryBound(to: UInt32.self), value, nanoseconds)
    }

    /// Wakes one of those who sleep on the word.
    @unsafe
    package static func wake(_ word: UnsafeMutablePointer<Atomic<UInt32>>) {
        // SAFETY: as above; only the address is used.
        unsafe cshims_shared_futex_wake(UnsafeRawPointer(word).assumingMemoryBound(to: UInt32.self), 1)
    }
}
