/// An error from a verbs operation: what was tried, what was wrong, and the system's number for it.
///
/// Match on ``code``. New codes may appear in any release, so always have a `default`.
///
/// A work request that fails *after* it was posted is not an error on the thin level but a ``WorkCompletion`` with a
/// status; the functions that await a completion throw it as ``Code/workFailed``.
public struct VerbsError: Error, Hashable, Sendable {
    public let code: Code
    /// The verb that failed, by the name of its manual page, such as `ibv_create_qp`.
    public let operation: String
    /// Which attribute, value or state was wrong, in words; empty when the system's number says it all.
    public let detail: String
    /// The system's error number, such as `EINVAL`, when there is one. See errno(3).
    public let errno: CInt?
    /// Of a batch that was posted: the index of the first request that was refused. Those before it are posted.
    public let requestIndex: Int?
    /// Of a work request that failed: how it ended.
    public let status: CompletionStatus?

    public init(
        _ code: Code,
        operation: String,
        detail: String = "",
        errno: CInt? = nil,
        requestIndex: Int? = nil,
        status: CompletionStatus? = nil
    ) {
        self.code = code
        self.operation = operation
        self.detail = detail
        self.errno = errno
        self.requestIndex = requestIndex
        self.status = status
    }
}

// MARK: - Codes

extension VerbsError {
    /// What went wrong. A struct and not an enum, so that adding a code is not a breaking change.
    public struct Code: Hashable, Sendable {
        fileprivate enum Storage: Hashable {
            case invalidArgument, busy, outOfResources, notSupported, noDevice, permissionDenied, queueFull
            case wrongState, forkedChild, libraryUnusable, workFailed, connectionFailed, closed, system
        }

        fileprivate let storage: Storage

        /// An argument or attribute has a value that the adapter does not take.
        public static var invalidArgument: Code { Code(storage: .invalidArgument) }
        /// Other objects still depend on this one.
        public static var busy: Code { Code(storage: .busy) }
        /// Memory, or a limit of the adapter or the system, is used up.
        public static var outOfResources: Code { Code(storage: .outOfResources) }
        /// The adapter, or the library that drives it, does not have this.
        public static var notSupported: Code { Code(storage: .notSupported) }
        /// There is no such device, or it is gone.
        public static var noDevice: Code { Code(storage: .noDevice) }
        /// The system does not let this process do it.
        public static var permissionDenied: Code { Code(storage: .permissionDenied) }
        /// The send or receive queue has no room for the request.
        public static var queueFull: Code { Code(storage: .queueFull) }
        /// The object is in a state in which the operation is not allowed.
        public static var wrongState: Code { Code(storage: .wrongState) }
        /// The process was forked after the object was made: a child has no part in its parent's adapter.
        public static var forkedChild: Code { Code(storage: .forkedChild) }
        /// The libibverbs that was asked for cannot be loaded.
        public static var libraryUnusable: Code { Code(storage: .libraryUnusable) }
        /// A work request ended with an error: see ``VerbsError/status``.
        public static var workFailed: Code { Code(storage: .workFailed) }
        /// A peer cannot be reached, or does not speak the protocol of ``Connection``.
        public static var connectionFailed: Code { Code(storage: .connectionFailed) }
        /// The connection, listener or queue was closed, by this side or the other.
        public static var closed: Code { Code(storage: .closed) }
        /// A system call failed: see ``VerbsError/errno``.
        public static var system: Code { Code(storage: .system) }
    }
}

// MARK: - Description

extension VerbsError: CustomStringConvertible {
    public var description: String {
        var text = "\(self.operation): \(self.code.summary)"
        if !self.detail.isEmpty { text += ": \(self.detail)" }
        if let status { text += " (\(status))" }
        if let requestIndex { text += ", request \(requestIndex) of the batch" }
        if let errno { text += " [\(SystemErrorNumber(errno))]" }
        return text
    }
}

extension VerbsError.Code: CustomStringConvertible {
    public var description: String { self.summary }

    fileprivate var summary: String {
        switch self.storage {
        case .invalidArgument: "an argument is not valid"
        case .busy: "other objects still depend on this one"
        case .outOfResources: "a limit is reached"
        case .notSupported: "not supported"
        case .noDevice: "there is no such device"
        case .permissionDenied: "not permitted"
        case .queueFull: "the queue is full"
        case .wrongState: "not allowed in this state"
        case .forkedChild: "the object belongs to the parent process"
        case .libraryUnusable: "the library cannot be used"
        case .workFailed: "the work request failed"
        case .connectionFailed: "no connection"
        case .closed: "closed"
        case .system: "a system call failed"
        }
    }
}
