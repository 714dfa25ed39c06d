import Glibc

/// Lets threads of one process sleep until a condition that a `Lock` guards may have become true.
@safe
package struct ConditionVariable: ~Copyable {
    // SAFETY: allocated and initialised from `init` until `deinit`; a condition variable must not move.
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    package init() {
        unsafe self.condition = .allocate(capacity: 1)
        unsafe self.condition.initialize(to: pthread_cond_t())
        unsafe Self.initialize(self.condition)
    }

    deinit {
        _ = unsafe pthread_cond_destroy(self.condition)
        unsafe self.condition.deallocate()
    }

    /// Initialises with the monotonic clock, so that setting the wall clock moves no deadline.
    private static func initialize(_ condition: UnsafeMutablePointer<pthread_cond_t>) {
        var attributes = pthread_condattr_t()
        _ = unsafe pthread_condattr_init(&attributes)
        _ = unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        let result = unsafe pthread_cond_init(condition, &attributes)
        precondition(result == 0, "a condition variable needs no resource that could be missing")
        _ = unsafe pthread_condattr_destroy(&attributes)
    }
}

// SAFETY: a pthread condition variable is made to be used by several threads.
extension ConditionVariable: @unchecked Sendable {}

// MARK: - Waiting

extension ConditionVariable {
    /// Frees `lock`, sleeps until woken, and takes `lock` again. It may wake without a reason: check the condition.
    package func wait(for lock: borrowing Lock) {
        _ = unsafe pthread_cond_wait(self.condition, lock.mutex)
    }

    /// The same, but sleeps no longer than until `deadlineNanoseconds` on `MonotonicClock`.
    ///
    /// - Returns: `false` when the deadline has passed.
    package func wait(for lock: borrowing Lock, deadlineNanoseconds: UInt64) -> Bool {
        var deadline = timespec(nanoseconds: deadlineNanoseconds)
        return unsafe pthread_cond_timedwait(self.condition, lock.mutex, &deadline) != ETIMEDOUT
    }

    /// Wakes one sleeper, if there is one.
    package func signal() {
        _ = unsafe pthread_cond_signal(self.condition)
    }

    /// Wakes all sleepers.
    package func broadcast() {
        _ = unsafe pthread_cond_broadcast(self.condition)
    }

    /// Forgets the sleepers of the parent in a forked child. Only for the child handler of `AtFork`.
    package func reinitializeAfterFork() {
        unsafe Self.initialize(self.condition)
    }
}
