public import CRDMACM

// Sockets over RDMA, rsocket(7): sending, receiving and direct placement.

@c @implementation
public func rrecv(_ socket: CInt, _ buffer: UnsafeMutableRawPointer?, _ byteCount: Int, _ flags: CInt) -> Int {
    notSupported()
}

@c @implementation
public func rrecvfrom(
    _ socket: CInt,
    _ buffer: UnsafeMutableRawPointer?,
    _ byteCount: Int,
    _ flags: CInt,
    _ address: UnsafeMutablePointer<sockaddr>?,
    _ addressByteCount: UnsafeMutablePointer<socklen_t>?
) -> Int {
    notSupported()
}

@c @implementation
public func rrecvmsg(_ socket: CInt, _ message: UnsafeMutablePointer<msghdr>?, _ flags: CInt) -> Int {
    notSupported()
}

@c @implementation
public func rsend(_ socket: CInt, _ buffer: UnsafeRawPointer?, _ byteCount: Int, _ flags: CInt) -> Int {
    notSupported()
}

@c @implementation
public func rsendto(
    _ socket: CInt,
    _ buffer: UnsafeRawPointer?,
    _ byteCount: Int,
    _ flags: CInt,
    _ address: UnsafePointer<sockaddr>?,
    _ addressByteCount: socklen_t
) -> Int {
    notSupported()
}

@c @implementation
public func rsendmsg(_ socket: CInt, _ message: UnsafePointer<msghdr>?, _ flags: CInt) -> Int {
    notSupported()
}

@c @implementation
public func rread(_ socket: CInt, _ buffer: UnsafeMutableRawPointer?, _ byteCount: Int) -> Int {
    notSupported()
}

@c @implementation
public func rreadv(_ socket: CInt, _ vector: UnsafePointer<iovec>?, _ count: CInt) -> Int {
    notSupported()
}

@c @implementation
public func rwrite(_ socket: CInt, _ buffer: UnsafeRawPointer?, _ byteCount: Int) -> Int {
    notSupported()
}

@c @implementation
public func rwritev(_ socket: CInt, _ vector: UnsafePointer<iovec>?, _ count: CInt) -> Int {
    notSupported()
}

@c @implementation
public func riomap(
    _ socket: CInt,
    _ buffer: UnsafeMutableRawPointer?,
    _ byteCount: Int,
    _ protection: CInt,
    _ flags: CInt,
    _ offset: off_t
) -> off_t {
    notSupported()
}

@c @implementation
public func riounmap(_ socket: CInt, _ buffer: UnsafeMutableRawPointer?, _ byteCount: Int) -> CInt {
    notSupported()
}

@c @implementation
public func riowrite(
    _ socket: CInt,
    _ buffer: UnsafeRawPointer?,
    _ byteCount: Int,
    _ offset: off_t,
    _ flags: CInt
) -> Int {
    notSupported()
}
