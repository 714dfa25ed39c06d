import Transport
import Wire

/// A requester behind a reference, because the test macros copy what they look at, and a requester cannot be copied.
final class RequesterUnderTest {
    private var requester: RCRequester

    init(capacity: Int, firstPSN: UInt32, configuration: RequesterConfiguration) {
        self.requester = RCRequester(
            capacity: capacity,
            firstPSN: PSN(truncating: firstPSN),
            destQP: QPN(truncating: 0x123456),
            configuration: configuration
        )
    }

    var nextTimeout: Timestamp? { self.requester.nextTimeout }
    var counters: RequesterCounters { self.requester.counters }
    var isInError: Bool { self.requester.isInError }
    var isDrained: Bool { self.requester.isDrained }
    var capacity: Int { self.requester.capacity }
    var freeSlotCount: Int { self.requester.freeSlotCount }
    var outstandingCount: Int { self.requester.outstandingCount }
    var pendingLocalOperation: Int? { self.requester.pendingLocalOperation }

    func post(_ request: SendRequest) -> RCRequester.PostAction { self.requester.post(request) }
    func pollTransmit(now: Timestamp) -> RequestPacket? { self.requester.pollTransmit(now: now) }
    func pollCompletion() -> RequestCompletion? { self.requester.pollCompletion() }
    func handleTimeout(now: Timestamp) { self.requester.handleTimeout(now: now) }
    func update(_ changed: RequesterConfiguration) { self.requester.update(changed) }
    func receiveCongestionMark() { self.requester.receiveCongestionMark() }
    func enterError() { self.requester.enterError() }
    func suspend() { self.requester.suspend() }
    func resume() { self.requester.resume() }
    func poison(slot: Int, status: CompletionStatus) { self.requester.poison(slot: slot, status: status) }

    func completeLocal(slot: Int, status: CompletionStatus) {
        self.requester.completeLocal(slot: slot, status: status)
    }

    func receive(_ header: PacketHeader, payloadByteCount: Int, now: Timestamp) -> RCRequester.ResponseAction {
        self.requester.receive(header, payloadByteCount: payloadByteCount, now: now)
    }

    func reset(firstPSN: PSN, destQP: QPN, configuration: RequesterConfiguration) {
        self.requester.reset(firstPSN: firstPSN, destQP: destQP, configuration: configuration)
    }

    /// The statuses of all completions there are.
    func completionStatuses() -> [CompletionStatus] {
        var statuses: [CompletionStatus] = []
        while let completion = self.pollCompletion() { statuses.append(completion.status) }
        return statuses
    }

    /// All packets there are.
    func packets(now: Timestamp) -> [RequestPacket] {
        var packets: [RequestPacket] = []
        while let packet = self.pollTransmit(now: now) { packets.append(packet) }
        return packets
    }
}
