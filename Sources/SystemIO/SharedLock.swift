internal import CShims
public import Glibc

/// A view of a mutual exclusion lock that lies in memory shared by several processes and survives their deaths.
///
/// When the holder dies, the next one to lock is told so: it repairs what the lock guards and goes on. The view does
/// not own the memory. See pthread_mutexattr_setrobust(3).
@safe
public struct SharedLock {
    // SAFETY: whoever makes the view promises that the memory stays mapped as long as the view is used.
    @usableFromInline internal let mutex: UnsafeMutablePointer<pthread_mutex_t>

    /// What the one who takes the lock finds.
    public enum Acquisition: Hashable, Sendable {
        case clean
        /// The last holder died with the lock held: what it guards may be half-written. The lock works again.
        case ownerDied
    }

    /// Bytes that a lock takes in its segment: one cache line, so that neighbours do not slow it.
    public static var byteCount: Int { 64 }

    /// Where a lock may lie: at multiples of this many bytes.
    public static var alignment: Int { unsafe MemoryLayout<pthread_mutex_t>.alignment }

    /// Views the lock at `address`.
    ///
    /// - Parameter address: Start of `byteCount` bytes, aligned to `alignment`, in a mapping that outlives the view and
    ///   in which some process has called `initialize()`.
    @unsafe
    public init(at address: UnsafeMutableRawPointer) {
        precondition(Int(bitPattern: address) % Self.alignment == 0, "a lock must be aligned")
        unsafe self.mutex = address.assumingMemoryBound(to: pthread_mutex_t.self)
    }
}

// SAFETY: the mutex is made to be used by several threads.
extension SharedLock: @unchecked Sendable {}

extension SharedLock {
    /// Sets the lock up, free. Once, before another process can see the memory.
    public func initialize() throws(Errno) {
        var attributes = pthread_mutexattr_t()
        _ = unsafe pthread_mutexattr_init(&attributes)
        defer { _ = unsafe pthread_mutexattr_destroy(&attributes) }
        try Self.check(unsafe pthread_mutexattr_setpshared(&attributes, CInt(PTHREAD_PROCESS_SHARED)))
        try Self.check(unsafe pthread_mutexattr_setrobust(&attributes, CInt(PTHREAD_MUTEX_ROBUST)))
        try Self.check(unsafe pthread_mutex_init(self.mutex, &attributes))
    }

    /// Waits until the lock is free and takes it.
    ///
    /// - Throws: `EINVAL` or `ENOTRECOVERABLE` when the memory does not hold a sound lock, as when a peer wrote there.
    @discardableResult
    @inlinable @inline(always)
    public func lock() throws(Errno) -> Acquisition {
        let result = unsafe pthread_mutex_lock(self.mutex)
        return result == 0 ? .clean : try self.acquisition(result)
    }

    /// Takes the lock if it is free now; `nil` if it is not.
    public func tryLock() throws(Errno) -> Acquisition? {
        let result = unsafe pthread_mutex_trylock(self.mutex)
        return result == EBUSY ? nil : try self.acquisition(result)
    }

    /// Takes the lock, however its last holder ended, and waits for it a millisecond or so: long enough for a holder that
    /// runs, and not for ever for one that is stopped.
    ///
    /// - Returns: Whether the lock was taken.
    public func lockSoon() -> Bool {
        do throws(Errno) {
            for _ in 0..<Self.looksMax {
                if try self.tryLock() != nil { return true }
            }
            // Asleep, so that a holder that waits for a processor gets this one.
            var deadline = timespec(nanoseconds: MonotonicClock.now + Self.patienceNanoseconds)
            _ = try self.acquisition(unsafe cshims_mutex_lock_until(self.mutex, &deadline))
            return true
        } catch {
            return false
        }
    }

    /// Looks at a lock that somebody holds before it is worth to sleep.
    private static var looksMax: Int { 50 }
    private static var patienceNanoseconds: UInt64 { 2_000_000 }

    /// Frees the lock, which the calling thread holds.
    @inlinable @inline(always)
    public func unlock() {
        _ = unsafe pthread_mutex_unlock(self.mutex)
    }

    @usableFromInline
    internal func acquisition(_ result: CInt) throws(Errno) -> Acquisition {
        if result == EOWNERDEAD {
            try Self.check(unsafe pthread_mutex_consistent(self.mutex))
            return .ownerDied
        }
        try Self.check(result)
        return .clean
    }

    /// pthread functions return the error instead of setting `errno`.
    private static func check(_ result: CInt) throws(Errno) {
        guard result == 0 else { throw Errno(rawValue: result) }
    }
}
