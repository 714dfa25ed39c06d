/// The states of a queue pair (IBTA Volume 1, section 10.3.1). Raw values are those of `ibv_qp_state`.
package enum QueuePairState: UInt32, Sendable {
    case reset = 0
    case initialized = 1
    case readyToReceive = 2
    case readyToSend = 3
    /// SQD: what is under way finishes, nothing new starts.
    case sendDrained = 4
    /// SQE: an unreliable queue pair whose send queue failed; it still receives.
    case sendError = 5
    case error = 6

    /// Packets for the responder are taken in these states.
    package var canReceive: Bool {
        switch self {
        case .readyToReceive, .readyToSend, .sendDrained, .sendError: true
        case .reset, .initialized, .error: false
        }
    }
}
