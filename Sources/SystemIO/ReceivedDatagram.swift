/// What a socket tells of a datagram, or of a train of datagrams of one sender that arrived together.
package struct ReceivedDatagram: Hashable, Sendable {
    /// Bytes in the buffer.
    package var byteCount: Int
    /// Bytes of each datagram but the last, which may be shorter. Equal to `byteCount` for a single datagram.
    package var segmentByteCount: Int
    /// Whether the datagram was longer than the buffer, so that its end is lost.
    package var isTruncated: Bool
    package var source: SocketEndpoint
    /// The own address that it was sent to.
    package var destination: IPAddress
    /// Index of the interface on which it arrived.
    package var interfaceIndex: UInt32
    /// The TOS field of IPv4 or the traffic class of IPv6; the lowest two bits are the ECN mark.
    package var trafficClass: UInt8
    /// The TTL field of IPv4 or the hop limit of IPv6.
    package var hopLimit: UInt8

    @inlinable
    package init() {
        self.byteCount = 0
        self.segmentByteCount = 0
        self.isTruncated = false
        self.source = SocketEndpoint(address: .any, port: 0)
        self.destination = .any
        self.interfaceIndex = 0
        self.trafficClass = 0
        self.hopLimit = 0
    }
}
