import CShims
import Glibc

/// The network interfaces that the process can see.
package enum NetworkInterfaces {
    /// Lists the interfaces of the namespace of the calling thread, in the order of their indices.
    ///
    /// - Throws: `EMFILE`; `EACCES` or `EPERM` in a sandbox that forbids netlink sockets.
    package static func enumerate() throws(Errno) -> [NetworkInterface] {
        let socket = try RouteSocket()
        let links = try socket.list(request: Int(RTM_GETLINK), fixedByteCount: MemoryLayout<ifinfomsg>.size)
        var interfaces = links.compactMap { self.interface($0) }
        let addresses = try socket.list(request: Int(RTM_GETADDR), fixedByteCount: MemoryLayout<ifaddrmsg>.size)
        for message in addresses where message.fixed.count == MemoryLayout<ifaddrmsg>.size {
            let header = unsafe message.fixed.load(ifaddrmsg.self)
            guard let position = interfaces.firstIndex(where: { $0.index == header.ifa_index }) else { continue }
            if let address = self.address(message, header) { interfaces[position].addresses.append(address) }
        }
        for position in interfaces.indices {
            interfaces[position].comingLinkLocal = self.comingLinkLocal(of: interfaces[position])
        }
        return interfaces.sorted { $0.index < $1.index }
    }

    /// The kernel makes the address up to a second after the link came up, by default from the hardware address
    /// (RFC 4291, appendix A).
    private static func comingLinkLocal(of interface: NetworkInterface) -> IPAddress? {
        guard interface.isUp, !interface.isLoopback, let interfaceID = interface.eui64,
            !interface.addresses.contains(where: { !$0.address.isIPv4 && $0.address.isLinkLocal })
        else { return nil }
        let settings = "/proc/sys/net/ipv6/conf/\(interface.name)"
        guard TextFile.number(in: settings + "/disable_ipv6") == 0,
            TextFile.number(in: settings + "/addr_gen_mode") == 0
        else { return nil }
        return IPAddress(high: 0xFE80_0000_0000_0000, low: interfaceID)
    }

    private static func interface(_ message: RouteSocket.Message) -> NetworkInterface? {
        guard message.fixed.count == MemoryLayout<ifinfomsg>.size else { return nil }
        let header = unsafe message.fixed.load(ifinfomsg.self)
        guard let nameBytes = message.attribute(Int(IFLA_IFNAME)) else { return nil }
        let name = String(decoding: nameBytes.prefix { $0 != 0 }, as: UTF8.self)
        let mtuBytes = message.attribute(Int(IFLA_MTU)) ?? []
        return NetworkInterface(
            name: name,
            index: UInt32(bitPattern: header.ifi_index),
            isUp: header.ifi_flags & UInt32(IFF_UP) != 0,
            isRunning: header.ifi_flags & UInt32(IFF_RUNNING) != 0,
            isLoopback: header.ifi_flags & UInt32(IFF_LOOPBACK) != 0,
            mtu: mtuBytes.count >= 4 ? Int(unsafe mtuBytes.load(UInt32.self)) : 0,
            macAddress: message.attribute(Int(IFLA_ADDRESS)) ?? [],
            speedMegabits: self.speed(of: name),
            addresses: []
        )
    }

    private static func address(
        _ message: RouteSocket.Message,
        _ header: ifaddrmsg
    ) -> NetworkInterface.Address? {
        // On a point-to-point link IFA_ADDRESS is the peer's, and IFA_LOCAL the own.
        let local = message.attribute(Int(IFA_LOCAL))
        guard let bytes = local ?? message.attribute(Int(IFA_ADDRESS)) else { return nil }
        let address: IPAddress
        switch (CInt(header.ifa_family), bytes.count) {
        case (AF_INET, 4): address = IPAddress(ipv4: UInt32(bigEndian: unsafe bytes.load(UInt32.self)))
        // SAFETY: there are 16 bytes.
        case (AF_INET6, 16):
            unsafe address = bytes.withUnsafeBytes { unsafe IPAddress(loading: $0.baseAddress.unsafelyUnwrapped) }
        default: return nil
        }
        var flags = UInt32(header.ifa_flags)
        if let wide = message.attribute(Int(IFA_FLAGS)), wide.count >= 4 {
            flags = unsafe wide.load(UInt32.self)
        }
        return NetworkInterface.Address(
            address: address,
            prefixBitCount: Int(header.ifa_prefixlen),
            scope: self.scope(header.ifa_scope),
            isTentative: flags & UInt32(IFA_F_TENTATIVE | IFA_F_DADFAILED) != 0
        )
    }

    private static func scope(_ scope: UInt8) -> NetworkInterface.Scope {
        switch UInt32(scope) {
        case RT_SCOPE_HOST.rawValue: .host
        case RT_SCOPE_LINK.rawValue: .link
        default: .global
        }
    }

    /// Asks the driver. Virtual interfaces have none to ask, or one that invents a number.
    private static func speed(of name: String) -> Int? {
        guard
            let rawDescriptor = try? checkingErrno({
                socket(AF_INET, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            })
        else { return nil }
        let descriptor = OwnedDescriptor(takingOver: rawDescriptor)
        var command = ethtool_cmd()
        command.cmd = UInt32(ETHTOOL_GSET)
        var request = unsafe ifreq()
        // SAFETY: the name's room is zeroed, and one byte longer than what is copied. The kernel reads the request and
        // writes the command, both local.
        unsafe withUnsafeMutableBytes(of: &request.ifr_ifrn.ifrn_name) {
            unsafe $0.copyBytes(from: name.utf8.prefix($0.count - 1))
        }
        let result = unsafe withUnsafeMutableBytes(of: &command) { command in
            unsafe request.ifr_ifru.ifru_data = command.baseAddress?.assumingMemoryBound(to: CChar.self)
            return unsafe cshims_ioctl_pointer(descriptor.rawValue, UInt(SIOCETHTOOL), &request)
        }
        let speed = UInt32(command.speed_hi) << 16 | UInt32(command.speed)
        guard result == 0, speed != 0, speed != UInt32(bitPattern: SPEED_UNKNOWN), speed != 0xFFFF else { return nil }
        return Int(speed)
    }
}
