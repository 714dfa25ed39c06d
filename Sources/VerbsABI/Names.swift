public import CVerbs

// Descriptions of the enumerations, in the words of the InfiniBand specification. They are printed by programs, so the
// words are those that users of verbs know.

// SAFETY: a `StaticString` of ASCII letters lies in the program's read-only data for ever, and ends with a zero byte.
private func cString(_ text: StaticString) -> UnsafePointer<CChar>? {
    unsafe UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}

/// What kind of node a device is. See ibv_get_device_list(3).
@c @implementation
public func ibv_node_type_str(_ type: ibv_node_type) -> UnsafePointer<CChar>? {
    let text: StaticString =
        switch type {
        case IBV_NODE_CA: "InfiniBand channel adapter"
        case IBV_NODE_SWITCH: "InfiniBand switch"
        case IBV_NODE_ROUTER: "InfiniBand router"
        case IBV_NODE_RNIC: "iWARP NIC"
        case IBV_NODE_USNIC: "usNIC"
        case IBV_NODE_USNIC_UDP: "usNIC UDP"
        case IBV_NODE_UNSPECIFIED: "unspecified"
        default: "unknown"
        }
    return unsafe cString(text)
}

/// The logical state of a port (IBTA Volume 1, section 14.2.5.6). See ibv_query_port(3).
@c @implementation
public func ibv_port_state_str(_ state: ibv_port_state) -> UnsafePointer<CChar>? {
    let text: StaticString =
        switch state {
        case IBV_PORT_NOP: "no state change (NOP)"
        case IBV_PORT_DOWN: "down"
        case IBV_PORT_INIT: "init"
        case IBV_PORT_ARMED: "armed"
        case IBV_PORT_ACTIVE: "active"
        case IBV_PORT_ACTIVE_DEFER: "active defer"
        default: "unknown"
        }
    return unsafe cString(text)
}

/// What happened (IBTA Volume 1, section 11.6.3). See ibv_get_async_event(3).
@c @implementation
public func ibv_event_type_str(_ event: ibv_event_type) -> UnsafePointer<CChar>? {
    let text: StaticString =
        switch event {
        case IBV_EVENT_CQ_ERR: "CQ error"
        case IBV_EVENT_QP_FATAL: "local work queue catastrophic error"
        case IBV_EVENT_QP_REQ_ERR: "invalid request local work queue error"
        case IBV_EVENT_QP_ACCESS_ERR: "local access violation work queue error"
        case IBV_EVENT_COMM_EST: "communication established"
        case IBV_EVENT_SQ_DRAINED: "send queue drained"
        case IBV_EVENT_PATH_MIG: "path migrated"
        case IBV_EVENT_PATH_MIG_ERR: "path migration request error"
        case IBV_EVENT_DEVICE_FATAL: "local catastrophic error"
        case IBV_EVENT_PORT_ACTIVE: "port active"
        case IBV_EVENT_PORT_ERR: "port error"
        case IBV_EVENT_LID_CHANGE: "LID change"
        case IBV_EVENT_PKEY_CHANGE: "P_Key change"
        case IBV_EVENT_SM_CHANGE: "SM change"
        case IBV_EVENT_SRQ_ERR: "SRQ catastrophic error"
        case IBV_EVENT_SRQ_LIMIT_REACHED: "SRQ limit reached"
        case IBV_EVENT_QP_LAST_WQE_REACHED: "last WQE reached"
        case IBV_EVENT_CLIENT_REREGISTER: "client reregistration"
        case IBV_EVENT_GID_CHANGE: "GID table change"
        case IBV_EVENT_WQ_FATAL: "WQ fatal"
        default: "unknown"
        }
    return unsafe cString(text)
}

/// How a work request ended (IBTA Volume 1, section 11.6.2). See ibv_poll_cq(3).
@c @implementation
public func ibv_wc_status_str(_ status: ibv_wc_status) -> UnsafePointer<CChar>? {
    let text: StaticString =
        switch status {
        case IBV_WC_SUCCESS: "success"
        case IBV_WC_LOC_LEN_ERR: "local length error"
        case IBV_WC_LOC_QP_OP_ERR: "local QP operation error"
        case IBV_WC_LOC_EEC_OP_ERR: "local EE context operation error"
        case IBV_WC_LOC_PROT_ERR: "local protection error"
        case IBV_WC_WR_FLUSH_ERR: "Work Request Flushed Error"
        case IBV_WC_MW_BIND_ERR: "memory management operation error"
        case IBV_WC_BAD_RESP_ERR: "bad response error"
        case IBV_WC_LOC_ACCESS_ERR: "local access error"
        case IBV_WC_REM_INV_REQ_ERR: "remote invalid request error"
        case IBV_WC_REM_ACCESS_ERR: "remote access error"
        case IBV_WC_REM_OP_ERR: "remote operation error"
        case IBV_WC_RETRY_EXC_ERR: "transport retry counter exceeded"
        case IBV_WC_RNR_RETRY_EXC_ERR: "RNR retry counter exceeded"
        case IBV_WC_LOC_RDD_VIOL_ERR: "local RDD violation error"
        case IBV_WC_REM_INV_RD_REQ_ERR: "remote invalid RD request"
        case IBV_WC_REM_ABORT_ERR: "aborted error"
        case IBV_WC_INV_EECN_ERR: "invalid EE context number"
        case IBV_WC_INV_EEC_STATE_ERR: "invalid EE context state"
        case IBV_WC_FATAL_ERR: "fatal error"
        case IBV_WC_RESP_TIMEOUT_ERR: "response timeout error"
        case IBV_WC_GENERAL_ERR: "general error"
        case IBV_WC_TM_ERR: "TM error"
        case IBV_WC_TM_RNDV_INCOMPLETE: "TM software rendezvous"
        default: "unknown"
        }
    return unsafe cString(text)
}
