/// How much a queue pair holds: the fields of `ibv_qp_cap`. Counts, except the inline limit, which is in bytes.
package struct QueuePairCapabilities: Sendable, Equatable {
    package var sendRequests: UInt32
    package var receiveRequests: UInt32
    package var sendScatter: UInt32
    package var receiveScatter: UInt32
    package var inlineByteCount: UInt32

    package init(
        sendRequests: UInt32 = 0,
        receiveRequests: UInt32 = 0,
        sendScatter: UInt32 = 0,
        receiveScatter: UInt32 = 0,
        inlineByteCount: UInt32 = 0
    ) {
        self.sendRequests = sendRequests
        self.receiveRequests = receiveRequests
        self.sendScatter = sendScatter
        self.receiveScatter = receiveScatter
        self.inlineByteCount = inlineByteCount
    }
}
