/// A `LockWord` with memory of its own.
@safe
public struct WordLock: ~Copyable {
    // SAFETY: allocated from `init` until `deinit`.
    private let memory: UnsafeMutablePointer<UInt32>
    @usableFromInline internal let view: LockWord

    package init() {
        unsafe self.memory = .allocate(capacity: 1)
        unsafe self.memory.initialize(to: 0)
        unsafe self.view = LockWord(at: UnsafeMutableRawPointer(self.memory))
    }

    deinit {
        unsafe self.memory.deallocate()
    }
}

// SAFETY: the word is atomic.
extension WordLock: @unchecked Sendable {}

extension WordLock {
    /// Waits until the lock is free and takes it.
    @inlinable @inline(always)
    public func lock() {
        self.view.lock()
    }

    /// Takes the lock if it is free now, and says whether it did.
    @inlinable @inline(always)
    public func tryLock() -> Bool {
        self.view.tryLock()
    }

    /// Frees the lock, which the calling thread holds.
    @inlinable @inline(always)
    public func unlock() {
        self.view.unlock()
    }

    /// Runs `body` under the lock.
    @inlinable @inline(always)
    public func withLock<Result: ~Copyable, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        self.lock()
        defer { self.unlock() }
        return try body()
    }

    /// Makes the lock free again in a forked child, whoever held it in the parent. See `Lock.reinitializeAfterFork`.
    package func reinitializeAfterFork() {
        self.view.reset()
    }
}
