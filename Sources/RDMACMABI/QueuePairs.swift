public import CRDMACM

// Queue pairs and shared receive queues of an identifier: rdma_create_qp(3), rdma_create_srq(3).

@c @implementation
public func rdma_create_qp(
    _ id: UnsafeMutablePointer<rdma_cm_id>?,
    _ pd: UnsafeMutablePointer<ibv_pd>?,
    _ attributes: UnsafeMutablePointer<ibv_qp_init_attr>?
) -> CInt {
    notSupported()
}

@c @implementation
public func rdma_create_qp_ex(
    _ id: UnsafeMutablePointer<rdma_cm_id>?,
    _ attributes: UnsafeMutablePointer<ibv_qp_init_attr_ex>?
) -> CInt {
    notSupported()
}

/// Nothing: no queue pair was ever made through an identifier.
@c @implementation
public func rdma_destroy_qp(_ id: UnsafeMutablePointer<rdma_cm_id>?) {}

@c @implementation
public func rdma_create_srq(
    _ id: UnsafeMutablePointer<rdma_cm_id>?,
    _ pd: UnsafeMutablePointer<ibv_pd>?,
    _ attributes: UnsafeMutablePointer<ibv_srq_init_attr>?
) -> CInt {
    notSupported()
}

@c @implementation
public func rdma_create_srq_ex(
    _ id: UnsafeMutablePointer<rdma_cm_id>?,
    _ attributes: UnsafeMutablePointer<ibv_srq_init_attr_ex>?
) -> CInt {
    notSupported()
}

/// Nothing: no shared receive queue was ever made through an identifier.
@c @implementation
public func rdma_destroy_srq(_ id: UnsafeMutablePointer<rdma_cm_id>?) {}

@c @implementation
public func rdma_init_qp_attr(
    _ id: UnsafeMutablePointer<rdma_cm_id>?,
    _ attributes: UnsafeMutablePointer<ibv_qp_attr>?,
    _ mask: UnsafeMutablePointer<CInt>?
) -> CInt {
    notSupported()
}
