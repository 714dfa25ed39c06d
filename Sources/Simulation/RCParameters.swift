import Transport
import Wire

/// What the seed decides about a run beyond the network and the workload.
struct RCParameters: Sendable {
    var requester: RequesterConfiguration
    var responder: ResponderConfiguration
    var capacity: Int
    var messageCount: Int
    var packetsMax: Int
    /// Receive requests are posted in portions of up to this many, this far apart.
    var receiveBatchMax: Int
    var receiveGapNanoseconds: UInt64
    /// How many packets leave before others have their turn.
    var transmitBatchMax: Int
    /// How often what arrives is answered at once, and not together with what follows.
    var promptPercent: UInt64

    /// How often the send queue is suspended for a while when it has its turn.
    var suspendPercent: UInt64

    /// On a clean network the timeout is so long that none must happen, so that a requester that forgets to ask for an
    /// acknowledge is found.
    init(_ features: Features, messagesMax: Int, using random: inout SeededGenerator) {
        let pathMTU = random.pick([PathMTU.bytes256, .bytes256, .bytes256, .bytes512, .bytes1024])
        var requester = RequesterConfiguration(pathMTU: pathMTU)
        // Of a patient one, no run of losses is long enough to fail a live network; 255 would make dead peers slow to
        // notice.
        requester.retryCount = features.isImpatient ? 7 : 60
        requester.rnrRetryCount =
            features.isImpatient ? random.pick([1, 6, 6]) : RequesterConfiguration.rnrRetryEndless
        requester.ackTimeoutNanoseconds = 4096 << (features.isClean ? 14 : random.unsigned(in: 5...9))
        requester.probeNanosecondsMin = random.pick([20_000, 100_000, 1_000_000])
        requester.windowPackets = random.pick([1, 2, 3, 5, 16, 64, 128])
        requester.windowBytes = random.pick([1, 4096, 1 << 20])
        requester.ackRequestInterval = random.pick([1, 2, 7, 32, 64])
        requester.readRequestPackets = random.pick([1, 2, 4, 128])
        let readsMax = random.pick([1, 2, 4, 16])
        requester.readsMax = random.number(in: 1...readsMax)
        self.requester = requester
        var responder = ResponderConfiguration(pathMTU: pathMTU)
        responder.readsMax = readsMax
        responder.rnrTimer = .init(truncating: UInt8(random.number(in: 1...8)))
        self.responder = responder
        self.capacity = random.pick([1, 2, 7, 16, 64])
        self.messageCount = random.number(in: min(10, messagesMax)...messagesMax)
        self.packetsMax = random.pick([1, 2, 4, 8, 24])
        self.receiveBatchMax = random.pick([1, 4, 32])
        self.receiveGapNanoseconds = random.pick([1_000, 20_000, 200_000])
        self.transmitBatchMax = random.pick([1, 4, 32, 200])
        self.suspendPercent = random.pick([0, 0, 3, 20])
        self.promptPercent = random.pick([0, 50, 100])
    }
}
