public import CShims
public import Synchronization

/// A view of a non-recursive mutual exclusion lock between threads of one process, in one word of whatever memory.
///
/// For critical sections of some nanoseconds that are entered millions of times a second: taking and freeing it costs half
/// of what a pthread mutex costs, and a thread that meets a holder spins for a moment before it sleeps. A process with one
/// thread uses no atomic operations, which is what the C library does for its mutexes. Elsewhere `Lock` will do.
///
/// `public`, as is what else shall be inlined into other modules: the compiler exports no bodies that are `package`.
@safe
public struct LockWord {
    /// Free, which is what zeroed memory says; held; held, and somebody sleeps.
    @usableFromInline internal static var free: UInt32 { 0 }
    @usableFromInline internal static var held: UInt32 { 1 }
    private static var contended: UInt32 { 2 }

    /// How often a thread looks again before it sleeps: some hundred nanoseconds.
    private static var spinCountMax: Int { 200 }

    // SAFETY: whoever makes the view promises that the word stays where it is, because the kernel knows a futex by its
    // address, and that it is there as long as the view is used.
    @usableFromInline internal let word: UnsafeMutablePointer<Atomic<UInt32>>

    /// Views the lock in the word at `address`, which is aligned to 4 bytes and 0, or has been a lock before.
    @unsafe
    @inlinable @inline(always)
    public init(at address: UnsafeMutableRawPointer) {
        unsafe self.word = address.assumingMemoryBound(to: Atomic<UInt32>.self)
    }
}

// SAFETY: the word is atomic.
extension LockWord: @unchecked Sendable {}

// MARK: - Locking

extension LockWord {
    /// Waits until the lock is free and takes it.
    @inlinable @inline(always)
    public func lock() {
        if cshims_is_single_threaded() != 0, unsafe self.word.pointee.load(ordering: .relaxed) == Self.free {
            unsafe self.word.pointee.store(Self.held, ordering: .relaxed)
            return
        }
        if !self.tryLock() { self.lockContended() }
    }

    /// Takes the lock if it is free now, and says whether it did.
    @inlinable @inline(always)
    public func tryLock() -> Bool {
        // Pairs with the release in `unlock`.
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

    /// Makes the lock free, whoever held it: in a forked child, for instance.
    package func reset() {
        unsafe self.word.pointee.store(Self.free, ordering: .relaxed)
    }

    @usableFromInline
    @inline(never)
    internal func lockContended() {
        for _ in 0..<Self.spinCountMax {
            if unsafe self.word.pointee.load(ordering: .relaxed) == Self.free, self.tryLock() { return }
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
