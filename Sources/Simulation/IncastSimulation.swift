import Transport
import Wire

/// Many senders, one receiver, and a narrow link in front of it: whether they share it fairly, and all arrive.
package struct IncastSimulation: ~Copyable {
    /// What a run found.
    package struct Outcome: Sendable, CustomStringConvertible {
        /// Jain's index of what each had sent when the first was done: 1 when all had sent the same, 1/n when only one.
        package var fairness: Double
        /// Completions that were no success.
        package var failureCount: Int
        package var packetCount: Int
        package var droppedCount: Int
        package var markedCount: Int
        package var retransmittedCount: UInt64
        package var timeoutCount: UInt64
        package var probeCount: UInt64
        /// How much of the link's time went to bytes that were needed, 0 … 1.
        package var utilization: Double

        package var description: String {
            """
            fairness \(Self.rounded(self.fairness)), used \(Self.rounded(self.utilization)), \(self.failureCount) failures, \
            \(self.packetCount) packets, \(self.droppedCount) dropped, \(self.markedCount) marked, \
            \(self.retransmittedCount) sent again, \(self.probeCount) probes, \(self.timeoutCount) timeouts
            """
        }

        private static func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
    }

    private static var messageByteCount: UInt32 { 65_536 }

    private enum Event {
        case request(sender: Int, RequestPacket, isMarked: Bool)
        case response(sender: Int, PacketHeader)
        case acknowledge(sender: Int)
        case start(sender: Int)
    }

    private let messageCount: Int
    private let delayNanoseconds: UInt64
    private let queueNanosecondsPerByte: UInt64
    private var queue: NarrowQueue
    private var senders: [Sender] = []
    private var events = EventQueue<Event>()
    private var now = Timestamp(nanoseconds: 1_000)
    private var random: SeededGenerator
    private var outcome = Outcome(
        fairness: 0,
        failureCount: 0,
        packetCount: 0,
        droppedCount: 0,
        markedCount: 0,
        retransmittedCount: 0,
        timeoutCount: 0,
        probeCount: 0,
        utilization: 0
    )

    /// - Parameter isMarking: whether the queue marks packets before it drops them.
    package init(seed: UInt64, senderCount: Int = 16, link: NarrowLink, isMarking: Bool) {
        self.random = SeededGenerator(seed: seed)
        self.messageCount = link.messageCount
        self.delayNanoseconds = link.delayNanoseconds
        self.queueNanosecondsPerByte = link.nanosecondsPerByte
        self.queue = NarrowQueue(
            nanosecondsPerByte: link.nanosecondsPerByte,
            limitNanoseconds: link.queueByteCount * link.nanosecondsPerByte,
            isMarking: isMarking
        )
        var configuration = RequesterConfiguration(pathMTU: link.pathMTU)
        configuration.windowPackets = 512
        configuration.retryCount = 7
        configuration.ackTimeoutNanoseconds = LocalACKTimeout(truncating: 14).nanoseconds ?? 0
        for _ in 0..<senderCount { self.senders.append(Sender(configuration, using: &self.random)) }
    }

    /// A queue pair on each side.
    private final class Sender {
        var requester: RCRequester
        var responder: RCResponder
        var notifier = CongestionNotifier(destQP: QPN(truncating: 1))
        var host = Sink()
        var postedCount = 0
        var completedCount = 0
        var isAcknowledgePlanned = false

        init(_ configuration: RequesterConfiguration, using random: inout SeededGenerator) {
            let psn = PSN(truncating: UInt32(truncatingIfNeeded: random.next()))
            let qpn = QPN(truncating: 2)
            self.requester = RCRequester(capacity: 8, firstPSN: psn, destQP: qpn, configuration: configuration)
            self.responder = RCResponder(
                expectedPSN: psn,
                destQP: qpn,
                configuration: ResponderConfiguration(pathMTU: configuration.pathMTU)
            )
        }
    }

    /// Takes every WRITE.
    private struct Sink: ResponderHost, ~Copyable {
        var byteCount: UInt64 = 0

        mutating func checkRemote(rKey: UInt32, address: UInt64, byteCount: UInt64, access: RemoteAccess) -> RemoteCheck
        {
            .ok
        }
        mutating func beginReceive() -> ReceiveStart { .empty }
        mutating func placeReceive(messageOffset: UInt32, payload: RawSpan) -> CompletionStatus { .success }
        mutating func placeWrite(rKey: UInt32, address: UInt64, payload: RawSpan) -> RemoteCheck {
            self.byteCount += UInt64(payload.byteCount)
            return .ok
        }
        mutating func atomic(
            rKey: UInt32,
            address: UInt64,
            operation: AtomicOperation,
            compareOrAdd: UInt64,
            swap: UInt64
        ) -> AtomicResult { .refused }
        mutating func invalidate(rKey: UInt32) -> Bool { false }
        mutating func completeReceive(_ completion: ReceiveCompletion) {}
    }
}

