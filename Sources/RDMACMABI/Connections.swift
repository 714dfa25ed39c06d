public import CRDMACM

// Connections: rdma_listen(3), rdma_connect(3), rdma_accept(3), rdma_disconnect(3).

@c @implementation
public func rdma_listen(_ id: UnsafeMutablePointer<rdma_cm_id>?, _ backlog: CInt) -> CInt {
    notSupported()
}

@c @implementation
public func rdma_get_request(
    _ listener: UnsafeMutablePointer<rdma_cm_id>?,
    _ id: UnsafeMutablePointer<UnsafeMutablePointer<rdma_cm_id>?>?
) -> CInt {
    notSupported()
}

@c @implementation
public func rdma_connect(
    _ id: UnsafeMutablePointer<rdma_cm_id>?,
    _ parameters: UnsafeMutablePointer<rdma_conn_param>?
) -> CInt {
    notSupported()
}

@c @implementation
public func rdma_establish(_ id: UnsafeMutablePointer<rdma_cm_id>?) -> CInt {
    notSupported()
}

@c @implementation
public func rdma_accept(
    _ id: UnsafeMutablePointer<rdma_cm_id>?,
    _ parameters: UnsafeMutablePointer<rdma_conn_param>?
) -> CInt {
    notSupported()
}

@c @implementation
public func rdma_reject(
    _ id: UnsafeMutablePointer<rdma_cm_id>?,
    _ privateData: UnsafeRawPointer?,
    _ privateDataByteCount: UInt8
) -> CInt {
    notSupported()
}

@c @implementation
public func rdma_reject_ece(
    _ id: UnsafeMutablePointer<rdma_cm_id>?,
    _ privateData: UnsafeRawPointer?,
    _ privateDataByteCount: UInt8
) -> CInt {
    notSupported()
}

@c @implementation
public func rdma_notify(_ id: UnsafeMutablePointer<rdma_cm_id>?, _ event: ibv_event_type) -> CInt {
    notSupported()
}

@c @implementation
public func rdma_disconnect(_ id: UnsafeMutablePointer<rdma_cm_id>?) -> CInt {
    notSupported()
}

@c @implementation
public func rdma_set_local_ece(_ id: UnsafeMutablePointer<rdma_cm_id>?, _ ece: UnsafeMutablePointer<ibv_ece>?) -> CInt {
    notSupported()
}

@c @implementation
public func rdma_get_remote_ece(
    _ id: UnsafeMutablePointer<rdma_cm_id>?,
    _ ece: UnsafeMutablePointer<ibv_ece>?
) -> CInt {
    notSupported()
}
