public import CRDMACM

// Identifiers and endpoints: rdma_create_id(3), rdma_create_ep(3), rdma_migrate_id(3).

@c @implementation
public func rdma_create_id(
    _ channel: UnsafeMutablePointer<rdma_event_channel>?,
    _ id: UnsafeMutablePointer<UnsafeMutablePointer<rdma_cm_id>?>?,
    _ context: UnsafeMutableRawPointer?,
    _ portSpace: rdma_port_space
) -> CInt {
    notSupported()
}

@c @implementation
public func rdma_destroy_id(_ id: UnsafeMutablePointer<rdma_cm_id>?) -> CInt {
    notSupported()
}

@c @implementation
public func rdma_create_ep(
    _ id: UnsafeMutablePointer<UnsafeMutablePointer<rdma_cm_id>?>?,
    _ result: UnsafeMutablePointer<rdma_addrinfo>?,
    _ pd: UnsafeMutablePointer<ibv_pd>?,
    _ attributes: UnsafeMutablePointer<ibv_qp_init_attr>?
) -> CInt {
    notSupported()
}

/// Nothing: no endpoint was ever given out.
@c @implementation
public func rdma_destroy_ep(_ id: UnsafeMutablePointer<rdma_cm_id>?) {}

@c @implementation
public func rdma_migrate_id(
    _ id: UnsafeMutablePointer<rdma_cm_id>?,
    _ channel: UnsafeMutablePointer<rdma_event_channel>?
) -> CInt {
    notSupported()
}
