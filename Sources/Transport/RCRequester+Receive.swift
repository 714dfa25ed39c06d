package import Wire

// MARK: - Responses

extension RCRequester {
    package enum ResponseAction: Equatable, Sendable {
        case none
        /// READ data: put the payload of this packet there now. When that is not possible, call `poison`.
        case place(slot: Int, messageOffset: UInt32, byteCount: Int)
        /// An atomic is done: put what stood in the responder's memory there now, in host byte order.
        case placeAtomic(slot: Int, originalValue: UInt64)
    }

    /// A response packet of this connection arrived: an acknowledge, or the answer to a READ or atomic.
    ///
    /// A packet that does not fit changes nothing but a counter.
    ///
    /// - Parameter payloadByteCount: without the pad.
    package mutating func receive(_ header: PacketHeader, payloadByteCount: Int, now: Timestamp) -> ResponseAction {
        guard !self.isInError else { return self.countStale() }
        let position = self.unacknowledged.first(header.bth.psn)
        guard position < self.unsent else { return self.countStale() }
        defer { self.checkInvariants() }

        switch header.bth.opcode {
        case .rcAcknowledge:
            guard payloadByteCount == 0 else { return self.countInvalid() }
            self.receiveAcknowledge(header.aeth.syndrome, at: position, now: now)
            return .none
        case .rcReadResponseFirst, .rcReadResponseMiddle, .rcReadResponseLast, .rcReadResponseOnly:
            return self.receiveRead(header, payloadByteCount: payloadByteCount, at: position, now: now)
        case .rcAtomicAcknowledge:
            guard payloadByteCount == 0, header.aeth.syndrome.isACK else { return self.countInvalid() }
            return self.receiveAtomic(header.atomicAckETH.originalData, at: position, now: now)
        default:
            return self.countInvalid()
        }
    }

    private mutating func countStale() -> ResponseAction {
        self.counters.stale &+= 1
        return .none
    }

    private mutating func countInvalid() -> ResponseAction {
        self.counters.invalid &+= 1
        return .none
    }

    private mutating func receiveAcknowledge(_ syndrome: AETHSyndrome, at position: SequencePosition, now: Timestamp) {
        switch syndrome {
        case .ack:
            _ = self.acknowledge(before: position.advanced(by: 1), now: now)
        case .rnrNAK(let timer):
            guard self.acknowledge(before: position, now: now) else { return }
            self.retryAfterRNR(timer, now: now)
        case .nak(.psnSequenceError):
            guard self.acknowledge(before: position, now: now) else { return }
            self.retryAfterSequenceNAK(now: now)
        case .nak(let code):
            guard self.acknowledge(before: position, now: now) else { return }
            self.marks.formUnion(.fatalNAK)
            self.fail(code.completionStatus)
        case .unknown:
            self.counters.invalid &+= 1
        }
    }

    private mutating func receiveRead(
        _ header: PacketHeader,
        payloadByteCount: Int,
        at position: SequencePosition,
        now: Timestamp
    ) -> ResponseAction {
        let opcode = header.bth.opcode
        guard !opcode.hasAETH || header.aeth.syndrome.isACK else { return self.countInvalid() }
        guard self.acknowledge(before: position, now: now) else { return .none }
        let slotIndex = self.acked.slot
        let slot = self.slots[slotIndex]
        let packetIndex = position.count(since: slot.start)
        if slot.request.operation == .atomicWrite {
            guard opcode == .rcReadResponseOnly, payloadByteCount == 0 else { return self.countInvalid() }
            self.advanceAnswered(to: slot.end, now: now)
            return .none
        }
        guard slot.request.operation == .read else { return self.countInvalid() }
        let mtu = self.configuration.pathMTU
        let offset = packetIndex << mtu.shift
        let byteCount = min(mtu.byteCount, slot.request.byteCount - offset)
        // Parts that were asked for before they became smaller end where smaller ones end, but not everywhere there.
        let isPartEnd = packetIndex + 1 == self.partEnd(of: slot, packetIndex: packetIndex)
        let isEnd = opcode.isLast || opcode.isOnly
        guard payloadByteCount == Int(byteCount), !isEnd || isPartEnd, isEnd || packetIndex + 1 < slot.packetCount
        else {
            return self.countInvalid()
        }
        self.advanceAnswered(to: position.advanced(by: 1), now: now)
        return .place(slot: slotIndex, messageOffset: offset, byteCount: payloadByteCount)
    }

    private mutating func receiveAtomic(
        _ originalValue: UInt64,
        at position: SequencePosition,
        now: Timestamp
    ) -> ResponseAction {
        guard self.acknowledge(before: position, now: now) else { return .none }
        let slotIndex = self.acked.slot
        let slot = self.slots[slotIndex]
        guard slot.request.operation.isAtomic else { return self.countInvalid() }
        self.advanceAnswered(to: slot.end, now: now)
        return .placeAtomic(slot: slotIndex, originalValue: originalValue)
    }
}

