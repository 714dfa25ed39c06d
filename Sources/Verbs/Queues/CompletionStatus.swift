internal import CVerbs

/// How a work request ended. The names are those of IBTA Volume 1, section 11.6.2. See ibv_poll_cq(3).
public struct CompletionStatus: RawRepresentable, Hashable, Sendable {
    /// A number of `enum ibv_wc_status`.
    public let rawValue: UInt32

    @inlinable
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    private init(_ status: ibv_wc_status) {
        self.init(rawValue: status.rawValue)
    }

    public static var success: CompletionStatus { CompletionStatus(IBV_WC_SUCCESS) }
    /// The message was longer than the memory for it.
    public static var localLengthError: CompletionStatus { CompletionStatus(IBV_WC_LOC_LEN_ERR) }
    public static var localQPOperationError: CompletionStatus { CompletionStatus(IBV_WC_LOC_QP_OP_ERR) }
    /// The memory is not registered for this use, in this domain.
    public static var localProtectionError: CompletionStatus { CompletionStatus(IBV_WC_LOC_PROT_ERR) }
    /// The queue pair went to the error state before the request was worked on.
    public static var flushed: CompletionStatus { CompletionStatus(IBV_WC_WR_FLUSH_ERR) }
    public static var memoryWindowBindError: CompletionStatus { CompletionStatus(IBV_WC_MW_BIND_ERR) }
    public static var remoteInvalidRequest: CompletionStatus { CompletionStatus(IBV_WC_REM_INV_REQ_ERR) }
    /// The peer does not allow this access to this memory.
    public static var remoteAccessError: CompletionStatus { CompletionStatus(IBV_WC_REM_ACCESS_ERR) }
    public static var remoteOperationError: CompletionStatus { CompletionStatus(IBV_WC_REM_OP_ERR) }
    /// The peer did not answer.
    public static var retryExceeded: CompletionStatus { CompletionStatus(IBV_WC_RETRY_EXC_ERR) }
    /// The peer had no receive request posted.
    public static var rnrRetryExceeded: CompletionStatus { CompletionStatus(IBV_WC_RNR_RETRY_EXC_ERR) }
}

extension CompletionStatus: CustomStringConvertible {
    public var description: String {
        switch self {
        case .success: "success"
        case .localLengthError: "local length error: the message is longer than the memory for it"
        case .localQPOperationError: "local QP operation error"
        case .localProtectionError: "local protection error: the memory is not registered for this use in this domain"
        case .flushed: "flushed: the queue pair was in the error state"
        case .memoryWindowBindError: "memory window bind error"
        case .remoteInvalidRequest: "remote invalid request error"
        case .remoteAccessError: "remote access error: the peer does not allow this access to this memory"
        case .remoteOperationError: "remote operation error: the peer could not carry the request out"
        case .retryExceeded: "retry exceeded: the peer does not answer"
        case .rnrRetryExceeded: "RNR retry exceeded: the peer has no receive request posted"
        default: "status \(self.rawValue)"
        }
    }
}
