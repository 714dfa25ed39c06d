import CShims
import Glibc

/// Builds the ancillary data of one `sendmsg` call in a buffer of the caller. See cmsg(3).
@safe
internal struct ControlMessageWriter: ~Copyable {
    // SAFETY: whoever makes the writer keeps the buffer alive while it is used.
    private let buffer: UnsafeMutableRawBufferPointer
    private(set) var byteCount = 0

    /// Bytes that always suffice for what `UDPSocket` sends.
    static var byteCountMax: Int { 128 }

    @unsafe
    init(_ buffer: UnsafeMutableRawBufferPointer) {
        unsafe self.buffer = buffer
    }

    @inline(always)
    mutating func append<Value: BitwiseCopyable>(level: CInt, type: CInt, _ value: Value) {
        let start = self.byteCount
        let length = MemoryLayout<ControlMessages.Header>.size + MemoryLayout<Value>.size
        unsafe precondition(start + ControlMessages.aligned(length) <= self.buffer.count, "no room for ancillary data")
        let header = ControlMessages.Header(byteCount: length, level: level, type: type)
        // SAFETY: both stores lie within the buffer, as just checked.
        unsafe self.buffer.storeBytes(of: header, toByteOffset: start, as: ControlMessages.Header.self)
        let dataOffset = start + MemoryLayout<ControlMessages.Header>.size
        unsafe self.buffer.storeBytes(of: value, toByteOffset: dataOffset, as: Value.self)
        self.byteCount = start + ControlMessages.aligned(length)
    }
}

/// Reads the ancillary data that `recvmsg` left.
internal enum ControlMessages {
    /// `struct cmsghdr`, whose flexible array keeps it from being made in Swift.
    struct Header: BitwiseCopyable {
        var byteCount: Int
        var level: CInt
        var type: CInt
    }

    /// `struct in6_pktinfo`: an address in network byte order, and the index of an interface.
    struct PacketInformation: BitwiseCopyable {
        var high: UInt64
        var low: UInt64
        var interfaceIndex: UInt32
    }

    /// Bytes that always suffice for what `UDPSocket` asks for.
    static var receiveByteCountMax: Int { 256 }

    /// `CMSG_ALIGN`: each message begins at a multiple of the size of a long.
    @inline(always)
    static func aligned(_ byteCount: Int) -> Int { (byteCount + 7) & ~7 }

    /// Enters what the ancillary data says into `datagram`.
    @inline(always)
    @unsafe
    static func parse(_ bytes: UnsafeRawBufferPointer, into datagram: inout ReceivedDatagram) {
        let headerByteCount = MemoryLayout<ControlMessages.Header>.size
        var offset = 0
        while offset + headerByteCount <= bytes.count {
            // SAFETY: the kernel wrote whole messages; each length is checked against what is left all the same.
            let header = unsafe bytes.loadUnaligned(fromByteOffset: offset, as: ControlMessages.Header.self)
            guard header.byteCount >= headerByteCount, header.byteCount <= bytes.count - offset else { return }
            let data = unsafe UnsafeRawBufferPointer(
                rebasing: bytes[(offset + headerByteCount)..<(offset + header.byteCount)]
            )
            unsafe self.enter(level: header.level, type: header.type, data, into: &datagram)
            offset += self.aligned(header.byteCount)
        }
    }

    @inline(always)
    @unsafe
    private static func enter(
        level: CInt,
        type: CInt,
        _ data: UnsafeRawBufferPointer,
        into datagram: inout ReceivedDatagram
    ) {
        // SAFETY: every load is preceded by a check of the length.
        switch (level, type) {
        case (SOL_IPV6, IPV6_PKTINFO) where data.count >= 20:
            datagram.destination = unsafe IPAddress(loading: data.baseAddress.unsafelyUnwrapped)
            datagram.interfaceIndex = unsafe data.loadUnaligned(fromByteOffset: 16, as: UInt32.self)
        case (SOL_IP, IP_PKTINFO) where data.count >= 12:
            let info = unsafe data.loadUnaligned(as: in_pktinfo.self)
            datagram.destination = IPAddress(ipv4: UInt32(bigEndian: info.ipi_addr.s_addr))
            datagram.interfaceIndex = UInt32(bitPattern: info.ipi_ifindex)
        case (SOL_IP, IP_TOS) where data.count >= 1:
            datagram.trafficClass = unsafe data[0]
        case (SOL_IP, IP_TTL) where data.count >= 4, (SOL_IPV6, IPV6_HOPLIMIT) where data.count >= 4:
            datagram.hopLimit = UInt8(truncatingIfNeeded: unsafe data.loadUnaligned(as: CInt.self))
        case (SOL_IPV6, IPV6_TCLASS) where data.count >= 4:
            datagram.trafficClass = UInt8(truncatingIfNeeded: unsafe data.loadUnaligned(as: CInt.self))
        case (ControlMessages.udpLevel, ControlMessages.segmentOnReceive) where data.count >= 4:
            datagram.segmentByteCount = Int(unsafe data.loadUnaligned(as: CInt.self))
        default:
            break
        }
    }

    static var udpLevel: CInt { CInt(CSHIMS_UDP_LEVEL) }
    /// `UDP_SEGMENT`, Linux 4.18.
    static var segmentOnSend: CInt { CInt(CSHIMS_UDP_SEGMENT) }
    /// `UDP_GRO`, Linux 5.0.
    static var segmentOnReceive: CInt { CInt(CSHIMS_UDP_GRO) }
}
