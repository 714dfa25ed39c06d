public import CVerbs
internal import SoftHCA
internal import SystemIO

// SAFETY (this file): contexts are pointers that this library returned and did not close; an event is one that
// `ibv_get_async_event` filled, and its object lives until the event is acknowledged.

/// The next asynchronous event: waits for it, or fails with `EAGAIN` when the descriptor is non-blocking.
/// See ibv_get_async_event(3).
@c @implementation
public func ibv_get_async_event(
    _ context: UnsafeMutablePointer<ibv_context>?,
    _ event: UnsafeMutablePointer<ibv_async_event>?
) -> CInt {
    returningStatus { () throws(Errno) in
        let context = unsafe try context.orInvalid().adapter
        let event = unsafe try event.orInvalid()
        unsafe event.pointee = ibv_async_event(try context.asyncEvents.next())
    }
}

/// Acknowledges an event; destroying its object waits for that. See ibv_get_async_event(3).
@c @implementation
public func ibv_ack_async_event(_ event: UnsafeMutablePointer<ibv_async_event>?) {
    guard let event = unsafe event?.pointee else { return }
    switch unsafe event.event_type {
    case IBV_EVENT_CQ_ERR:
        guard let queue = unsafe event.element.cq else { return }
        let adapter = unsafe queue.adapter
        unsafe queue.updateCounters { base in unsafe base.async_events_completed &+= 1 }
        adapter.asyncAccount.acknowledge()
    case IBV_EVENT_QP_FATAL, IBV_EVENT_QP_REQ_ERR, IBV_EVENT_QP_ACCESS_ERR, IBV_EVENT_COMM_EST, IBV_EVENT_SQ_DRAINED,
        IBV_EVENT_PATH_MIG, IBV_EVENT_PATH_MIG_ERR, IBV_EVENT_QP_LAST_WQE_REACHED:
        guard let queuePair = unsafe event.element.qp else { return }
        let adapter = unsafe queuePair.adapter
        unsafe queuePair.countEvent()
        adapter.asyncAccount.acknowledge()
    case IBV_EVENT_SRQ_ERR, IBV_EVENT_SRQ_LIMIT_REACHED:
        guard let queue = unsafe event.element.srq else { return }
        let adapter = unsafe queue.adapter
        unsafe queue.countEvent()
        adapter.asyncAccount.acknowledge()
    default:
        return
    }
}

extension ibv_async_event {
    fileprivate init(_ event: AsyncEvent) {
        unsafe self.init()
        unsafe self.event_type = ibv_event_type(event.type.rawValue)
        switch event.source {
        case .completionQueue(let queue):
            unsafe self.element.cq = queue.userObject?.assumingMemoryBound(to: ibv_cq.self)
        case .queuePair(let queuePair):
            unsafe self.element.qp = queuePair.userObject?.assumingMemoryBound(to: ibv_qp.self)
        case .sharedReceiveQueue(let queue):
            unsafe self.element.srq = queue.userObject?.assumingMemoryBound(to: ibv_srq.self)
        case .port(let port):
            unsafe self.element.port_num = CInt(port)
        case .device:
            unsafe self.element.port_num = 0
        }
    }
}
