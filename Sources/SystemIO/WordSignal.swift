internal import Synchronization

/// Lets threads of one process sleep until what a `WordLock` guards has changed: a condition variable in one word.
@safe
package struct WordSignal: ~Copyable {
    // SAFETY: allocated and initialised from `init` until `deinit`; a futex must not move. Counts the calls of `broadcast`.
    private let word: UnsafeMutablePointer<Atomic<UInt32>>

    package init() {
        unsafe self.word = .allocate(capacity: 1)
        unsafe self.word.initialize(to: Atomic(0))
    }

    deinit {
        unsafe self.word.deinitialize(count: 1)
        unsafe self.word.deallocate()
    }
}

// SAFETY: the word is atomic.
extension WordSignal: @unchecked Sendable {}

extension WordSignal {
    /// Frees `lock`, sleeps until `broadcast`, and takes `lock` again. It may wake without a reason: check the condition.
    package func wait(for lock: borrowing WordLock) {
        let count = unsafe self.word.pointee.load(ordering: .relaxed)
        lock.unlock()
        unsafe Futex.wait(on: self.word, while: count)
        lock.lock()
    }

    /// Wakes all sleepers. Under the lock.
    package func broadcast() {
        unsafe self.word.pointee.wrappingAdd(1, ordering: .relaxed)
        unsafe Futex.wake(self.word, count: .max)
    }
}
