import Wire

// MARK: - Packets

extension RCRequester {
    /// The next packet to send, or `nil` when there is nothing to send or the window is closed.
    ///
    /// Packets of a message follow each other, all but the last of the same size, so that a driver can send them in one
    /// call. A packet that was polled counts as sent.
    package mutating func pollTransmit(now: Timestamp) -> RequestPacket? {
        guard case .active = self.phase else { return nil }
        while self.sending.sequence < self.tail.sequence, self.slots[self.sending.slot].isExecuted {
            self.sending.advance(capacity: self.slots.capacity)
        }
        guard self.canSend() else { return nil }
        if self.unsent == self.unacknowledged { self.growParts() }
        if self.next.count(since: self.unacknowledged) > self.congestion.packets {
            self.marks.formUnion(.windowShrunkBelowFlight)
        }
        let slotIndex = self.sending.slot
        let slot = self.slots[slotIndex]
        let packet =
            slot.request.operation.isAnswered
            ? self.answeredRequest(slot, slotIndex: slotIndex)
            : self.dataPacket(slot, slotIndex: slotIndex)
        if self.unsent < self.next {
            self.unsent = self.next
            if packet.header.bth.isAckRequested {
                self.roundTrip.noteSent(self.next.predecessor, now: now)
            }
        } else {
            self.counters.retransmittedPackets &+= 1
        }
        if self.deadline == nil { self.startTimer(now: now) }
        self.checkInvariants()
        return packet
    }

    /// The local operation whose turn it is: all before it is sent. Nothing behind it is sent before `completeLocal`.
    package var pendingLocalOperation: Int? {
        guard case .active = self.phase, self.sending.sequence < self.tail.sequence else { return nil }
        let slot = self.slots[self.sending.slot]
        guard slot.request.operation.isLocal, !slot.isExecuted, self.canBegin(slot, at: self.sending) else {
            return nil
        }
        return self.sending.slot
    }

    /// The driver ran the pending local operation.
    package mutating func completeLocal(slot: Int, status: CompletionStatus) {
        precondition(self.pendingLocalOperation == slot, "not the local operation whose turn it is")
        if status == .success {
            self.slots[slot].isExecuted = true
            self.sending.advance(capacity: self.slots.capacity)
        } else {
            self.slots[slot].status = status
            self.marks.formUnion(.localOperationFailed)
            self.solicitAcknowledge()
        }
        self.settle()
        self.checkInvariants()
    }

    /// Whether a packet can be sent at the sender's place.
    ///
    /// - Parameter afterUnsolicited: when nothing that is under way will be answered, one packet more may go: a window that
    ///   has become smaller must not wait for acknowledges that nobody was asked for.
    private func canSend(afterUnsolicited isOneMoreAllowed: Bool = true) -> Bool {
        guard self.sending.sequence < self.tail.sequence else { return false }
        let inFlightCount = self.next.count(since: self.unacknowledged)
        let isAlwaysAllowed = inFlightCount <= (isOneMoreAllowed ? self.unsolicitedCount : 0)
        guard isAlwaysAllowed || inFlightCount < self.congestion.packets else { return false }
        let slot = self.slots[self.sending.slot]
        guard !slot.request.operation.isLocal else { return false }
        if self.next == slot.start {
            guard self.canBegin(slot, at: self.sending) else { return false }
        } else {
            guard slot.status == .success else { return false }
        }
        guard slot.request.operation.isAnswered else { return true }
        guard self.answersCount < self.configuration.readsMax else { return false }
        // The answers have to fit the window, too.
        let packetIndex = self.next.count(since: slot.start)
        let partCount = self.partEnd(of: slot, packetIndex: packetIndex) - packetIndex
        return isAlwaysAllowed || inFlightCount + partCount <= self.congestion.packets
    }

    /// Whether nothing but the window and the number of READs holds the request back.
    private func canBegin(_ slot: SendSlot, at cursor: SlotCursor) -> Bool {
        if let suspendedSequence = self.suspendedSequence, cursor.sequence >= suspendedSequence { return false }
        return slot.status == .success && !(slot.request.isFenced && self.answersCount > 0)
    }

    /// A READ or atomic request; of a long READ, the next part.
    private mutating func answeredRequest(_ slot: SendSlot, slotIndex: Int) -> RequestPacket {
        let request = slot.request
        var header = self.headerTemplate
        header.bth.opcode = request.operation.onlyOpcode
        header.bth.psn = self.next.psn
        // The responder answers anyway; this is how adapters send it.
        header.bth.isAckRequested = true
        let packetIndex = self.next.count(since: slot.start)
        let partEnd = self.partEnd(of: slot, packetIndex: packetIndex)
        let offset = packetIndex << self.configuration.pathMTU.shift
        var payloadByteCount = 0
        switch request.operation {
        case .compareAndSwap, .fetchAndAdd:
            let isSwap = request.operation == .compareAndSwap
            header.atomicETH = AtomicETH(
                virtualAddress: request.remoteAddress,
                rKey: request.rKey,
                swapOrAdd: isSwap ? request.swap : request.compareOrAdd,
                compare: isSwap ? request.compareOrAdd : 0
            )
        case .atomicWrite:
            header.reth = RETH(virtualAddress: request.remoteAddress, rKey: request.rKey, dmaByteCount: 8)
            payloadByteCount = 8
        default:
            let partByteCount = UInt64(partEnd - packetIndex) << UInt64(self.configuration.pathMTU.shift)
            header.reth = RETH(
                virtualAddress: request.remoteAddress &+ UInt64(offset),
                rKey: request.rKey,
                dmaByteCount: UInt32(min(partByteCount, UInt64(request.byteCount - offset)))
            )
        }
        if packetIndex & (self.partPackets - 1) != 0 { self.marks.formUnion(.partResumed) }
        self.next = slot.start.advanced(by: partEnd)
        self.appendAnswer(end: self.next)
        self.unsolicitedCount = 0
        if self.next == slot.end { self.sending.advance(capacity: self.slots.capacity) }
        return RequestPacket(
            header: header,
            slot: slotIndex,
            messageOffset: offset,
            payloadByteCount: payloadByteCount
        )
    }

