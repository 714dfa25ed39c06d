package import Wire

/// The requester half of a reliable connection (IBTA Volume 1, section 9.7).
///
/// It cuts the requests of a send queue into packets, keeps the window, sends again what is lost or refused for now, and
/// completes the requests in order. It performs no I/O and touches no memory:
///
/// - *Inputs* tell it what happened: `post`, `receive`, `handleTimeout`, `poison`, `completeLocal`, `suspend`, `resume`,
///   `enterError`.
/// - *Outputs* are polled after every input, in this order: `pollTransmit` until `nil`; when `pendingLocalOperation` is
///   not `nil`, run it, call `completeLocal` and poll `pollTransmit` again; `pollCompletion` until `nil`; `nextTimeout`.
///
/// `now` must never decrease from one call to the next. Except for `init` and `reset`, nothing allocates.
package struct RCRequester: ~Copyable {
    enum Phase {
        case active
        /// The responder was not ready; nothing is sent until then.
        case waiting(until: Timestamp)
        /// The request with this sequence failed. Those before it are done, those behind it are flushed.
        case failed(sequence: UInt64)
    }

    var configuration: RequesterConfiguration
    /// What all packets have in common. Copying it is cheaper than building each header.
    let headerTemplate: PacketHeader
    /// At most `windowPackets`, and what `windowBytes` leaves of it.
    var congestion: CongestionWindow
    /// A READ is asked for in parts of this many packets. A power of two; becomes smaller in congestion, and grows again
    /// only while nothing is under way, so that what is asked for once more is never more than the first time.
    var partPackets: UInt32
    /// `readRequestPackets`, and what the window leaves of it.
    let partPacketsMax: UInt32
    var phase = Phase.active
    package internal(set) var counters = RequesterCounters()
    package internal(set) var marks: TransportMarks = []

    // MARK: The queue: head ≤ acked ≤ sending ≤ tail

    var slots: FixedRing<SendSlot>
    /// The oldest request whose completion was not polled.
    var head = SlotCursor()
    /// The oldest request that is not done.
    var acked = SlotCursor()
    /// The request that the next packet belongs to. Moves back on a retry.
    var sending = SlotCursor()
    /// Where the next request is posted.
    var tail = SlotCursor()
    /// No request from this sequence on is begun: the queue is suspended.
    var suspendedSequence: UInt64?

    // MARK: The packet sequence: unacknowledged ≤ next ≤ unsent ≤ nextNew

    /// The oldest packet that is not acknowledged. For READs, the next answer.
    var unacknowledged: SequencePosition
    /// The next packet to send. Moves back on a retry.
    var next: SequencePosition
    /// The first packet that was never sent. Never moves back.
    var unsent: SequencePosition
    /// The first packet of the next posted request.
    var nextNew: SequencePosition
    /// Packets sent since the last that makes the responder answer.
    var unsolicitedCount: UInt32 = 0

    // MARK: Requests for answers (READs, atomics) that are in flight

    /// The positions behind each, oldest first.
    var answerEnds: FixedRing<SequencePosition>
    var answersHead = 0
    var answersCount = 0

    // MARK: Retry

    var deadline: Timestamp?
    /// Timeouts since the responder was heard last. Each makes the next one come later, up to `backoffMax`.
    var timeoutsInRow: UInt32 = 0
    /// Silence that is long for this path, though not yet for the queue pair: the oldest packet is sent once more, which
    /// costs no retry. Without that, the loss of a last packet would cost a whole timeout.
    var probeDeadline: Timestamp?
    var probesInRow: UInt32 = 0
    /// Probes since the responder was heard last. A few that stay without an answer are enough for one silence.
    var unansweredProbes: UInt32 = 0
    var roundTrip = RoundTripEstimate()
    var retriesLeft: UInt8
    var rnrRetriesLeft: UInt8
    /// Where the last sequence NAK, or lost answer, made it go back to: it does so once for each place.
    var sequenceNAKPosition: SequencePosition?
    var impliedNAKPosition: SequencePosition?

    /// - Parameters:
    ///   - capacity: how many requests may be posted and not polled, at least 1.
    ///   - firstPSN: the `sq_psn` of the queue pair.
    package init(capacity: Int, firstPSN: PSN, destQP: QPN, configuration: RequesterConfiguration) {
        let start = SequencePosition(startingAt: firstPSN)
        let empty = SendSlot(
            request: SendRequest(operation: .send, byteCount: 0),
            start: start,
            end: start,
            status: .success
        )
        self.configuration = configuration
        self.headerTemplate = PacketHeader(bth: BTH(opcode: .rcSendOnly, destQP: destQP, psn: firstPSN))
        let windowPackets = Self.windowPackets(of: configuration)
        self.congestion = CongestionWindow(
            packetsMax: windowPackets,
            packetsInitial: max(8, Self.initialByteCount >> configuration.pathMTU.shift)
        )
        self.partPacketsMax = Self.partPackets(of: configuration, windowPackets: windowPackets)
        self.partPackets = self.partPacketsMax
        self.slots = FixedRing(capacity: capacity, filledWith: empty)
        self.unacknowledged = start
        self.next = start
        self.unsent = start
        self.nextNew = start
        self.answerEnds = FixedRing(capacity: RequesterConfiguration.readsLimit, filledWith: start)
        self.retriesLeft = configuration.retryCount
        self.rnrRetriesLeft = configuration.rnrRetryCount
    }

    /// What may be under way before the network has shown what it bears, unless these are less than 8 packets.
    private static var initialByteCount: UInt32 { 1 << 15 }
    /// Parts of READs do not become smaller than this by congestion.
    static var partPacketsMin: UInt32 { 8 }
    /// The timeout is doubled up to this often: the specification allows four times its nominal length (IBTA Volume 1,
    /// section 9.7.6.1.3).
    static var backoffMax: UInt32 { 2 }
    /// Probes come twice as late after each one, up to this often.
    static var probeBackoffMax: UInt32 { 4 }
    static var unansweredProbesMax: UInt32 { 6 }

    /// Checks the configuration, which the adapter built, and computes the window.
    private static func windowPackets(of configuration: RequesterConfiguration) -> UInt32 {
        let limit = RequesterConfiguration.windowLimit
        precondition((1...limit).contains(configuration.windowPackets), "window out of range")
        precondition((1...limit).contains(configuration.readRequestPackets), "READ part out of range")
        precondition(configuration.readRequestPackets.nonzeroBitCount == 1, "READ part not a power of two")
        precondition((0...RequesterConfiguration.readsLimit).contains(configuration.readsMax), "readsMax out of range")
        precondition((1...64).contains(configuration.ackRequestInterval), "interval of acknowledges out of range")
        let packetsOfBytes = configuration.windowBytes >> configuration.pathMTU.shift
        return max(1, min(configuration.windowPackets, packetsOfBytes))
    }

    /// The largest power of two of which two parts fit the window, so that one can be asked for while another arrives.
    private static func partPackets(of configuration: RequesterConfiguration, windowPackets: UInt32) -> UInt32 {
        let half = max(1, windowPackets / 2)
        return min(configuration.readRequestPackets, 1 << UInt32(31 - half.leadingZeroBitCount))
    }
}

