internal import SystemIO
internal import Wire

/// What the network said about a train of packets beside their bytes.
internal struct PacketOrigin {
    let source: IPAddress
    let destination: IPAddress
    let trafficClass: UInt8
    let hopLimit: UInt8
    /// Where it arrived.
    let interfaceIndex: UInt32
    let icrc: ICRCPath

    var ecn: ECN { ECN(trafficClass: self.trafficClass) }

    init(_ datagram: ReceivedDatagram, port: UInt16) {
        self.source = datagram.source.address
        self.destination = datagram.destination
        self.trafficClass = datagram.trafficClass
        self.hopLimit = datagram.hopLimit
        self.interfaceIndex = datagram.interfaceIndex
        self.icrc = ICRCPath(
            source: GID(datagram.source.address),
            destination: GID(datagram.destination),
            sourcePort: datagram.source.port,
            destinationPort: port
        )
    }
}
