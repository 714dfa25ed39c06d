public import CShims
public import Synchronization

/// A non-recursive mutual exclusion lock between threads of one process, in one word.
///
/// For critical sections of some nanoseconds that are entered millions of times a second: taking and freeing it costs half
/// of what a pthread mutex costs, and a thread that meets a holder spins for a moment before it sleeps. A process with one
/// thread uses no atomic operations, which is what the C library does for its mutexes. Elsewhere `Lock` will do.
///
/// `public`, as is what else shall be inlined into other modules: the compiler exports no bodies that are `package`.
@safe
public struct WordLock: ~Copyable {
    /// Free; held; held, and somebody sleeps.
    @usableFromInline internal static var free: UInt32 { 0 }
    @usableFromInline internal static var held: UInt32 { 1 }
    private static var contended: UInt32 { 2 }

    /// How often a thread looks again before it sleeps: some hundred nanoseconds.
    private static var spinCountMax: Int { 200 }

    // SAFETY: allocated and initialised from `init` until `deinit`; the kernel knows a futex by its address, which must not
    // change.
    @usableFromInline internal let word: UnsafeMutablePointer<Atomic<UInt32>>

    package init() {
        unsafe self.word = .allocate(capacity: 1)
        unsafe self.word.initialize(to: Atomic(Self.free))
    }

    deinit {
        unsafe self.word.deinitialize(count: 1)
        unsafe self.word.deallocate()
    }
}

// SAFETY: the word is atomic.
extension WordLock: @unchecked Sendable {}

// MARK: - Locking

extension WordLock {
    /// Waits until the lock is free and takes it.
    @inlinable @inline(always)
    public func lock() {
        if cshims_is_single_threaded() != 0, unsafe self.word.pointee.load(ordering: .relaxed) == Self.free {
            unsafe self.word.pointee.store(Self.held, ordering: .relaxed)
            return
        }
        // Pairs with the release in `unlock`.
        let (isTaken, _) = unsafe self.word.pointee.compareExchange(
            expected: Self.free,
            desired: Self.held,
            successOrdering: .acquiring,
            failureOrdering: .relaxed
        )
        if !isTaken { self.lockContended() }
    }

    /// Takes the lock if it is free now, and says whether it did.
    @inlinable @inline(always)
    package func tryLock() -> Bool {
        unsafe self.word.pointee.compareExchange(
            expected: Self.free,
            desired: Self.held,
            successOrdering: .acquiring,
            failureOrdering: .relaxed
        ).exchanged
    }

    /// Frees the lock, which the calling thread holds.
    @inlinable @inline(always)
    public func unlock() {
        if cshims_is_single_threaded() != 0 {
            // Nobody sleeps.
            unsafe self.word.pointee.store(Self.free, ordering: .relaxed)
            return
        }
        if unsafe self.word.pointee.exchange(Self.free, ordering: .releasing) != Self.held { self.wakeOne() }
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

    @usableFromInline
    @inline(never)
    internal func lockContended() {
        for _ in 0..<Self.spinCountMax {
            if unsafe self.word.pointee.load(ordering: .relaxed) == Self.free {
                let (isTaken, _) = unsafe self.word.pointee.compareExchange(
                    expected: Self.free,
                    desired: Self.held,
                    successOrdering: .acquiring,
                    failureOrdering: .relaxed
                )
                if isTaken { return }
            }
        }
        // Whoever slept once takes the lock as contended, because others may sleep still.
        while unsafe self.word.pointee.exchange(Self.contended, ordering: .acquiring) != Self.free {
            unsafe Futex.wait(on: self.word, while: Self.contended)
        }
    }

    @usableFromInline
    @inline(never)
    internal func wakeOne() {
        unsafe Futex.wake(self.word, count: 1)
    }
}

// MARK: - Fork

extension WordLock {
    /// Makes the lock free again in a forked child, whoever held it in the parent. See `Lock.reinitializeAfterFork`.
    package func reinitializeAfterFork() {
        unsafe self.word.pointee.store(Self.free, ordering: .relaxed)
    }
}
