public import CRDMACM

// Multicast groups: rdma_join_multicast(3), rdma_leave_multicast(3).

@c @implementation
public func rdma_join_multicast(
    _ id: UnsafeMutablePointer<rdma_cm_id>?,
    _ address: UnsafeMutablePointer<sockaddr>?,
    _ context: UnsafeMutableRawPointer?
) -> CInt {
    notSupported()
}

@c @implementation
public func rdma_join_multicast_ex(
    _ id: UnsafeMutablePointer<rdma_cm_id>?,
    _ attributes: UnsafeMutablePointer<rdma_cm_join_mc_attr_ex>?,
    _ context: UnsafeMutableRawPointer?
) -> CInt {
    notSupported()
}

@c @implementation
public func rdma_leave_multicast(
    _ id: UnsafeMutablePointer<rdma_cm_id>?,
    _ address: UnsafeMutablePointer<sockaddr>?
) -> CInt {
    notSupported()
}
