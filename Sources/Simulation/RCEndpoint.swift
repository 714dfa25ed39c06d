import Transport
import Wire

/// One queue pair of a simulated host, with its program: it posts the workload, moves the data, and checks completions.
final class RCEndpoint {
    let name: String
    /// The host that it is on.
    let machine: Int
    let parameters: RCParameters
    var requester: RCRequester
    var responder: RCResponder
    var host: SimulatedHost
    var workload: Workload
    let fault: InjectedFault
    var notifier: CongestionNotifier
    /// Its host died: it does nothing any more.
    var isGone = false
    /// Its peer may be unreachable for longer than it has patience, so it may fail.
    var mayLosePeer: Bool
    /// Its program gave up, because the peer's host died.
    var isGivenUp = false

    /// Requests posted; the next is `workload.messages[postedCount]`.
    var postedCount = 0
    var completedCount = 0
    /// Messages received.
    var receivedCount = 0
    /// Where the answers of READs and atomics are put, by slot.
    var landings: [Landing]
    /// The first completion that was no success.
    var firstFailure: (index: Int, status: CompletionStatus)?
    /// READ packets gathered.
    var gatheredCount = 0
    var isMemoryLost = false
    var failure: ResponderFailure?
    var isTransmitPlanned = false
    /// Requests from this index on must not begin: the queue is suspended.
    var suspendedSince: Int?
    var isResumePlanned = false
    /// Requests before this index have begun: a packet was sent, or a local operation ran.
    var begunCount = 0

    /// The memory of a posted request.
    struct Landing {
        var messageIndex = -1
        var postedAt = Timestamp(nanoseconds: 0)
        var bytes: [UInt8] = []
        var placedByteCount = 0
        var originalValue: UInt64?
        var isExecuted = false
        /// Fenced requests that follow wait for this.
        var isAnswered = false
    }

    init(
        name: String,
        machine: Int,
        mayLosePeer: Bool,
        parameters: RCParameters,
        host: consuming SimulatedHost,
        workload: consuming Workload,
        fault: InjectedFault,
        firstPSN: PSN,
        expectedPSN: PSN,
        destQP: QPN
    ) {
        self.name = name
        self.machine = machine
        self.mayLosePeer = mayLosePeer
        self.notifier = CongestionNotifier(destQP: destQP)
        self.parameters = parameters
        self.fault = fault
        self.requester = RCRequester(
            capacity: parameters.capacity,
            firstPSN: firstPSN,
            destQP: destQP,
            configuration: parameters.requester
        )
        self.responder = RCResponder(expectedPSN: expectedPSN, destQP: destQP, configuration: parameters.responder)
        self.host = host
        self.workload = workload
        self.landings = [Landing](repeating: Landing(), count: parameters.capacity)
    }

    /// Whether nothing is left to do.
    var isDone: Bool { self.isGone || self.completedCount == self.workload.messages.count }
    var isFailed: Bool { self.requester.isInError }
}

// MARK: - The program

extension RCEndpoint {
    /// Posts up to `count` requests.
    func post(count: Int, now: Timestamp) {
        for _ in 0..<count where self.postedCount < self.workload.messages.count {
            var message = self.workload.messages[self.postedCount]
            if self.fault == .badKey(index: self.postedCount) { message.request.rKey ^= 1 }
            if self.fault == .refusedPost(index: self.postedCount) {
                message.request.localStatus = .localProtectionError
            }
            guard case .queued(let slot) = self.requester.post(message.request) else { return }
            self.landings[slot] = Landing(messageIndex: self.postedCount, postedAt: now)
            if case .read = message.expectation {
                self.landings[slot].bytes = [UInt8](repeating: 0, count: Int(message.request.byteCount))
            }
            self.postedCount += 1
        }
    }

    /// Gathers the payload of a packet, or `nil` when its memory is bad.
    func gather(_ packet: RequestPacket) throws(Violation) -> [UInt8]? {
        let landing = self.landings[packet.slot]
        let message = self.workload.messages[landing.messageIndex]
        if self.fault == .badMemory(index: landing.messageIndex), packet.payloadByteCount > 0 { return nil }
        try self.noteBegun(landing.messageIndex)
        if message.request.isFenced, packet.messageOffset == 0 { try self.checkFence(before: landing.messageIndex) }
        return SimulatedMemory.patternBytes(
            message.pattern,
            offset: Int(packet.messageOffset),
            byteCount: packet.payloadByteCount
        )
    }

