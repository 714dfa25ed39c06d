import Wire

/// An answer that the responder owes: the data of a READ, or the result of an atomic.
struct ResponseEntry: BitwiseCopyable, Sendable {
    enum Content: BitwiseCopyable, Sendable {
        case read(rKey: UInt32, address: UInt64, byteCount: UInt32)
        case atomic(originalValue: UInt64)
        /// An ATOMIC WRITE, which is answered with an empty READ response.
        case atomicWrite
    }

    /// The position of its first packet.
    var start: SequencePosition
    /// The position of the packet to send next.
    var next: SequencePosition
    /// The position behind its last packet.
    var end: SequencePosition
    var content: Content
    /// Whether the request came for the first time.
    var isFresh: Bool
    private let msnValue: UInt32

    init(start: SequencePosition, packetCount: UInt32, content: Content, isFresh: Bool, msn: MSN) {
        self.start = start
        self.next = start
        self.end = start.advanced(by: packetCount)
        self.content = content
        self.isFresh = isFresh
        self.msnValue = msn.rawValue
    }

    var msn: MSN { MSN(truncating: self.msnValue) }

    var packetCount: UInt32 { self.end.count(since: self.start) }
}
