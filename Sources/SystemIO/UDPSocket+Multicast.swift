import CShims
import Glibc

// Multicast groups. Several sockets of one port may join a group, and each of them gets every datagram.

extension UDPSocket {
    /// Asks the kernel for the datagrams of a group that arrive on an interface, and for those that are sent through it
    /// from here.
    ///
    /// - Throws: `ENOBUFS` at the kernel's limit for a socket; `ENODEV` when the interface is gone; `EADDRINUSE` when the
    ///   socket has joined already; `EAFNOSUPPORT` for an IPv6 group on a machine without IPv6.
    package func join(_ group: IPAddress, interfaceIndex: UInt32) throws(Errno) {
        try self.setMembership(group, interfaceIndex, IP_ADD_MEMBERSHIP, IPV6_JOIN_GROUP)
    }

    /// - Throws: `EADDRNOTAVAIL` when the socket has not joined.
    package func leave(_ group: IPAddress, interfaceIndex: UInt32) throws(Errno) {
        try self.setMembership(group, interfaceIndex, IP_DROP_MEMBERSHIP, IPV6_LEAVE_GROUP)
    }

    private func setMembership(
        _ group: IPAddress,
        _ interfaceIndex: UInt32,
        _ ipv4Option: CInt,
        _ ipv6Option: CInt
    ) throws(Errno) {
        if let ipv4 = group.ipv4 {
            let request = ip_mreqn(
                imr_multiaddr: in_addr(s_addr: ipv4.bigEndian),
                imr_address: in_addr(),
                imr_ifindex: CInt(bitPattern: interfaceIndex)
            )
            try self.rawDescriptor.setOption(SOL_IP, ipv4Option, structure: request)
        } else {
            guard !self.isIPv4Only else { throw Errno(rawValue: EAFNOSUPPORT) }
            var request = ipv6_mreq()
            request.ipv6mr_interface = interfaceIndex
            // SAFETY: an address is 16 bytes.
            unsafe withUnsafeMutableBytes(of: &request.ipv6mr_multiaddr) {
                unsafe group.store(to: $0.baseAddress.unsafelyUnwrapped)
            }
            try self.rawDescriptor.setOption(SOL_IPV6, ipv6Option, structure: request)
        }
    }
}
