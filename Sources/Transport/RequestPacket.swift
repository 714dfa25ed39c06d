package import Wire

/// A packet that the requester wants sent: the headers, and where in the message its payload stands.
package struct RequestPacket: Sendable {
    /// Complete, pad count included.
    package var header: PacketHeader
    /// The request whose memory holds the payload.
    package var slot: Int
    /// Where in the message of that request the payload begins.
    package var messageOffset: UInt32
    /// 0 … path MTU; 0 for READ and atomic requests, which carry none.
    package var payloadByteCount: Int
}
