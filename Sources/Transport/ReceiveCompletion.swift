import Wire

/// The end of a receive request.
package struct ReceiveCompletion: Hashable, Sendable {
    package enum Operation: UInt8, Hashable, Sendable {
        case send
        case writeWithImmediate
    }

    package var status: CompletionStatus
    package var operation: Operation
    /// Length of the message that arrived.
    package var byteCount: UInt32
    package var hasImmediate: Bool
    package var immediate: UInt32
    /// The key that the message invalidated.
    package var invalidatedRKey: UInt32?
    package var isSolicited: Bool

    package init(
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
    package init(failed status: CompletionStatus) {
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
