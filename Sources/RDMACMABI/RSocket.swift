public import CRDMACM

// Sockets over RDMA, rsocket(7): making, connecting and closing them. They rest on connection management.

@c @implementation
public func rsocket(_ domain: CInt, _ type: CInt, _ protocolNumber: CInt) -> CInt {
    notSupported()
}

@c @implementation
public func rbind(_ socket: CInt, _ address: UnsafePointer<sockaddr>?, _ addressByteCount: socklen_t) -> CInt {
    notSupported()
}

@c @implementation
public func rlisten(_ socket: CInt, _ backlog: CInt) -> CInt {
    notSupported()
}

@c @implementation
public func raccept(
    _ socket: CInt,
    _ address: UnsafeMutablePointer<sockaddr>?,
    _ addressByteCount: UnsafeMutablePointer<socklen_t>?
) -> CInt {
    notSupported()
}

@c @implementation
public func rconnect(_ socket: CInt, _ address: UnsafePointer<sockaddr>?, _ addressByteCount: socklen_t) -> CInt {
    notSupported()
}

@c @implementation
public func rshutdown(_ socket: CInt, _ how: CInt) -> CInt {
    notSupported()
}

@c @implementation
public func rclose(_ socket: CInt) -> CInt {
    notSupported()
}

@c @implementation
public func rpoll(_ descriptors: UnsafeMutablePointer<pollfd>?, _ count: nfds_t, _ timeoutMilliseconds: CInt) -> CInt {
    notSupported()
}

@c @implementation
public func rselect(
    _ count: CInt,
    _ readable: UnsafeMutablePointer<fd_set>?,
    _ writable: UnsafeMutablePointer<fd_set>?,
    _ exceptional: UnsafeMutablePointer<fd_set>?,
    _ timeout: UnsafeMutablePointer<timeval>?
) -> CInt {
    notSupported()
}

@c @implementation
public func rgetpeername(
    _ socket: CInt,
    _ address: UnsafeMutablePointer<sockaddr>?,
    _ addressByteCount: UnsafeMutablePointer<socklen_t>?
) -> CInt {
    notSupported()
}

@c @implementation
public func rgetsockname(
    _ socket: CInt,
    _ address: UnsafeMutablePointer<sockaddr>?,
    _ addressByteCount: UnsafeMutablePointer<socklen_t>?
) -> CInt {
    notSupported()
}

@c @implementation
public func rsetsockopt(
    _ socket: CInt,
    _ level: CInt,
    _ name: CInt,
    _ value: UnsafeRawPointer?,
    _ byteCount: socklen_t
) -> CInt {
    notSupported()
}

@c @implementation
public func rgetsockopt(
    _ socket: CInt,
    _ level: CInt,
    _ name: CInt,
    _ value: UnsafeMutableRawPointer?,
    _ byteCount: UnsafeMutablePointer<socklen_t>?
) -> CInt {
    notSupported()
}

/// Variadic in the header; the only argument, when there is one, arrives in the third register all the same.
@c(rfcntl)
public func rsocketControl(_ socket: CInt, _ command: CInt, _ argument: Int) -> CInt {
    notSupported()
}
