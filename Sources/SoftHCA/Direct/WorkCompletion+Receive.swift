internal import Segment
internal import Transport

extension WorkCompletion {
    /// The end of a receive request, as both the wire's responder and a peer of this host report it.
    internal init(_ done: ReceiveCompletion, workRequestID: UInt64, qpNumber: UInt32, sourceQP: UInt32) {
        self.init()
        self.workRequestID = workRequestID
        self.status = UInt32(done.status.rawValue)
        self.byteCount = done.byteCount
        self.qpNumber = qpNumber
        self.sourceQP = sourceQP
        // Every packet of RoCE has a global route; only datagrams also have it in the buffer.
        self.flags = Flag.globalRoute
        switch done.operation {
        case .send: self.opcode = Opcode.receive
        case .writeWithImmediate: self.opcode = Opcode.receiveWriteWithImmediate
        }
        if done.hasImmediate {
            self.flags |= Flag.immediate
            self.immediateOrKey = done.immediate.bigEndian
        } else if let rKey = done.invalidatedRKey {
            self.flags |= Flag.invalidated
            self.immediateOrKey = rKey
        }
    }
}
