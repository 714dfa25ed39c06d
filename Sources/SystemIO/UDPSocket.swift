import CShims
import Glibc

/// A UDP socket for RoCEv2: it sends and receives IPv4 and IPv6 through one descriptor, whole trains in one call.
///
/// It is bound to every address of the machine and connected to none: only then does the kernel leave the IPv4
/// identification at 0 (the segment's index in a train), which the ICRC covers. It never waits. Not responsible for what
/// the datagrams hold.
package struct UDPSocket: ~Copyable, Sendable {
    package let descriptor: OwnedDescriptor
    /// Whether the machine has no IPv6, so that only IPv4 addresses can be reached.
    package let isIPv4Only: Bool
    /// The port that it is bound to.
    package let port: UInt16
    /// What the kernel granted for queued incoming datagrams, in bytes of its own accounting.
    package let receiveBufferByteCount: Int
    package let sendBufferByteCount: Int

    package var rawDescriptor: CInt { self.descriptor.rawValue }

    /// Most bytes of one `send`: what fits into an IPv4 packet.
    package static var sendByteCountMax: Int { 65_507 }
    /// Most segments of one `send`.
    package static var segmentCountMax: Int { 64 }
    /// A receive buffer of this many bytes holds every train.
    package static var receiveByteCountMax: Int { 65_536 }
    /// The hop limit, and the traffic class, that cost nothing extra to send.
    package static var defaultHopLimit: UInt8 { 64 }
    package static var defaultTrafficClass: UInt8 { ECN.capable.rawValue }

    /// Binds a socket to `port` on all addresses; others of the same user may bind it too.
    ///
    /// - Parameters:
    ///   - port: 0 lets the kernel choose.
    ///   - bufferByteCount: Wanted size of each kernel buffer. Beyond `net.core.rmem_max` it takes privilege.
    /// - Throws: `EADDRINUSE` when someone else has the port; `EMFILE`; `ENOBUFS`; `EPERM` in a sandbox.
    package init(port: UInt16, bufferByteCount: Int = 8 << 20) throws(Errno) {
        var isIPv4Only = false
        let rawDescriptor = try Self.open(isIPv4Only: &isIPv4Only)
        do throws(Errno) {
            try Self.configure(rawDescriptor, isIPv4Only: isIPv4Only)
            self.port = try Self.bind(rawDescriptor, to: port, isIPv4Only: isIPv4Only)
        } catch {
            _ = Glibc.close(rawDescriptor)
            throw error
        }
        self.receiveBufferByteCount = Self.grow(rawDescriptor, SO_RCVBUF, forced: SO_RCVBUFFORCE, to: bufferByteCount)
        self.sendBufferByteCount = Self.grow(rawDescriptor, SO_SNDBUF, forced: SO_SNDBUFFORCE, to: bufferByteCount)
        self.isIPv4Only = isIPv4Only
        self.descriptor = OwnedDescriptor(takingOver: rawDescriptor)
    }

    /// Opens a socket of both families, or of IPv4 alone on a machine that knows no IPv6.
    private static func open(isIPv4Only: inout Bool) throws(Errno) -> CInt {
        let type = CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        do throws(Errno) {
            return try checkingErrno { socket(AF_INET6, type, 0) }
        } catch {
            guard error.rawValue == EAFNOSUPPORT else { throw error }
            isIPv4Only = true
            return try checkingErrno { socket(AF_INET, type, 0) }
        }
    }

    private static func configure(_ descriptor: CInt, isIPv4Only: Bool) throws(Errno) {
        try descriptor.setOption(SOL_SOCKET, SO_REUSEPORT, 1)
        // With fragmentation forbidden, an unconnected socket leaves the IPv4 identification at 0.
        try descriptor.setOption(SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
        try descriptor.setOption(SOL_IP, IP_TTL, CInt(Self.defaultHopLimit))
        try descriptor.setOption(SOL_IP, IP_TOS, CInt(Self.defaultTrafficClass))
        try descriptor.setOption(SOL_IP, IP_MULTICAST_TTL, CInt(Self.defaultHopLimit))
        // Groups that other sockets of the machine have joined are theirs.
        try descriptor.setOption(SOL_IP, IP_MULTICAST_ALL, 0)
        try descriptor.setOption(SOL_IP, IP_RECVTOS, 1)
        try descriptor.setOption(SOL_IP, IP_RECVTTL, 1)
        // Kernels before 5.0 have no receive offload; then every datagram comes alone.
        try? descriptor.setOption(ControlMessages.udpLevel, ControlMessages.segmentOnReceive, 1)
        if isIPv4Only {
            try descriptor.setOption(SOL_IP, IP_PKTINFO, 1)
        } else {
            try descriptor.setOption(SOL_IPV6, IPV6_V6ONLY, 0)
            try descriptor.setOption(SOL_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO)
            try descriptor.setOption(SOL_IPV6, IPV6_UNICAST_HOPS, CInt(Self.defaultHopLimit))
            try descriptor.setOption(SOL_IPV6, IPV6_TCLASS, CInt(Self.defaultTrafficClass))
            try descriptor.setOption(SOL_IPV6, IPV6_MULTICAST_HOPS, CInt(Self.defaultHopLimit))
            // Linux before 4.20 has no such option, and hands the datagrams of all groups to all.
            try? descriptor.setOption(SOL_IPV6, CInt(CSHIMS_IPV6_MULTICAST_ALL), 0)
            // An IPv4 datagram reports its destination in the same message, in mapped form.
            try descriptor.setOption(SOL_IPV6, IPV6_RECVPKTINFO, 1)
            try descriptor.setOption(SOL_IPV6, IPV6_RECVTCLASS, 1)
            try descriptor.setOption(SOL_IPV6, IPV6_RECVHOPLIMIT, 1)
        }
    }

    /// Grows a kernel buffer as far as it goes, and says how far that was.
    private static func grow(_ descriptor: CInt, _ option: CInt, forced: CInt, to byteCount: Int) -> Int {
        let wanted = CInt(clamping: byteCount)
        do throws(Errno) {
            try descriptor.setOption(SOL_SOCKET, forced, wanted)
        } catch {
            // Without privilege the kernel caps the size at its limit and says nothing.
            try? descriptor.setOption(SOL_SOCKET, option, wanted)
        }
        return Int((try? descriptor.option(SOL_SOCKET, option)) ?? 0)
    }

    private static func bind(_ descriptor: CInt, to port: UInt16, isIPv4Only: Bool) throws(Errno) -> UInt16 {
        var address = SocketAddress(SocketEndpoint(address: isIPv4Only ? IPAddress(ipv4: 0) : .any, port: port))
        try checkingErrno {
            unsafe address.withRaw(isIPv4Only: isIPv4Only) { unsafe Glibc.bind(descriptor, $0, $1) }
        }
        var byteCount = SocketAddress.byteCountMax
        try checkingErrno {
            unsafe address.withRaw(isIPv4Only: isIPv4Only) { pointer, _ in
                unsafe getsockname(descriptor, pointer, &byteCount)
            }
        }
        return address.endpoint.port
    }
}

// MARK: - Sending

extension UDPSocket {
    /// Sends one datagram, or a train of them that the kernel cuts at every `segmentByteCount` bytes.
    ///
    /// - Parameters:
    ///   - datagrams: The bytes of all datagrams, one behind the other; only the last may be shorter than the others.
    ///     At most `sendByteCountMax` bytes and `segmentCountMax` segments.
    ///   - source: The own address to send from; `IPAddress.any` lets the routes decide.
    ///   - interfaceIndex: The interface to send through; 0 lets the routes decide.
    /// - Throws: `EAGAIN` or `ENOBUFS` when a queue is full: try later. `EMSGSIZE` when a segment does not fit the path.
    ///   `ENETUNREACH`, `EHOSTUNREACH`: no route. `EPERM`: a firewall rule of this machine dropped it. A
    ///   source that is not an address of the machine gives `ENETUNREACH` for IPv4 and `EINVAL` for IPv6.
    @unsafe
    package func send(
        _ datagrams: UnsafeRawBufferPointer,
        segmentByteCount: Int,
        to destination: SocketEndpoint,
        from source: IPAddress = .any,
        interfaceIndex: UInt32 = 0,
        trafficClass: UInt8 = Self.defaultTrafficClass,
        hopLimit: UInt8 = Self.defaultHopLimit
    ) throws(Errno) {
        precondition(datagrams.count <= Self.sendByteCountMax, "a train must fit into one IP packet")
        precondition(datagrams.count <= segmentByteCount * Self.segmentCountMax, "the kernel cuts no more segments")
        let isIPv4 = destination.address.isIPv4
        let result = unsafe withUnsafeTemporaryAllocation(
            byteCount: ControlMessageWriter.byteCountMax,
            alignment: MemoryLayout<cmsghdr>.alignment
        ) { buffer in
            var control = unsafe ControlMessageWriter(buffer)
            if !source.isUnspecified || interfaceIndex != 0 {
                self.appendSource(source, interfaceIndex: interfaceIndex, to: &control)
            }
            if trafficClass != Self.defaultTrafficClass {
                let (level, type) = isIPv4 ? (SOL_IP, IP_TOS) : (SOL_IPV6, IPV6_TCLASS)
                control.append(level: level, type: type, CInt(trafficClass))
            }
            if hopLimit != Self.defaultHopLimit {
                let (level, type) = isIPv4 ? (SOL_IP, IP_TTL) : (SOL_IPV6, IPV6_HOPLIMIT)
                control.append(level: level, type: type, CInt(hopLimit))
            }
            if datagrams.count > segmentByteCount {
                let segment = UInt16(truncatingIfNeeded: segmentByteCount)
                control.append(level: ControlMessages.udpLevel, type: ControlMessages.segmentOnSend, segment)
            }
            // SAFETY: the caller's bytes and the control buffer live until the call returns.
            return unsafe self.sendMessage(datagrams, to: destination, control: buffer, control.byteCount)
        }
        if result < 0 { throw .last }
    }

    @inline(always)
    private func appendSource(
        _ source: IPAddress,
        interfaceIndex: UInt32,
        to control: inout ControlMessageWriter
    ) {
        if self.isIPv4Only {
            let address = in_addr(s_addr: (source.ipv4 ?? 0).bigEndian)
            let info = in_pktinfo(
                ipi_ifindex: CInt(truncatingIfNeeded: interfaceIndex),
                ipi_spec_dst: address,
                ipi_addr: in_addr()
            )
            control.append(level: SOL_IP, type: IP_PKTINFO, info)
        } else {
            let info = ControlMessages.PacketInformation(
                high: source.high.bigEndian,
                low: source.low.bigEndian,
                interfaceIndex: interfaceIndex
            )
            control.append(level: SOL_IPV6, type: IPV6_PKTINFO, info)
        }
    }

    /// Returns what `sendmsg` returned.
    @inline(always)
    @unsafe
    private func sendMessage(
        _ datagrams: UnsafeRawBufferPointer,
        to destination: SocketEndpoint,
        control: UnsafeMutableRawBufferPointer,
        _ controlByteCount: Int
    ) -> Int {
        var address = SocketAddress(destination)
        var vector = unsafe iovec(
            iov_base: UnsafeMutableRawPointer(mutating: datagrams.baseAddress),
            iov_len: datagrams.count
        )
        // SAFETY: sendmsg(2) only reads, and everything it reads outlives the call.
        return unsafe address.withRaw(isIPv4Only: self.isIPv4Only) { name, nameByteCount in
            unsafe withUnsafeMutablePointer(to: &vector) { vector in
                var message = unsafe msghdr(
                    msg_name: name,
                    msg_namelen: nameByteCount,
                    msg_iov: vector,
                    msg_iovlen: 1,
                    msg_control: controlByteCount == 0 ? nil : control.baseAddress,
                    msg_controllen: controlByteCount,
                    msg_flags: 0
                )
                return unsafe cshims_sendmsg(self.rawDescriptor, &message, CInt(MSG_NOSIGNAL))
            }
        }
    }
}

// MARK: - Receiving

extension UDPSocket {
    /// Takes the next datagram, or train of datagrams, from the kernel.
    ///
    /// - Parameter buffer: Give it `receiveByteCountMax` bytes: what does not fit is lost.
    /// - Returns: What arrived, or `nil` when nothing waits.
    /// - Throws: `EBADF` after the socket was closed; `ENOMEM`.
    @unsafe
    package func receive(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> ReceivedDatagram? {
        var datagram = ReceivedDatagram()
        while true {
            if unsafe self.receiveMessage(buffer, &datagram) >= 0 { return datagram }
            let error = Errno.last
            if error == .wouldBlock { return nil }
            // ICMP errors of earlier sends arrive here too on some kernels; they take nothing from the queue.
            guard error == .interrupted || error.rawValue == ECONNREFUSED else { throw error }
        }
    }

    /// Returns what `recvmsg` returned, and fills in `datagram` if that is not negative.
    @inline(always)
    @unsafe
    private func receiveMessage(_ buffer: UnsafeMutableRawBufferPointer, _ datagram: inout ReceivedDatagram) -> Int {
        var address = SocketAddress()
        var vector = unsafe iovec(iov_base: buffer.baseAddress, iov_len: buffer.count)
        return unsafe withUnsafeTemporaryAllocation(
            byteCount: ControlMessages.receiveByteCountMax,
            alignment: MemoryLayout<cmsghdr>.alignment
        ) { control in
            var message = unsafe msghdr()
            // SAFETY: everything that recvmsg(2) writes to outlives the call.
            let count = unsafe address.withRaw(isIPv4Only: false) { name, nameByteCount in
                unsafe withUnsafeMutablePointer(to: &vector) { vector in
                    unsafe message.msg_name = UnsafeMutableRawPointer(name)
                    unsafe message.msg_namelen = nameByteCount
                    unsafe message.msg_iov = vector
                    unsafe message.msg_iovlen = 1
                    unsafe message.msg_control = control.baseAddress
                    unsafe message.msg_controllen = control.count
                    return unsafe cshims_recvmsg(self.rawDescriptor, &message, 0)
                }
            }
            guard count >= 0 else { return count }
            datagram.byteCount = count
            datagram.segmentByteCount = count
            datagram.isTruncated = unsafe message.msg_flags & CInt(MSG_TRUNC) != 0
            datagram.source = address.endpoint
            unsafe ControlMessages.parse(
                UnsafeRawBufferPointer(rebasing: control[..<message.msg_controllen]),
                into: &datagram
            )
            return count
        }
    }
}