// MARK: - Progress

extension RCRequester {
    /// All before `end` is executed, so SENDs and WRITEs there are done. Not READs and atomics, which need their answer:
    /// answers come in order, so one that is missing is lost, and asked for again.
    ///
    /// - Returns: whether everything before `end` is done now.
    private mutating func acknowledge(before end: SequencePosition, now: Timestamp) -> Bool {
        let start = self.unacknowledged
        while self.unacknowledged < end, self.acked.sequence < self.tail.sequence {
            let slot = self.slots[self.acked.slot]
            if slot.request.operation.isAnswered || slot.status != .success { break }
            self.unacknowledged = min(end, slot.end)
            guard self.unacknowledged == slot.end else { break }
            self.settleOne(slot)
        }
        let isReached = self.unacknowledged == end
        if self.unacknowledged > start { self.noteProgress(since: start, now: now) }
        self.settle()
        if self.isInError { return false }
        if !isReached { self.retryAfterLostAnswer(now: now) }
        return isReached
    }

    /// Moves over one request whose packets are acknowledged.
    private mutating func settleOne(_ slot: SendSlot) {
        assert(!slot.request.operation.isLocal || slot.isExecuted, "a packet was sent behind a pending local operation")
        self.acked.advance(capacity: self.slots.capacity)
    }

    /// The answer up to `end` arrived.
    private mutating func advanceAnswered(to end: SequencePosition, now: Timestamp) {
        let start = self.unacknowledged
        self.unacknowledged = end
        self.removeAnswers(upTo: end)
        self.noteProgress(since: start, now: now)
        self.settle()
    }

    /// The responder lives: retries start anew, and waiting for it ends.
    private mutating func noteProgress(since start: SequencePosition, now: Timestamp) {
        self.congestion.noteProgress(
            self.unacknowledged.count(since: start),
            upTo: self.unacknowledged,
            inFlightCount: self.next.count(since: start)
        )
        if case .waiting = self.phase { self.marks.formUnion(.rnrWaitCutShort) }
        if self.unacknowledged.psn.rawValue < start.psn.rawValue { self.marks.formUnion(.psnWrapped) }
        self.phase = .active
        self.timeoutsInRow = 0
        self.unansweredProbes = 0
        // Until the path is measured anew, what was too short a patience stays corrected.
        if self.roundTrip.noteAcknowledged(before: self.unacknowledged, now: now) { self.probesInRow = 0 }
        self.retriesLeft = self.configuration.retryCount
        self.rnrRetriesLeft = self.configuration.rnrRetryCount
        self.startTimer(now: now)
    }

    mutating func startTimer(now: Timestamp) {
        let isWaiting = self.unsent > self.unacknowledged && self.configuration.ackTimeoutNanoseconds > 0
        let interval = self.configuration.ackTimeoutNanoseconds << UInt64(min(self.timeoutsInRow, Self.backoffMax))
        self.deadline = isWaiting ? now.advanced(byNanoseconds: interval) : nil
        self.probeDeadline = nil
        if isWaiting { self.startProbeTimer(now: now) }
    }

    private mutating func startProbeTimer(now: Timestamp) {
        guard self.unansweredProbes < Self.unansweredProbesMax else { return }
        let shortest = self.configuration.probeNanosecondsMin
        let interval = self.roundTrip.patienceNanoseconds.map { max($0, shortest) } ?? 2 * shortest
        let time = now.advanced(byNanoseconds: interval << UInt64(min(self.probesInRow, Self.probeBackoffMax)))
        self.probeDeadline = self.deadline.map { time < $0 } ?? false ? time : nil
    }
}

// MARK: - Retry

extension RCRequester {
    /// Time has passed. Does nothing before `nextTimeout`.
    package mutating func handleTimeout(now: Timestamp) {
        switch self.phase {
        case .failed:
            break
        case .waiting(let until):
            guard until <= now else { return }
            self.phase = .active
            self.startTimer(now: now)
        case .active:
            guard let deadline = self.deadline, deadline <= now else { return self.probeIfDue(now: now) }
            self.counters.timeouts &+= 1
            if self.timeoutsInRow > 0 { self.marks.formUnion(.timeoutBackedOff) }
            self.timeoutsInRow += 1
            self.congestion.noteTimeout(sentEnd: self.unsent)
            self.shrinkParts()
            // After a silence, what was said before it counts no more.
            self.sequenceNAKPosition = nil
            self.impliedNAKPosition = nil
            self.retry(now: now)
        }
        self.checkInvariants()
    }

