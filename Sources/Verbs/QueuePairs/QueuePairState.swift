internal import CVerbs

/// The state of a queue pair as the adapter has it now. See IBTA Volume 1, section 10.3.1.
public enum QueuePairState: Sendable, Hashable {
    case reset, initialized, readyToReceive, readyToSend, sendQueueDrained, sendQueueError, error
    case unknown(rawValue: UInt32)

    internal init(_ state: ibv_qp_state) {
        self =
            switch state {
            case IBV_QPS_RESET: .reset
            case IBV_QPS_INIT: .initialized
            case IBV_QPS_RTR: .readyToReceive
            case IBV_QPS_RTS: .readyToSend
            case IBV_QPS_SQD: .sendQueueDrained
            case IBV_QPS_SQE: .sendQueueError
            case IBV_QPS_ERR: .error
            default: .unknown(rawValue: state.rawValue)
            }
    }
}

extension QueuePairState: CustomStringConvertible {
    public var description: String {
        switch self {
        case .reset: "RESET"
        case .initialized: "INIT"
        case .readyToReceive: "RTR"
        case .readyToSend: "RTS"
        case .sendQueueDrained: "SQD"
        case .sendQueueError: "SQE"
        case .error: "ERR"
        case .unknown(let rawValue): "state \(rawValue)"
        }
    }
}
