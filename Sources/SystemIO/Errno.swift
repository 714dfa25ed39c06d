import Glibc

/// The number by which Linux, and the C interface of verbs, name an error. See errno(3).
///
/// `SystemPackage.Errno` does the same; it is not used because the adapter loads into foreign processes and takes no
/// package with it.
package struct Errno: Error, Hashable, Sendable {
    package let rawValue: CInt

    package init(rawValue: CInt) {
        self.rawValue = rawValue
    }

    /// What the last failed C call of this thread left in `errno`.
    package static var last: Errno { Errno(rawValue: Glibc.errno) }

    package static var invalidArgument: Errno { Errno(rawValue: EINVAL) }
    package static var noBufferSpace: Errno { Errno(rawValue: ENOBUFS) }
    package static var noMemory: Errno { Errno(rawValue: ENOMEM) }
    package static var badAddress: Errno { Errno(rawValue: EFAULT) }
    package static var resourceBusy: Errno { Errno(rawValue: EBUSY) }
    package static var notSupported: Errno { Errno(rawValue: EOPNOTSUPP) }
    package static var noSuchDevice: Errno { Errno(rawValue: ENODEV) }
    package static var wouldBlock: Errno { Errno(rawValue: EAGAIN) }
    package static var interrupted: Errno { Errno(rawValue: EINTR) }
    package static var addressInUse: Errno { Errno(rawValue: EADDRINUSE) }
    package static var permissionDenied: Errno { Errno(rawValue: EACCES) }
    package static var tooManyOpenFiles: Errno { Errno(rawValue: EMFILE) }
    package static var functionNotImplemented: Errno { Errno(rawValue: ENOSYS) }
    package static var operationNotPermitted: Errno { Errno(rawValue: EPERM) }
    package static var ioError: Errno { Errno(rawValue: EIO) }
    package static var fileExists: Errno { Errno(rawValue: EEXIST) }
    package static var protocolError: Errno { Errno(rawValue: EPROTO) }
    package static var noSuchProcess: Errno { Errno(rawValue: ESRCH) }
    package static var hostUnreachable: Errno { Errno(rawValue: EHOSTUNREACH) }
    package static var noSuchFile: Errno { Errno(rawValue: ENOENT) }
}

/// Runs a system call that reports failure as -1, and retries it when a signal interrupts it.
@discardableResult
package func checkingErrno<Result: SignedInteger>(_ call: () -> Result) throws(Errno) -> Result {
    while true {
        let result = call()
        if result != -1 { return result }
        let error = Errno.last
        if error != .interrupted { throw error }
    }
}
