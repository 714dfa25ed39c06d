import CShims
import Glibc

/// Locks on single bytes of a file, between those who opened it. See fcntl(2), "Open file description locks".
///
/// The kernel frees them when their holder ends in whatever way, so that a lock tells whether its holder lives. The holder is
/// the open file and not the process: two libraries in one process, each with an adapter inside, hold locks of their own.
/// They do not exclude threads that use one descriptor from each other. A forked child holds them too until it has closed its
/// copy of the descriptor, which is the first thing that it must do.
package enum RecordLock {
    /// Takes the lock on one byte if nobody else has it.
    ///
    /// - Returns: Whether this open file has it now.
    /// - Throws: `ENOLCK` when the kernel's table is full; `EBADF`.
    package static func tryAcquire(_ rawDescriptor: CInt, byteOffset: Int) throws(Errno) -> Bool {
        do throws(Errno) {
            try self.control(rawDescriptor, CSHIMS_F_OFD_SETLK, type: F_WRLCK, byteOffset...byteOffset)
            return true
        } catch {
            guard error == .wouldBlock || error == .permissionDenied else { throw error }
            return false
        }
    }

    /// Frees the lock on one byte.
    package static func release(_ rawDescriptor: CInt, byteOffset: Int) {
        _ = try? self.control(rawDescriptor, CSHIMS_F_OFD_SETLK, type: F_UNLCK, byteOffset...byteOffset)
    }

    /// Whether another open file has a lock on any of the bytes. Those of this descriptor do not count.
    package static func isHeldByAnother(_ rawDescriptor: CInt, _ bytes: ClosedRange<Int>) throws(Errno) -> Bool {
        try self.control(rawDescriptor, CSHIMS_F_OFD_GETLK, type: F_WRLCK, bytes) != F_UNLCK
    }

    /// Returns the type that the kernel left in the description of the lock.
    @discardableResult
    private static func control(
        _ rawDescriptor: CInt,
        _ command: Int,
        type: CInt,
        _ bytes: ClosedRange<Int>
    ) throws(Errno) -> CInt {
        var lock = flock()
        lock.l_type = Int16(type)
        lock.l_whence = Int16(SEEK_SET)
        lock.l_start = bytes.lowerBound
        lock.l_len = bytes.count
        // SAFETY: the kernel reads and writes the local variable.
        try checkingErrno { unsafe cshims_fcntl_lock(rawDescriptor, CInt(command), &lock) }
        return CInt(lock.l_type)
    }
}
