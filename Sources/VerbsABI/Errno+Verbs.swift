internal import Glibc
internal import SystemIO

// Errors that only the interface of verbs reports.

extension Errno {
    /// An entry of a table is empty.
    internal static var noData: Errno { Errno(rawValue: ENODATA) }
    /// A header is of no known protocol.
    internal static var protocolNotSupported: Errno { Errno(rawValue: EPROTONOSUPPORT) }
    /// An address that cannot be resolved.
    internal static var hostUnreachable: Errno { Errno(rawValue: EHOSTUNREACH) }
}
