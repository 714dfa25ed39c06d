import SystemIO

/// What stands before a datagram that one process hands on to another: all that the socket told of it.
internal struct ForwardedHeader: BitwiseCopyable {
    private var magic: UInt64
    private var source: IPAddress
    private var destination: IPAddress
    private var sourceInterfaceIndex: UInt32
    private var interfaceIndex: UInt32
    private var sourcePort: UInt16
    private var trafficClass: UInt8
    private var hopLimit: UInt8
    private var reserved: UInt32 = 0

    static var byteCount: Int { MemoryLayout<ForwardedHeader>.size }

    /// Changes with the layout.
    private static var expectedMagic: UInt64 { 0x5645_5242_464F_5201 }

    init(_ datagram: ReceivedDatagram) {
        self.magic = Self.expectedMagic
        self.source = datagram.source.address
        self.destination = datagram.destination
        self.sourceInterfaceIndex = datagram.source.interfaceIndex
        self.interfaceIndex = datagram.interfaceIndex
        self.sourcePort = datagram.source.port
        self.trafficClass = datagram.trafficClass
        self.hopLimit = datagram.hopLimit
    }

    /// What was told of the datagram, with `byteCount` bytes; `nil` when this is no such header.
    func datagram(byteCount: Int) -> ReceivedDatagram? {
        guard self.magic == Self.expectedMagic else { return nil }
        var datagram = ReceivedDatagram()
        datagram.byteCount = byteCount
        datagram.segmentByteCount = byteCount
        datagram.source = SocketEndpoint(
            address: self.source,
            port: self.sourcePort,
            interfaceIndex: self.sourceInterfaceIndex
        )
        datagram.destination = self.destination
        datagram.interfaceIndex = self.interfaceIndex
        datagram.trafficClass = self.trafficClass
        datagram.hopLimit = self.hopLimit
        return datagram
    }
}
