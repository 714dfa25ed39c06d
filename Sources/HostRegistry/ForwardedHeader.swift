import SystemIO

/// What stands before a datagram, or a train of them, that one process hands on to another: all that the socket told.
internal struct ForwardedHeader: BitwiseCopyable {
    private var magic: UInt64
    private var source: IPAddress
    private var destination: IPAddress
    private var sourceInterfaceIndex: UInt32
    private var interfaceIndex: UInt32
    private var sourcePort: UInt16
    private var trafficClass: UInt8
    private var hopLimit: UInt8
    private var segmentByteCount: UInt32

    static var byteCount: Int { MemoryLayout<ForwardedHeader>.size }

    /// Changes with the layout.
    private static var expectedMagic: UInt64 { 0x5645_5242_464F_5202 }

    /// - Parameter byteCount: How much of what arrived is handed on.
    init(_ datagram: ReceivedDatagram, byteCount: Int) {
        self.magic = Self.expectedMagic
        self.source = datagram.source.address
        self.destination = datagram.destination
        self.sourceInterfaceIndex = datagram.source.interfaceIndex
        self.interfaceIndex = datagram.interfaceIndex
        self.sourcePort = datagram.source.port
        self.trafficClass = datagram.trafficClass
        self.hopLimit = datagram.hopLimit
        self.segmentByteCount = UInt32(clamping: min(datagram.segmentByteCount, byteCount))
    }

    /// What was told of the datagram, with `byteCount` bytes; `nil` when this is no such header.
    func datagram(byteCount: Int) -> ReceivedDatagram? {
        guard self.magic == Self.expectedMagic, byteCount == 0 || self.segmentByteCount > 0 else { return nil }
        var datagram = ReceivedDatagram()
        datagram.byteCount = byteCount
        datagram.segmentByteCount = min(Int(self.segmentByteCount), byteCount)
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
