import CShims
import Glibc

extension OwnedDescriptor {
    /// Opens the file behind a descriptor of another process anew, for reading and writing. See proc(5), `/proc/PID/fd`.
    ///
    /// - Throws: `EACCES` when the kernel forbids looking into that process, `ENOENT` when it is gone or has no such
    ///   descriptor, `EMFILE`.
    package init(pid: Int32, rawDescriptor: CInt) throws(Errno) {
        let flags = O_RDWR | O_CLOEXEC
        self.init(
            takingOver: try checkingErrno { unsafe cshims_open("/proc/\(pid)/fd/\(rawDescriptor)", flags, 0) }
        )
    }
}
