import Wire

/// The end of a receive request.
public struct ReceiveCompletion: Hashable, Sendable {
    public enum Operation: UInt8, Hashable, Sendable {
        case send
        case writeWithImmediate
    }

    public var status: CompletionStatus
    public var operation: Operation
    /// Length of the message that arrived.
    public var byteCount: UInt32
    public var hasImmediate: Bool
    public var immediate: UInt32
    /// The key that the message invalidated.
    public var invalidatedRKey: UInt32?
    public var isSolicited: Bool

    public init(
        status: CompletionStatus,
        operation: Operation,
        byteCount: UInt32,
        hasImmediate: Bool,
        immediate: UInt32,
        invalidatedRKey: UInt32?,
        isSolicited: Bool
    ) {
        self.status = status
        self.operation = operation
        self.byteCount = byteCount
        self.hasImmediate = hasImmediate
        self.immediate = immediate
        self.invalidatedRKey = invalidatedRKey
        self.isSolicited = isSolicited
    }
}

extension ReceiveCompletion {
    /// The completion of a message whose last packet has this header.
    init(_ operation: Operation, byteCount: UInt32, header: PacketHeader) {
        let opcode = header.bth.opcode
        self.init(
            status: .success,
            operation: operation,
            byteCount: byteCount,
            hasImmediate: opcode.hasImmediate,
            immediate: opcode.hasImmediate ? header.immediate : 0,
            invalidatedRKey: opcode.hasInvalidate ? header.invalidateRKey : nil,
            isSolicited: header.bth.isSolicited
        )
    }

    /// A receive request that ends without a message.
    public init(failed status: CompletionStatus) {
        self.init(
            status: status,
            operation: .send,
            byteCount: 0,
            hasImmediate: false,
            immediate: 0,
            invalidatedRKey: nil,
            isSolicited: false
        )
    }
}
