public import CRDMACM
import Glibc

// Event channels and events: rdma_create_event_channel(3), rdma_get_cm_event(3), rdma_event_str(3).

/// Null with `EOPNOTSUPP`: events come from connection management, which is not built.
@c @implementation
public func rdma_create_event_channel() -> UnsafeMutablePointer<rdma_event_channel>? {
    errno = EOPNOTSUPP
    return nil
}

/// Nothing: no channel was ever given out.
@c @implementation
public func rdma_destroy_event_channel(_ channel: UnsafeMutablePointer<rdma_event_channel>?) {}

@c @implementation
public func rdma_get_cm_event(
    _ channel: UnsafeMutablePointer<rdma_event_channel>?,
    _ event: UnsafeMutablePointer<UnsafeMutablePointer<rdma_cm_event>?>?
) -> CInt {
    notSupported()
}

/// `EINVAL`: no event was ever given out, so none can be acknowledged.
@c @implementation
public func rdma_ack_cm_event(_ event: UnsafeMutablePointer<rdma_cm_event>?) -> CInt {
    invalidArgument()
}

/// The event's name as the enumeration spells it, or "UNKNOWN EVENT". The string is never freed.
@c @implementation
public func rdma_event_str(_ event: rdma_cm_event_type) -> UnsafePointer<CChar>? {
    let name = eventName(event)
    // SAFETY: a string literal with pointer representation lives, null-terminated, as long as the library does.
    return unsafe UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
}

private func eventName(_ event: rdma_cm_event_type) -> StaticString {
    switch event {
    case RDMA_CM_EVENT_ADDR_RESOLVED: "RDMA_CM_EVENT_ADDR_RESOLVED"
    case RDMA_CM_EVENT_ADDR_ERROR: "RDMA_CM_EVENT_ADDR_ERROR"
    case RDMA_CM_EVENT_ROUTE_RESOLVED: "RDMA_CM_EVENT_ROUTE_RESOLVED"
    case RDMA_CM_EVENT_ROUTE_ERROR: "RDMA_CM_EVENT_ROUTE_ERROR"
    case RDMA_CM_EVENT_CONNECT_REQUEST: "RDMA_CM_EVENT_CONNECT_REQUEST"
    case RDMA_CM_EVENT_CONNECT_RESPONSE: "RDMA_CM_EVENT_CONNECT_RESPONSE"
    case RDMA_CM_EVENT_CONNECT_ERROR: "RDMA_CM_EVENT_CONNECT_ERROR"
    case RDMA_CM_EVENT_UNREACHABLE: "RDMA_CM_EVENT_UNREACHABLE"
    case RDMA_CM_EVENT_REJECTED: "RDMA_CM_EVENT_REJECTED"
    case RDMA_CM_EVENT_ESTABLISHED: "RDMA_CM_EVENT_ESTABLISHED"
    case RDMA_CM_EVENT_DISCONNECTED: "RDMA_CM_EVENT_DISCONNECTED"
    case RDMA_CM_EVENT_DEVICE_REMOVAL: "RDMA_CM_EVENT_DEVICE_REMOVAL"
    case RDMA_CM_EVENT_MULTICAST_JOIN: "RDMA_CM_EVENT_MULTICAST_JOIN"
    case RDMA_CM_EVENT_MULTICAST_ERROR: "RDMA_CM_EVENT_MULTICAST_ERROR"
    case RDMA_CM_EVENT_ADDR_CHANGE: "RDMA_CM_EVENT_ADDR_CHANGE"
    case RDMA_CM_EVENT_TIMEWAIT_EXIT: "RDMA_CM_EVENT_TIMEWAIT_EXIT"
    default: "UNKNOWN EVENT"
    }
}
