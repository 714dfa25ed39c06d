internal import HostRegistry
internal import SystemIO
internal import Wire

/// Where packets of a connection, or of one datagram, go, and where they come from: all that the socket and the ICRC
/// need beside the packet itself. Worked out once, when the queue pair learns its path or the handle is made.
internal struct WirePath: Sendable {
    var destination = SocketEndpoint(address: .any, port: 0)
    var source = IPAddress.any
    /// The interface that the port belongs to, for link-local and multicast destinations; else 0.
    var interfaceIndex: UInt32 = 0
    var trafficClass: UInt8 = 0
    var hopLimit: UInt8 = WirePath.hopLimitDefault
    /// Whether the destination is an address of this host.
    var isLocal = false
    var icrc = ICRCPath(source: .zero, destination: .zero, sourcePort: 0, destinationPort: 0)

    /// Taken where the attributes say 0, which would not leave the host.
    static var hopLimitDefault: UInt8 { 64 }

    init() {}

    /// The way back to where a packet came from.
    init(backTo origin: PacketOrigin, port: UInt16) {
        self.interfaceIndex = origin.source.isLinkLocal ? origin.interfaceIndex : 0
        self.destination = SocketEndpoint(address: origin.source, port: port, interfaceIndex: self.interfaceIndex)
        self.source = origin.destination
        self.trafficClass = ECN.notCapable.replacing(in: origin.trafficClass)
        self.icrc = ICRCPath(
            source: GID(origin.destination),
            destination: GID(origin.source),
            sourcePort: port,
            destinationPort: port
        )
    }

    /// - Throws: EINVAL when the attributes lack a global route (RoCE has no other), name no GID of the port, or join
    ///   an IPv4 address to an IPv6 one.
    init(_ attributes: AddressAttributes, context: Context) throws(Errno) {
        guard attributes.port == 1 else { throw .invalidArgument }
        guard attributes.isGlobal else {
            Diagnostics.warn(
                "the path has no global route (is_global is 0), and RoCE has no other. Name a GID: programs with an option for "
                    + "it call it the GID index, as in `ibv_rc_pingpong -g 1`; `ibv_devinfo -v` lists them."
            )
            throw .invalidArgument
        }
        guard let entry = context.gid(at: Int(attributes.sourceGIDIndex)) else { throw .invalidArgument }
        let destination = attributes.destinationGID
        let port = context.engine.membership.socket.port
        guard destination.isIPv4Mapped == entry.gid.isIPv4Mapped, destination != .zero else { throw .invalidArgument }
        // Elsewhere the routing table knows better; an address of another interface of this host goes over loopback.
        let isOfInterface = destination.isLinkLocal || destination.isMulticast
        self.interfaceIndex = isOfInterface ? UInt32(context.device.interfaceIndex) : 0
        self.destination = SocketEndpoint(
            address: IPAddress(destination),
            port: port,
            interfaceIndex: self.interfaceIndex
        )
        self.isLocal = HostAddresses.contain(IPAddress(destination))
        self.source = IPAddress(entry.gid)
        self.trafficClass = attributes.trafficClass
        if attributes.hopLimit > 0 { self.hopLimit = attributes.hopLimit }
        self.icrc = ICRCPath(source: entry.gid, destination: destination, sourcePort: port, destinationPort: port)
    }
}

extension IPAddress {
    internal init(_ gid: GID) {
        self.init(high: gid.prefix, low: gid.interfaceID)
    }
}

extension GID {
    internal init(_ address: IPAddress) {
        self.init(prefix: address.high, interfaceID: address.low)
    }
}
