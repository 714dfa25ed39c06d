import Wire

/// How far a WRITE is that arrives in several packets.
struct WriteProgress: BitwiseCopyable, Sendable {
    var rKey: UInt32
    /// Where the next packet's payload goes.
    var address: UInt64
    var remainingByteCount: UInt32
    /// Length of the whole message.
    var byteCount: UInt32

    init(_ reth: RETH) {
        self.rKey = reth.rKey
        self.address = reth.virtualAddress
        self.remainingByteCount = reth.dmaByteCount
        self.byteCount = reth.dmaByteCount
    }

    /// Whether the next packet may carry this much: the last brings exactly what is missing, any other less.
    func takes(_ payloadByteCount: Int, isEnd: Bool) -> Bool {
        isEnd ? payloadByteCount == Int(self.remainingByteCount) : payloadByteCount < Int(self.remainingByteCount)
    }

    func advanced(by payloadByteCount: UInt32) -> WriteProgress {
        var progress = self
        progress.address &+= UInt64(payloadByteCount)
        progress.remainingByteCount -= payloadByteCount
        return progress
    }
}