    private func checkFence(before messageIndex: Int) throws(Violation) {
        for landing in self.landings
        where landing.messageIndex >= self.completedCount && landing.messageIndex < messageIndex {
            let request = self.workload.messages[landing.messageIndex].request
            let isAnswered = request.operation == .read || request.operation.isAtomic
            if isAnswered && !landing.isAnswered {
                throw Violation("\(self.name): request \(messageIndex) passed its fence")
            }
        }
    }

    /// Does what the requester asks for after a response.
    func place(_ action: RCRequester.ResponseAction, payload: [UInt8]) throws(Violation) {
        switch action {
        case .none:
            break
        case .place(let slot, let messageOffset, let byteCount):
            guard byteCount == payload.count else { throw Violation("\(self.name): READ data of a wrong length") }
            if self.fault == .badMemory(index: self.landings[slot].messageIndex) {
                self.requester.poison(slot: slot, status: .localProtectionError)
                return
            }
            guard self.landings[slot].placedByteCount == Int(messageOffset) else {
                throw Violation("\(self.name): READ data at \(messageOffset), not in order")
            }
            self.landings[slot].bytes.replaceSubrange(
                Int(messageOffset)..<(Int(messageOffset) + byteCount),
                with: payload
            )
            self.landings[slot].placedByteCount += byteCount
            self.landings[slot].isAnswered = self.landings[slot].placedByteCount == self.landings[slot].bytes.count
        case .placeAtomic(let slot, let originalValue):
            guard self.landings[slot].originalValue == nil else { throw Violation("\(self.name): a second answer") }
            self.landings[slot].originalValue = originalValue
            self.landings[slot].isAnswered = true
        }
    }

    /// Runs local operations whose turn it is.
    ///
    /// - Returns: whether there was one.
    func runLocal() throws(Violation) -> Bool {
        guard let slot = self.requester.pendingLocalOperation else { return false }
        guard !self.landings[slot].isExecuted else { throw Violation("\(self.name): a local operation ran twice") }
        let index = self.landings[slot].messageIndex
        if self.workload.messages[index].request.isFenced { try self.checkFence(before: index) }
        try self.noteBegun(index)
        if self.fault == .failedLocal(index: index) {
            self.requester.completeLocal(slot: slot, status: .memoryWindowBindError)
            return false
        }
        self.landings[slot].isExecuted = true
        self.requester.completeLocal(slot: slot, status: .success)
        return true
    }

    private func noteBegun(_ index: Int) throws(Violation) {
        guard index < self.suspendedSince ?? .max else {
            throw Violation("\(self.name): \(index) began while suspended")
        }
        self.begunCount = max(self.begunCount, index + 1)
    }

    func suspend() {
        self.suspendedSince = self.begunCount
        self.requester.suspend()
    }

    /// - Returns: whether the suspended queue has drained just now.
    func noteDrained() -> Bool {
        guard self.suspendedSince != nil, !self.isResumePlanned, self.requester.isDrained else { return false }
        self.isResumePlanned = true
        return true
    }

    func resume() {
        self.suspendedSince = nil
        self.isResumePlanned = false
        self.requester.resume()
    }

    /// READ data for the responder, or `nil` when the memory is gone.
    func gatherAnswer(_ source: ResponsePacket.Source) -> [UInt8]? {
        guard case .memory(let rKey, let address, let byteCount) = source else { return [] }
        self.gatheredCount += 1
        if case .lostReadMemory(let packetCount) = self.fault, self.gatheredCount > packetCount {
            self.isMemoryLost = true
            return nil
        }
        return self.host.gather(rKey: rKey, address: address, byteCount: byteCount)
    }

    /// The queue pair is in the error state, for whatever reason: so are both of its halves.
    func spreadError() {
        guard self.requester.isInError || self.responder.isInError else { return }
        self.requester.enterError()
        self.responder.enterError(host: &self.host)
    }
}
