public import CRDMACM
import Glibc

// Addresses and options of identifiers: rdma_getaddrinfo(3), rdma_bind_addr(3), rdma_get_src_port(3).

@c @implementation
public func rdma_getaddrinfo(
    _ node: UnsafePointer<CChar>?,
    _ service: UnsafePointer<CChar>?,
    _ hints: UnsafePointer<rdma_addrinfo>?,
    _ result: UnsafeMutablePointer<UnsafeMutablePointer<rdma_addrinfo>?>?
) -> CInt {
    notSupported()
}

/// Nothing: no list was ever given out.
@c @implementation
public func rdma_freeaddrinfo(_ list: UnsafeMutablePointer<rdma_addrinfo>?) {}

@c @implementation
public func rdma_bind_addr(_ id: UnsafeMutablePointer<rdma_cm_id>?, _ address: UnsafeMutablePointer<sockaddr>?) -> CInt
{
    notSupported()
}

@c @implementation
public func rdma_resolve_addr(
    _ id: UnsafeMutablePointer<rdma_cm_id>?,
    _ source: UnsafeMutablePointer<sockaddr>?,
    _ destination: UnsafeMutablePointer<sockaddr>?,
    _ timeoutMilliseconds: CInt
) -> CInt {
    notSupported()
}

@c @implementation
public func rdma_resolve_route(_ id: UnsafeMutablePointer<rdma_cm_id>?, _ timeoutMilliseconds: CInt) -> CInt {
    notSupported()
}

/// The port of the identifier's own address in network order, or 0 when it has no IP address.
@c @implementation
public func rdma_get_src_port(_ id: UnsafeMutablePointer<rdma_cm_id>?) -> UInt16 {
    guard let id = unsafe id else { return 0 }
    // SAFETY: the caller passes an identifier; the union is the size of a sockaddr_storage.
    return unsafe withUnsafeBytes(of: &id.pointee.route.addr) { unsafe port(of: $0) }
}

/// The port of the peer's address in network order, or 0 when it has no IP address.
@c @implementation
public func rdma_get_dst_port(_ id: UnsafeMutablePointer<rdma_cm_id>?) -> UInt16 {
    guard let id = unsafe id else { return 0 }
    // SAFETY: as above; the peer's address follows the own one.
    return unsafe withUnsafeBytes(of: &id.pointee.route.addr) {
        unsafe port(of: UnsafeRawBufferPointer(rebasing: $0[MemoryLayout<sockaddr_storage>.size...]))
    }
}

/// Reads the port of a socket address, which stands at the same place for both families.
private func port(of address: UnsafeRawBufferPointer) -> UInt16 {
    // SAFETY: the caller's buffer holds a sockaddr_storage.
    switch unsafe CInt(address.load(as: sa_family_t.self)) {
    case AF_INET, AF_INET6:
        // SAFETY: as above.
        unsafe address.load(fromByteOffset: MemoryLayout<sa_family_t>.size, as: UInt16.self)
    default: 0
    }
}

@c @implementation
public func rdma_set_option(
    _ id: UnsafeMutablePointer<rdma_cm_id>?,
    _ level: CInt,
    _ name: CInt,
    _ value: UnsafeMutableRawPointer?,
    _ byteCount: Int
) -> CInt {
    notSupported()
}
