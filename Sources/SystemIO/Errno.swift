import Glibc

/// The number by which Linux, and the C interface of verbs, name an error. See errno(3).
///
/// `SystemPackage.Errno` does the same; it is not used because the adapter loads into foreign processes and takes no
/// public with it.
public struct Errno: Error, Hashable, Sendable {
    public let rawValue: CInt

    public init(rawValue: CInt) {
        self.rawValue = rawValue
    }

    /// What the last failed C call of this thread left in `errno`.
    public static var last: Errno { Errno(rawValue: Glibc.errno) }

    /// Tells the error as many functions of C do: puts it into `errno`, and returns -1.
    package func told() -> CInt {
        errno = self.rawValue
        return -1
    }

    public static var invalidArgument: Errno { Errno(rawValue: EINVAL) }
    public static var noBufferSpace: Errno { Errno(rawValue: ENOBUFS) }
    public static var noMemory: Errno { Errno(rawValue: ENOMEM) }
    public static var badAddress: Errno { Errno(rawValue: EFAULT) }
    public static var resourceBusy: Errno { Errno(rawValue: EBUSY) }
    public static var notSupported: Errno { Errno(rawValue: EOPNOTSUPP) }
    public static var noSuchDevice: Errno { Errno(rawValue: ENODEV) }
    public static var wouldBlock: Errno { Errno(rawValue: EAGAIN) }
    public static var interrupted: Errno { Errno(rawValue: EINTR) }
    public static var addressInUse: Errno { Errno(rawValue: EADDRINUSE) }
    public static var permissionDenied: Errno { Errno(rawValue: EACCES) }
    public static var tooManyOpenFiles: Errno { Errno(rawValue: EMFILE) }
    public static var functionNotImplemented: Errno { Errno(rawValue: ENOSYS) }
    public static var operationNotPermitted: Errno { Errno(rawValue: EPERM) }
    public static var ioError: Errno { Errno(rawValue: EIO) }
    public static var fileExists: Errno { Errno(rawValue: EEXIST) }
    public static var protocolError: Errno { Errno(rawValue: EPROTO) }
    public static var noSuchProcess: Errno { Errno(rawValue: ESRCH) }
    public static var hostUnreachable: Errno { Errno(rawValue: EHOSTUNREACH) }
    public static var noSuchFile: Errno { Errno(rawValue: ENOENT) }
}

/// Runs a system call that reports failure as -1, and retries it when a signal interrupts it.
@discardableResult
public func checkingErrno<Result: SignedInteger>(_ call: () -> Result) throws(Errno) -> Result {
    while true {
        let result = call()
        if result != -1 { return result }
        let error = Errno.last
        if error != .interrupted { throw error }
    }
}
