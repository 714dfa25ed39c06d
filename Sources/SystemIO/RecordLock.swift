import CShims
import Glibc

/// Locks on single bytes of a file, between processes. See fcntl(2), "Advisory record locking".
///
/// The kernel frees them when their holder ends in whatever way, and a forked child does not have them, so that a lock
/// tells whether its holder lives. They do not exclude threads of one process from each other, and closing *any*
/// descriptor of the file frees all that the process holds: open the file once.
package enum RecordLock {
    /// Takes the lock on one byte if no other process has it.
    ///
    /// - Returns: Whether the own process has it now.
    /// - Throws: `ENOLCK` when the kernel's table is full; `EBADF`.
    package static func tryAcquire(_ rawDescriptor: CInt, byteOffset: Int) throws(Errno) -> Bool {
        do throws(Errno) {
            try self.control(rawDescriptor, F_SETLK, type: F_WRLCK, byteOffset...byteOffset)
            return true
        } catch {
            guard error == .wouldBlock || error == .permissionDenied else { throw error }
            return false
        }
    }

    /// Frees the lock on one byte.
    package static func release(_ rawDescriptor: CInt, byteOffset: Int) {
        _ = try? self.control(rawDescriptor, F_SETLK, type: F_UNLCK, byteOffset...byteOffset)
    }

    /// Whether another process has a lock on any of the bytes. Locks of the own process do not count.
    package static func isHeldByAnother(_ rawDescriptor: CInt, _ bytes: ClosedRange<Int>) throws(Errno) -> Bool {
        try self.control(rawDescriptor, F_GETLK, type: F_WRLCK, bytes) != F_UNLCK
    }

    /// Returns the type that the kernel left in the description of the lock.
    @discardableResult
    private static func control(
        _ rawDescriptor: CInt,
        _ command: CInt,
        type: CInt,
        _ bytes: ClosedRange<Int>
    ) throws(Errno) -> CInt {
        var lock = flock()
        lock.l_type = Int16(type)
        lock.l_whence = Int16(SEEK_SET)
        lock.l_start = bytes.lowerBound
        lock.l_len = bytes.count
        // SAFETY: the kernel reads and writes the local variable.
        try checkingErrno { unsafe cshims_fcntl_lock(rawDescriptor, command, &lock) }
        return CInt(lock.l_type)
    }
}
