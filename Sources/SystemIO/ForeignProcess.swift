import CShims
import Glibc

/// Another process of this host, held so that its number cannot come to mean a third one, and what may be taken from it:
/// descriptors, and notice of its end. See pidfd_open(2).
package struct ForeignProcess: ~Copyable, Sendable {
    package let pid: Int32
    private let descriptor: OwnedDescriptor

    /// - Throws: `ESRCH` when there is no such process; `ENOSYS` before Linux 5.3; `EMFILE`.
    package init(pid: Int32) throws(Errno) {
        self.pid = pid
        self.descriptor = OwnedDescriptor(takingOver: try checkingErrno { cshims_pidfd_open(pid) })
    }

    /// Readable once the process has ended.
    package var rawDescriptor: CInt { self.descriptor.rawValue }

    /// A duplicate of a descriptor of that process.
    ///
    /// - Throws: `EPERM` when the kernel forbids looking into it; `EBADF`, `ESRCH`, `EMFILE`; `ENOSYS` before Linux 5.6.
    package func duplicate(_ rawDescriptor: CInt) throws(Errno) -> OwnedDescriptor {
        OwnedDescriptor(takingOver: try checkingErrno { cshims_pidfd_getfd(self.descriptor.rawValue, rawDescriptor) })
    }

    /// In a forked child, which has nothing to do with that process.
    package func close() {
        self.descriptor.close()
    }
}
