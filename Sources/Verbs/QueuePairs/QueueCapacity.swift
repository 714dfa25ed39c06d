internal import CVerbs

/// How much a queue pair holds. Adapters may give more. See ibv_create_qp(3).
public struct QueueCapacity: Sendable, Hashable {
    /// Send requests that are posted and not yet completed.
    public var sendCount: Int
    /// Receive requests likewise.
    public var receiveCount: Int
    /// Pieces of memory that a send request gathers.
    public var sendElementCount: Int
    /// Pieces of memory that a receive request scatters.
    public var receiveElementCount: Int
    /// The longest message that can be sent with ``SendOptions/inline``, in bytes.
    public var inlineByteCount: Int

    public init(
        sendCount: Int = 64,
        receiveCount: Int = 64,
        sendElementCount: Int = 1,
        receiveElementCount: Int = 1,
        inlineByteCount: Int = 0
    ) {
        self.sendCount = sendCount
        self.receiveCount = receiveCount
        self.sendElementCount = sendElementCount
        self.receiveElementCount = receiveElementCount
        self.inlineByteCount = inlineByteCount
    }

    internal init(_ capacity: ibv_qp_cap) {
        self.init(
            sendCount: Int(capacity.max_send_wr),
            receiveCount: Int(capacity.max_recv_wr),
            sendElementCount: Int(capacity.max_send_sge),
            receiveElementCount: Int(capacity.max_recv_sge),
            inlineByteCount: Int(capacity.max_inline_data)
        )
    }

    internal var raw: ibv_qp_cap {
        ibv_qp_cap(
            max_send_wr: UInt32(clamping: self.sendCount),
            max_recv_wr: UInt32(clamping: self.receiveCount),
            max_send_sge: UInt32(clamping: self.sendElementCount),
            max_recv_sge: UInt32(clamping: self.receiveElementCount),
            max_inline_data: UInt32(clamping: self.inlineByteCount)
        )
    }
}

extension QueueCapacity: CustomStringConvertible {
    public var description: String {
        "sendCount \(self.sendCount), receiveCount \(self.receiveCount), sendElementCount \(self.sendElementCount), "
            + "receiveElementCount \(self.receiveElementCount), inlineByteCount \(self.inlineByteCount)"
    }
}
