import Glibc

/// A non-recursive mutual exclusion lock between threads of one process.
///
/// It stands in for `Synchronization.Mutex`, which traps when it is contended in a forked child. Not for memory that
/// other processes see: that is `SharedLock`.
@safe
package struct Lock: ~Copyable {
    // SAFETY: allocated and initialised from `init` until `deinit`; a pthread mutex must not move, so it has a home of
    // its own.
    internal let mutex: UnsafeMutablePointer<pthread_mutex_t>

    package init() {
        unsafe self.mutex = .allocate(capacity: 1)
        unsafe self.mutex.initialize(to: pthread_mutex_t())
        let result = unsafe pthread_mutex_init(self.mutex, nil)
        precondition(result == 0, "a default mutex needs no resource that could be missing")
    }

    deinit {
        _ = unsafe pthread_mutex_destroy(self.mutex)
        unsafe self.mutex.deallocate()
    }
}

// SAFETY: a pthread mutex is made to be used by several threads.
extension Lock: @unchecked Sendable {}

// MARK: - Locking

extension Lock {
    /// Waits until the lock is free and takes it.
    @inline(always)
    package func lock() {
        let result = unsafe pthread_mutex_lock(self.mutex)
        assert(result == 0)
    }

    /// Frees the lock, which the calling thread holds.
    @inline(always)
    package func unlock() {
        let result = unsafe pthread_mutex_unlock(self.mutex)
        assert(result == 0)
    }

    /// Takes the lock if it is free now, and says whether it did.
    @inline(always)
    package func tryLock() -> Bool {
        unsafe pthread_mutex_trylock(self.mutex) == 0
    }

    /// Runs `body` under the lock.
    @inline(always)
    package func withLock<Result: ~Copyable, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        self.lock()
        defer { self.unlock() }
        return try body()
    }
}

// MARK: - Fork

extension Lock {
    /// Makes the lock free again in a forked child, whoever held it in the parent.
    ///
    /// Only for the child handler of `AtFork`, where no other thread exists. What the lock guards may be half-written:
    /// the caller must set that up anew too, unless its prepare handler held the lock.
    package func reinitializeAfterFork() {
        _ = unsafe pthread_mutex_init(self.mutex, nil)
    }
}