// MARK: - Life

extension RCRequester {
    /// Forgets everything and begins anew: a queue pair that went through RESET. The capacity stays.
    package mutating func reset(firstPSN: PSN, destQP: QPN, configuration: RequesterConfiguration) {
        self = RCRequester(
            capacity: self.slots.capacity,
            firstPSN: firstPSN,
            destQP: destQP,
            configuration: configuration
        )
    }

    /// Takes over what may change while the queue is drained: retries, timeout and `readsMax`. The rest stays.
    package mutating func update(_ changed: RequesterConfiguration) {
        precondition((0...RequesterConfiguration.readsLimit).contains(changed.readsMax), "readsMax out of range")
        self.configuration.retryCount = changed.retryCount
        self.configuration.rnrRetryCount = changed.rnrRetryCount
        self.configuration.ackTimeoutNanoseconds = changed.ackTimeoutNanoseconds
        self.configuration.readsMax = changed.readsMax
        self.retriesLeft = changed.retryCount
        self.rnrRetriesLeft = changed.rnrRetryCount
    }

    /// The queue pair goes to the error state: what is not done completes as flushed.
    package mutating func enterError() {
        if case .failed = self.phase { return }
        // No request has this sequence, so none carries the blame.
        self.phase = .failed(sequence: .max)
        self.deadline = nil
        self.checkInvariants()
    }

    /// Begins no further request (SQD). What has begun is finished, with retries.
    package mutating func suspend() {
        guard self.suspendedSequence == nil else { return }
        if self.next < self.unsent { self.marks.formUnion(.suspendedDuringRetry) }
        // During a retry, what was sent before has begun too.
        var cursor = self.sending
        while cursor.sequence < self.tail.sequence {
            let slot = self.slots[cursor.slot]
            guard slot.isExecuted || slot.start < self.unsent else { break }
            cursor.advance(capacity: self.slots.capacity)
        }
        self.suspendedSequence = cursor.sequence
        self.solicitAcknowledge()
        self.checkInvariants()
    }

    package mutating func resume() {
        self.suspendedSequence = nil
        self.settle()
    }

    /// Whether the queue is suspended, or empty, and nothing that has begun is unfinished.
    package var isDrained: Bool {
        self.acked.sequence >= (self.suspendedSequence ?? self.tail.sequence)
    }

    package var isInError: Bool {
        if case .failed = self.phase { return true }
        return false
    }

    package var capacity: Int { self.slots.capacity }

    /// Requests whose completion was not polled.
    package var outstandingCount: Int { Int(self.tail.sequence - self.head.sequence) }

    package var freeSlotCount: Int { self.slots.capacity - self.outstandingCount }

