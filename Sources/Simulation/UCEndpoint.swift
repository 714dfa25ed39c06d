import Transport
import Wire

/// One queue pair of an unreliable connection, with its program.
final class UCEndpoint {
    let name: String
    let capacity: Int
    var requester: UCRequester
    var responder: UCResponder
    var host: SimulatedHost
    let workload: Workload
    let fault: InjectedFault
    var postedCount = 0
    var completedCount = 0
    var receivedCount = 0
    /// The last message that was received.
    var lastReceivedIndex = -1
    var messageIndices: [Int]
    var firstFailure: (index: Int, status: CompletionStatus)?

    init(
        name: String,
        capacity: Int,
        host: consuming SimulatedHost,
        workload: consuming Workload,
        fault: InjectedFault,
        pathMTU: PathMTU,
        firstPSN: PSN,
        expectedPSN: PSN
    ) {
        self.name = name
        self.capacity = capacity
        self.requester = UCRequester(
            capacity: capacity,
            firstPSN: firstPSN,
            destQP: QPN(truncating: 2),
            pathMTU: pathMTU
        )
        self.responder = UCResponder(expectedPSN: expectedPSN, pathMTU: pathMTU)
        self.host = host
        self.workload = workload
        self.fault = fault
        self.messageIndices = [Int](repeating: -1, count: capacity)
    }

    var isDone: Bool { self.completedCount == self.workload.messages.count }
}

// MARK: - The program

extension UCEndpoint {
    func post(count: Int) {
        for _ in 0..<count where self.postedCount < self.workload.messages.count {
            var request = self.workload.messages[self.postedCount].request
            if self.fault == .refusedPost(index: self.postedCount) { request.localStatus = .localProtectionError }
            guard case .queued(let slot) = self.requester.post(request) else { return }
            self.messageIndices[slot] = self.postedCount
            self.postedCount += 1
        }
    }

    /// Gathers the payload of a packet, or `nil` when its memory is bad.
    func gather(_ packet: RequestPacket) -> [UInt8]? {
        let index = self.messageIndices[packet.slot]
        if self.fault == .badMemory(index: index), packet.payloadByteCount > 0 { return nil }
        return SimulatedMemory.patternBytes(
            self.workload.messages[index].pattern,
            offset: Int(packet.messageOffset),
            byteCount: packet.payloadByteCount
        )
    }
}

// MARK: - Checks

extension UCEndpoint {
    func checkCompletions() throws(Violation) {
        while let completion = self.requester.pollCompletion() {
            let index = self.completedCount
            guard index < self.postedCount, self.messageIndices[completion.slot] == index else {
                throw Violation("\(self.name): completion of slot \(completion.slot), but request \(index) is next")
            }
            switch (completion.status, self.firstFailure) {
            case (.success, nil): break
            case (_, nil): self.firstFailure = (index, completion.status)
            case (.flushed, _): break
            default: throw Violation("\(self.name): \(completion) after \(self.firstFailure as Any)")
            }
            self.completedCount += 1
        }
    }

    /// Whatever is received is whole. On a network that neither copies nor reorders, it comes after what was received before.
    func checkReceipts(peer: UCEndpoint, keepsOrder: Bool) throws(Violation) {
        if let violation = self.host.violation { throw Violation("\(self.name): \(violation)") }
        let receipts = self.host.receipts
        self.host.receipts.removeAll(keepingCapacity: true)
        for receipt in receipts where receipt.completion.status == .success {
            let completion = receipt.completion
            let index = Int(completion.immediate)
            guard completion.hasImmediate, index < peer.postedCount, index > self.lastReceivedIndex || !keepsOrder
            else {
                throw Violation("\(self.name): \(receipt) after message \(self.lastReceivedIndex)")
            }
            let message = peer.workload.messages[index]
            let byteCount = Int(message.request.byteCount)
            var isRight = completion.byteCount == message.request.byteCount
            switch message.expectation {
            case .received:
                isRight = isRight && completion.operation == .send
                isRight = isRight && self.host.received.matches(pattern: message.pattern, at: 0, byteCount: byteCount)
            case .writtenAndReceived(let offset, _):
                isRight = isRight && completion.operation == .writeWithImmediate
                isRight =
                    isRight && self.host.memory.matches(pattern: message.pattern, at: offset, byteCount: byteCount)
            default:
                isRight = false
            }
            guard isRight else { throw Violation("\(self.name): received \(receipt), but sent was \(message)") }
            self.lastReceivedIndex = index
            self.receivedCount += 1
        }
    }

    func checkEnd(peer: UCEndpoint, isClean: Bool) throws(Violation) {
        switch self.fault {
        case .refusedPost(let index), .badMemory(let index):
            guard let failure = self.firstFailure, failure == (index, .localProtectionError) else {
                throw Violation("\(self.name): \(self.fault), but \(self.firstFailure as Any)")
            }
        default:
            guard self.firstFailure == nil else { throw Violation("\(self.name): failed \(self.firstFailure as Any)") }
            guard isClean else { return }
            guard peer.receivedCount == self.workload.receivedMessages.count else {
                throw Violation("\(self.name): \(peer.receivedCount) messages received on a clean network")
            }
            if let offset = peer.host.memory.firstDifference(from: self.workload.shadow) {
                throw Violation("\(self.name): the peer's memory differs at \(offset)")
            }
        }
    }
}
