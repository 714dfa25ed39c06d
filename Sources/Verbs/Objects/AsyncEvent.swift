internal import CVerbs

/// Something that happened to an object of a device without being asked for. See ibv_get_async_event(3).
public struct AsyncEvent: Sendable, Hashable {
    /// The number of the kind, `IBV_EVENT_CQ_ERR` and so on.
    public let rawValue: UInt32
    /// The queue pair that it is about, if it is about one.
    public let qpn: QPN?

    internal init(_ event: ibv_async_event) {
        self.rawValue = unsafe event.event_type.rawValue
        switch unsafe event.event_type {
        case IBV_EVENT_QP_FATAL, IBV_EVENT_QP_REQ_ERR, IBV_EVENT_QP_ACCESS_ERR, IBV_EVENT_COMM_EST,
            IBV_EVENT_SQ_DRAINED,
            IBV_EVENT_PATH_MIG, IBV_EVENT_PATH_MIG_ERR, IBV_EVENT_QP_LAST_WQE_REACHED:
            // SAFETY: for these kinds the union holds a queue pair, which lives until the event is acknowledged.
            self.qpn = unsafe event.element.qp.map { unsafe QPN(rawValue: $0.pointee.qp_num) }
        default: self.qpn = nil
        }
    }

    /// Work on a queue pair cannot go on.
    public var isFatalForQueuePair: Bool { self.rawValue == IBV_EVENT_QP_FATAL.rawValue }
    /// A completion queue overran.
    public var isCompletionQueueError: Bool { self.rawValue == IBV_EVENT_CQ_ERR.rawValue }
    /// A port became usable.
    public var isPortActive: Bool { self.rawValue == IBV_EVENT_PORT_ACTIVE.rawValue }
    /// A port became unusable.
    public var isPortError: Bool { self.rawValue == IBV_EVENT_PORT_ERR.rawValue }
}