    /// When to call `handleTimeout`, or `nil` when nothing is waited for.
    package var nextTimeout: Timestamp? {
        switch self.phase {
        case .active: self.probeDeadline.map { probe in self.deadline.map { min(probe, $0) } ?? probe } ?? self.deadline
        case .waiting(let until): until
        case .failed: nil
        }
    }
}

// MARK: - Posting

extension RCRequester {
    package enum PostAction: Equatable, Sendable {
        /// The request has this slot until its completion is polled. Slots are handed out in turn: 0 ..< capacity.
        case queued(slot: Int)
        case full
    }

    /// Appends a request. In the error state it is taken too, and flushed.
    package mutating func post(_ request: SendRequest) -> PostAction {
        guard self.freeSlotCount > 0 else { return .full }
        precondition(request.byteCount <= SendRequest.byteCountMax, "message too long")
        let slot = self.tail.slot
        let end = self.nextNew.advanced(by: self.packetCount(of: request))
        self.slots[slot] = SendSlot(request: request, start: self.nextNew, end: end, status: request.localStatus)
        self.nextNew = end
        self.tail.advance(capacity: self.slots.capacity)
        self.settle()
        self.checkInvariants()
        return .queued(slot: slot)
    }

    private func packetCount(of request: SendRequest) -> UInt32 {
        guard request.localStatus == .success else { return 0 }
        switch request.operation {
        case .localInvalidate, .bindMemoryWindow: return 0
        case .compareAndSwap, .fetchAndAdd, .atomicWrite: return 1
        case .send, .sendWithInvalidate, .write, .read:
            return self.configuration.pathMTU.packetCount(ofMessage: request.byteCount)
        }
    }
}

// MARK: - Completions

extension RCRequester {
    /// The next completion, in the order of posting, and frees its slot.
    package mutating func pollCompletion() -> RequestCompletion? {
        guard self.head.sequence < self.tail.sequence else { return nil }
        let slot = self.slots[self.head.slot]
        let status: CompletionStatus
        switch self.phase {
        case .active, .waiting:
            guard self.head.sequence < self.acked.sequence else { return nil }
            status = .success
        case .failed(let sequence):
            if self.head.sequence < self.acked.sequence {
                status = .success
            } else {
                status = self.head.sequence == sequence ? slot.status : .flushed
            }
        }
        let completion = RequestCompletion(
            slot: self.head.slot,
            status: status,
            operation: slot.request.operation,
            byteCount: slot.request.operation.isAtomic ? 8 : slot.request.byteCount
        )
        self.head.advance(capacity: self.slots.capacity)
        return completion
    }

    /// Moves over requests that are done, and fails at one that cannot be.
    mutating func settle() {
        if case .failed = self.phase { return }
        let endSequence = min(self.tail.sequence, self.suspendedSequence ?? .max)
        while self.acked.sequence < endSequence {
            let slot = self.slots[self.acked.slot]
            guard slot.status == .success else { return self.fail(slot.status) }
            guard self.unacknowledged >= slot.end, !slot.request.operation.isLocal || slot.isExecuted else { break }
            // A request without packets is done when its turn has come, so the sender may still stand on it.
            self.acked.advance(capacity: self.slots.capacity)
        }
        self.catchUp()
    }

    /// Brings the sender forward to what is acknowledged: during a retry, answers to the first attempt arrive.
    private mutating func catchUp() {
        if self.next < self.unacknowledged {
            self.next = self.unacknowledged
            self.marks.formUnion(.lateAnswer)
        }
        if self.sending.sequence < self.acked.sequence { self.sending = self.acked }
    }

    /// The oldest request that is not done fails; the rest is flushed.
    mutating func fail(_ status: CompletionStatus) {
        assert(self.acked.sequence < self.tail.sequence, "nothing to fail")
        self.slots[self.acked.slot].status = status
        self.phase = .failed(sequence: self.acked.sequence)
        self.deadline = nil
    }
}

// MARK: - Invariants

extension RCRequester {
    func checkInvariants() {
        assert(self.acked.sequence <= self.tail.sequence)
        assert(self.head.sequence <= self.tail.sequence)
        assert(self.outstandingCount <= self.slots.capacity)
        assert(self.answersCount <= RequesterConfiguration.readsLimit)
        if self.isInError {
            assert(self.nextTimeout == nil)
            return
        }
        assert(self.head.sequence <= self.acked.sequence)
        assert(self.acked.sequence <= self.sending.sequence)
        assert(self.sending.sequence <= self.tail.sequence)
        assert(self.unacknowledged <= self.next)
        assert(self.next <= self.unsent)
        assert(self.unsent <= self.nextNew)
        assert(self.deadline == nil || self.unsent > self.unacknowledged)
        assert((1...self.congestion.packetsMax).contains(self.congestion.packets))
        assert(self.partPackets.nonzeroBitCount == 1 && self.partPackets <= self.partPacketsMax)
    }
}