    /// The packet index behind the part of a READ that holds `packetIndex`. Parts begin at multiples of their size, so
    /// that a retry in mid-part asks for the rest of it and never for more than the first attempt did.
    func partEnd(of slot: SendSlot, packetIndex: UInt32) -> UInt32 {
        min(slot.packetCount, (packetIndex / self.partPackets + 1) * self.partPackets)
    }

    /// The network may bear larger parts by now.
    private mutating func growParts() {
        guard self.partPackets < self.partPacketsMax else { return }
        self.partPackets *= 2
        self.marks.formUnion(.partGrown)
    }

    mutating func shrinkParts() {
        guard self.partPackets > Self.partPacketsMin else { return }
        self.partPackets /= 2
        self.marks.formUnion(.partShrunk)
    }

    private mutating func dataPacket(_ slot: SendSlot, slotIndex: Int) -> RequestPacket {
        let request = slot.request
        let mtu = self.configuration.pathMTU
        let packetIndex = self.next.count(since: slot.start)
        let offset = packetIndex << mtu.shift
        let payloadByteCount = min(mtu.byteCount, request.byteCount - offset)
        let isFirst = packetIndex == 0
        let position = self.next
        self.next = position.advanced(by: 1)
        let isLast = self.next == slot.end
        if isLast { self.sending.advance(capacity: self.slots.capacity) }

        var header = self.headerTemplate
        header.bth.opcode = request.opcode(isFirst: isFirst, isLast: isLast)
        header.bth.isSolicited = isLast && request.isSolicited
        header.bth.padCount = UInt8(truncatingIfNeeded: (0 &- payloadByteCount) & 3)
        header.bth.isAckRequested = self.countForAcknowledge()
        header.bth.psn = position.psn
        if isFirst, request.operation == .write {
            header.reth = RETH(
                virtualAddress: request.remoteAddress,
                rKey: request.rKey,
                dmaByteCount: request.byteCount
            )
        }
        header.immediate = request.immediate
        header.invalidateRKey = request.invalidateRKey
        return RequestPacket(
            header: header,
            slot: slotIndex,
            messageOffset: offset,
            payloadByteCount: Int(payloadByteCount)
        )
    }

    /// Whether the packet just sent shall ask for an acknowledge: when none can follow it now, and every so often.
    private mutating func countForAcknowledge() -> Bool {
        self.unsolicitedCount += 1
        guard self.unsolicitedCount < self.configuration.ackRequestInterval,
            self.canSend(afterUnsolicited: false)
        else {
            self.unsolicitedCount = 0
            return true
        }
        return false
    }
}

// MARK: - Requests for answers

extension RCRequester {
    private mutating func appendAnswer(end: SequencePosition) {
        let index = (self.answersHead + self.answersCount) % RequesterConfiguration.readsLimit
        self.answerEnds[index] = end
        self.answersCount += 1
    }

    /// Forgets requests that are answered completely.
    mutating func removeAnswers(upTo end: SequencePosition) {
        while self.answersCount > 0, self.answerEnds[self.answersHead] <= end {
            self.answersHead = (self.answersHead + 1) % RequesterConfiguration.readsLimit
            self.answersCount -= 1
        }
    }
}

// MARK: - Opcodes

extension SendRequest.Operation {
    /// The opcode of a request that is one packet.
    fileprivate var onlyOpcode: Opcode {
        switch self {
        case .read: .rcReadRequest
        case .compareAndSwap: .rcCompareSwap
        case .fetchAndAdd: .rcFetchAdd
        case .atomicWrite: .rcAtomicWrite
        case .send, .sendWithInvalidate, .write, .localInvalidate, .bindMemoryWindow:
            preconditionFailure("an operation without an answer")
        }
    }
}

extension SendRequest {
    /// The opcode of a data packet on a reliable connection.
    func opcode(isFirst: Bool, isLast: Bool) -> Opcode {
        switch (self.operation == .write, isFirst, isLast) {
        case (false, true, false): .rcSendFirst
        case (false, false, false): .rcSendMiddle
        case (false, false, true):
            if self.operation == .sendWithInvalidate {
                .rcSendLastWithInvalidate
            } else {
                self.hasImmediate ? .rcSendLastWithImmediate : .rcSendLast
            }
        case (false, true, true):
            if self.operation == .sendWithInvalidate {
                .rcSendOnlyWithInvalidate
            } else {
                self.hasImmediate ? .rcSendOnlyWithImmediate : .rcSendOnly
            }
        case (true, true, false): .rcWriteFirst
        case (true, false, false): .rcWriteMiddle
        case (true, false, true): self.hasImmediate ? .rcWriteLastWithImmediate : .rcWriteLast
        case (true, true, true): self.hasImmediate ? .rcWriteOnlyWithImmediate : .rcWriteOnly
        }
    }
}
