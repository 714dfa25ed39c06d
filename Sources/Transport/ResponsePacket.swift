package import Wire

/// A packet that the responder wants sent.
package struct ResponsePacket: Sendable {
    package enum Source: Hashable, Sendable {
        case none
        /// READ data. It was checked when the request came, but the region may be gone by now: then call `failRead()`.
        case memory(rKey: UInt32, address: UInt64, byteCount: Int)
    }

    /// Complete, pad count included.
    package var header: PacketHeader
    package var source: Source
}