    /// Sends the oldest packet once more, and goes on from there if that is answered.
    private mutating func probeIfDue(now: Timestamp) {
        guard let time = self.probeDeadline, time <= now else { return }
        self.counters.probes &+= 1
        self.marks.formUnion(.probed)
        self.probesInRow += 1
        self.unansweredProbes += 1
        self.congestion.noteTimeout(sentEnd: self.unsent)
        self.shrinkParts()
        self.goBack()
        self.probeDeadline = nil
        self.startProbeTimer(now: now)
    }

    private mutating func retryAfterRNR(_ timer: RNRTimer, now: Timestamp) {
        // A second copy of the NAK must not cost a second retry.
        guard case .active = self.phase else { return self.marks.formUnion(.rnrNAKCopy) }
        self.counters.rnrNAKs &+= 1
        if self.configuration.rnrRetryCount < RequesterConfiguration.rnrRetryEndless {
            guard self.rnrRetriesLeft > 0 else {
                self.marks.formUnion(.rnrRetriesExhausted)
                return self.fail(.rnrRetryExceeded)
            }
            self.rnrRetriesLeft -= 1
        }
        self.goBack()
        self.deadline = nil
        self.probeDeadline = nil
        self.phase = .waiting(until: now.advanced(byNanoseconds: timer.nanoseconds))
    }

    private mutating func retryAfterSequenceNAK(now: Timestamp) {
        // The responder reports a gap once, so a second report is a copy. While it is not ready, gaps are of no interest.
        guard case .active = self.phase, self.sequenceNAKPosition != self.unacknowledged else {
            return self.marks.formUnion(.sequenceNAKCopy)
        }
        self.counters.sequenceNAKs &+= 1
        self.sequenceNAKPosition = self.unacknowledged
        self.noteLoss()
        self.retry(now: now)
    }

    private mutating func retryAfterLostAnswer(now: Timestamp) {
        guard case .active = self.phase, self.impliedNAKPosition != self.unacknowledged else {
            return self.marks.formUnion(.impliedNAKCopy)
        }
        self.counters.impliedNAKs &+= 1
        self.impliedNAKPosition = self.unacknowledged
        self.noteLoss()
        self.retry(now: now)
    }

    private mutating func noteLoss() {
        if self.congestion.noteLoss(sentEnd: self.unsent) { self.shrinkParts() }
    }

    /// The network marked a packet on its way to the responder, which the responder reported, or an answer.
    package mutating func receiveCongestionMark() {
        guard !self.isInError, self.unsent > self.unacknowledged else { return }
        self.counters.congestionMarks &+= 1
        if self.congestion.noteMark(sentEnd: self.unsent) { self.shrinkParts() }
        self.checkInvariants()
    }

    private mutating func retry(now: Timestamp) {
        guard self.retriesLeft > 0 else {
            self.marks.formUnion(.retriesExhausted)
            return self.fail(.retryExceeded)
        }
        self.retriesLeft -= 1
        self.goBack()
        self.startTimer(now: now)
    }

    /// Sends everything that is not acknowledged again.
    private mutating func goBack() {
        self.next = self.unacknowledged
        self.sending = self.acked
        self.roundTrip.abandonSample()
        self.answersHead = 0
        self.answersCount = 0
        self.unsolicitedCount = 0
    }

    /// Makes sure that the responder answers what was sent, when the packet that should have asked for it does not follow.
    mutating func solicitAcknowledge() {
        if self.unsolicitedCount > 0 { self.goBack() }
    }

    /// The memory of a request is bad: the driver could not gather from it, or scatter into it. Those before it finish;
    /// then it completes with `status`, and the rest is flushed.
    ///
    /// - Precondition: `slot` is posted, and its completion was not polled.
    package mutating func poison(slot: Int, status: CompletionStatus) {
        guard !self.isInError else { return }
        let cursor = self.head.moved(to: slot, capacity: self.slots.capacity)
        precondition(cursor.sequence < self.tail.sequence, "a slot without a request")
        self.slots[slot].status = status
        if cursor.sequence < self.acked.sequence {
            self.acked = cursor
            self.marks.formUnion(.doneRequestPoisoned)
            self.fail(status)
        } else {
            // The packet that was polled and not sent may be the one that asks for an acknowledge of those before it.
            self.goBack()
            self.settle()
        }
        self.checkInvariants()
    }
}

// MARK: - Syndromes

extension AETHSyndrome {
    fileprivate var isACK: Bool {
        if case .ack = self { return true }
        return false
    }
}

extension NAKCode {
    fileprivate var completionStatus: CompletionStatus {
        switch self {
        case .psnSequenceError, .invalidRequest: .remoteInvalidRequest
        case .remoteAccessError: .remoteAccessError
        case .remoteOperationalError: .remoteOperationError
        case .invalidRDRequest: .remoteInvalidReadRequest
        }
    }
}