// MARK: - Running

extension IncastSimulation {
    /// Until every sender is done, or has failed.
    package mutating func run() -> Outcome {
        // Programs do not start in step.
        for index in self.senders.indices {
            self.events.add(
                .start(sender: index),
                at: Timestamp(nanoseconds: self.random.unsigned(in: 1_000...1_000_000))
            )
        }
        var doneCount = 0
        while doneCount < self.senders.count {
            var timeout: (time: Timestamp, index: Int)?
            for index in self.senders.indices {
                guard let time = self.senders[index].requester.nextTimeout else { continue }
                if timeout.map({ time < $0.time }) ?? true { timeout = (time, index) }
            }
            let sender: Int
            if let timeout, self.events.nextTime.map({ timeout.time < $0 }) ?? true {
                self.now = max(self.now, timeout.time)
                self.senders[timeout.index].requester.handleTimeout(now: self.now)
                sender = timeout.index
            } else {
                guard let time = self.events.nextTime, let event = self.events.removeNext() else { break }
                self.now = time
                sender = self.handle(event)
            }
            let wasDone = self.senders[sender].completedCount == self.messageCount
            self.serve(sender)
            if !wasDone, self.senders[sender].completedCount == self.messageCount {
                if doneCount == 0 { self.outcome.fairness = self.jainIndex }
                doneCount += 1
            }
        }
        for sender in self.senders {
            self.outcome.retransmittedCount += sender.requester.counters.retransmittedPackets
            self.outcome.timeoutCount += sender.requester.counters.timeouts
            self.outcome.probeCount += sender.requester.counters.probes
        }
        let neededByteCount = UInt64(self.senders.count * self.messageCount) * UInt64(Self.messageByteCount)
        self.outcome.utilization =
            Double(neededByteCount * self.queueNanosecondsPerByte) / Double(self.now.nanoseconds)
        return self.outcome
    }

    private var jainIndex: Double {
        let shares = self.senders.map { Double($0.host.byteCount) }
        let sum = shares.reduce(0, +)
        let squares = shares.reduce(0) { $0 + $1 * $1 }
        return squares > 0 ? sum * sum / (Double(shares.count) * squares) : 0
    }

    private mutating func handle(_ event: Event) -> Int {
        switch event {
        case .start(let index):
            return index
        case .request(let index, let packet, let isMarked):
            let sender = self.senders[index]
            if isMarked { sender.notifier.noteMark(now: self.now) }
            let payload = [UInt8](repeating: 0, count: packet.payloadByteCount)
            // SAFETY: bytes have no padding between them.
            _ = unsafe sender.responder.receive(
                packet.header,
                payload: payload.span.bytes,
                host: &sender.host,
                now: self.now
            )
            if !sender.isAcknowledgePlanned {
                sender.isAcknowledgePlanned = true
                self.events.add(.acknowledge(sender: index), at: self.now.advanced(byNanoseconds: 2_000))
            }
            return index
        case .acknowledge(let index):
            let sender = self.senders[index]
            sender.isAcknowledgePlanned = false
            let arrival = self.now.advanced(byNanoseconds: self.delayNanoseconds)
            if let header = sender.notifier.pollTransmit() {
                self.events.add(.response(sender: index, header), at: arrival)
            }
            while let packet = sender.responder.pollTransmit(now: self.now) {
                self.events.add(.response(sender: index, packet.header), at: arrival)
            }
            return index
        case .response(let index, let header):
            if header.bth.opcode == .cnp {
                self.senders[index].requester.receiveCongestionMark()
            } else {
                _ = self.senders[index].requester.receive(header, payloadByteCount: 0, now: self.now)
            }
            return index
        }
    }

    private mutating func serve(_ index: Int) {
        let sender = self.senders[index]
        while sender.postedCount < self.messageCount {
            let request = SendRequest(operation: .write, byteCount: Self.messageByteCount)
            guard case .queued = sender.requester.post(request) else { break }
            sender.postedCount += 1
        }
        while let packet = sender.requester.pollTransmit(now: self.now) {
            self.outcome.packetCount += 1
            // What a sender takes to build a packet, so that none has all of its window in the queue at once.
            let start = self.now.advanced(byNanoseconds: self.random.unsigned(in: 0...200))
            guard let place = self.queue.enter(byteCount: packet.payloadByteCount + 82, at: start) else {
                self.outcome.droppedCount += 1
                continue
            }
            if place.isMarked { self.outcome.markedCount += 1 }
            let arrival = place.time.advanced(byNanoseconds: self.delayNanoseconds)
            self.events.add(.request(sender: index, packet, isMarked: place.isMarked), at: arrival)
        }
        while let completion = sender.requester.pollCompletion() {
            sender.completedCount += 1
            if completion.status != .success { self.outcome.failureCount += 1 }
        }
    }
}
