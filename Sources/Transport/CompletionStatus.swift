/// How a work request ended.
///
/// The raw values are those of `ibv_wc_status`, so that the C face copies them; `ibv_poll_cq(3)` says what each means.
public enum CompletionStatus: UInt8, BitwiseCopyable, Hashable, Sendable {
    case success = 0
    /// The payload does not fit the local buffers.
    case localLengthError = 1
    /// The queue pair found an inconsistency of its own while it processed the request.
    case localQPOperationError = 2
    /// A local buffer lies in no valid region, or the region does not allow the access.
    case localProtectionError = 4
    /// The queue pair went to the error state before the request was done.
    case flushed = 5
    case memoryWindowBindError = 6
    /// The responder answered what the request cannot be answered with.
    case badResponse = 7
    /// The local side refused the access of a peer to memory that the request names.
    case localAccessError = 8
    case remoteInvalidRequest = 9
    case remoteAccessError = 10
    case remoteOperationError = 11
    /// The responder did not answer, however often it was asked.
    case retryExceeded = 12
    /// The responder had no receive request, however often it was asked.
    case rnrRetryExceeded = 13
    case remoteInvalidReadRequest = 15
    case remoteAborted = 16
    case fatal = 19
    case responseTimeout = 20
    case generalError = 21
}
