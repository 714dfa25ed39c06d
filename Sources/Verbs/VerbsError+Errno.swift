internal import Glibc
internal import SystemIO

/// An error number with the words of the C library.
internal struct SystemErrorNumber: CustomStringConvertible {
    private let rawValue: CInt

    init(_ rawValue: CInt) {
        self.rawValue = rawValue
    }

    var description: String { "errno \(self.rawValue), \(Errno(rawValue: self.rawValue).message)" }
}

extension VerbsError {
    /// An error of a C function that answered `errno`.
    internal init(operation: String, errno: CInt, detail: String = "") {
        self.init(Code(errno: errno), operation: operation, detail: detail, errno: errno)
    }

    /// An error of a system call.
    internal init(_ error: Errno, operation: String, detail: String = "") {
        self.init(operation: operation, errno: error.rawValue, detail: detail)
    }

    /// An error of a C function that returned null and left the reason in `errno`.
    internal static func last(_ operation: String, detail: String = "") -> VerbsError {
        VerbsError(operation: operation, errno: Glibc.errno, detail: detail)
    }

    /// Throws for a C function that returns 0 or an error number.
    internal static func check(_ operation: String, _ result: CInt, detail: String = "") throws(VerbsError) {
        guard result == 0 else {
            // Some functions return -1 and leave the number in `errno`.
            throw VerbsError(operation: operation, errno: result < 0 ? Glibc.errno : result, detail: detail)
        }
    }
}

extension VerbsError.Code {
    fileprivate init(errno: CInt) {
        self =
            switch errno {
            case EINVAL, EFAULT, ERANGE, EBADF: .invalidArgument
            case EBUSY: .busy
            case ENOMEM, EMFILE, ENFILE, ENOSPC, EAGAIN, ENOBUFS: .outOfResources
            case EOPNOTSUPP, ENOSYS, EPROTONOSUPPORT: .notSupported
            case ENODEV, ENXIO: .noDevice
            case EPERM, EACCES: .permissionDenied
            default: .system
            }
    }
}
