import Glibc
package import SystemIO

/// Why a process cannot take part, in words for its user.
package enum RegistryError: Error, Hashable, Sendable {
    /// Someone who does not share it has the UDP port.
    case portTaken(UInt16)
    /// The UDP socket cannot be made or bound.
    case socketFailed(Errno)
    /// The directory by which processes find each other cannot be used.
    case directoryUnusable(path: String, Errno)
    /// The directory belongs to someone else, or others may enter it.
    case directoryUnsafe(path: String)
    /// Processes with another layout of the registry are running.
    case otherVersion(path: String)
    /// Another process holds the registry and does not go on.
    case busy(path: String)
    /// All blocks of queue pair numbers are in use.
    case tooManyProcesses
    /// The process has joined already.
    case alreadyJoined
    /// Something that should not fail did.
    case system(Errno)
}

extension RegistryError {
    /// What a C caller finds in `errno`.
    package var errno: Errno {
        switch self {
        case .portTaken: .addressInUse
        case .socketFailed(let error), .directoryUnusable(_, let error), .system(let error): error
        case .directoryUnsafe: .permissionDenied
        case .otherVersion: Errno(rawValue: EPROTO)
        case .busy: .resourceBusy
        case .tooManyProcesses: Errno(rawValue: EUSERS)
        case .alreadyJoined: Errno(rawValue: EALREADY)
        }
    }
}

extension RegistryError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .portTaken(let port):
            """
            UDP port \(port) is taken by another user, by a program that does not share it, or by the kernel's own rxe \
            driver. `ss -ulnp 'sport = \(port)'` shows who; `rdma link show` shows rxe, and `rdma link delete NAME` frees it.
            """
        case .socketFailed(let error) where error == .tooManyOpenFiles:
            "no UDP socket: the process may open no more files. Raise the limit with `ulimit -n`."
        case .socketFailed(let error):
            "no UDP socket: \(error.message)."
        case .directoryUnusable(let path, let error):
            "\(path) cannot be used: \(error.message). Verbena's processes find each other there; it must be writable."
        case .directoryUnsafe(let path):
            "\(path) belongs to another user, or others may enter it. Remove it, or `chmod 700` it if it is yours."
        case .otherVersion(let path):
            "processes with another version of Verbena are running (\(path)). End them first."
        case .busy(let path):
            "another process holds \(path) and does not go on; is it stopped? `lslocks` shows it."
        case .tooManyProcesses:
            "\(QPNBlock.countMax) processes of this user run Verbena in this network namespace, which is the most there can be."
        case .alreadyJoined:
            "the process takes part in this registry already."
        case .system(let error):
            "the registry of processes failed: \(error.message)."
        }
    }
}
