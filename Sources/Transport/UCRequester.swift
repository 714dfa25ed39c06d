package import Wire

/// The requester half of an unreliable connection (IBTA Volume 1, section 9.8.2): SEND and WRITE without acknowledge.
///
/// A request is done when its last packet was polled. Inputs and outputs are those of `RCRequester`, without time.
package struct UCRequester: ~Copyable {
    private var pathMTU: PathMTU
    /// What all packets have in common. Copying it is cheaper than building each header.
    private let headerTemplate: PacketHeader
    private var slots: FixedRing<SendSlot>
    /// The oldest request whose completion was not polled.
    private var head = SlotCursor()
    /// The request that the next packet belongs to. All before it are done.
    private var sending = SlotCursor()
    /// Where the next request is posted.
    private var tail = SlotCursor()
    /// No request from this sequence on is begun: the queue is suspended.
    private var suspendedSequence: UInt64?
    /// The request that failed, or one that never comes when none carries the blame.
    private var failedSequence: UInt64?
    private var next: SequencePosition
    private var nextNew: SequencePosition

    /// - Parameters:
    ///   - capacity: how many requests may be posted and not polled, at least 1.
    ///   - firstPSN: the `sq_psn` of the queue pair.
    package init(capacity: Int, firstPSN: PSN, destQP: QPN, pathMTU: PathMTU) {
        let start = SequencePosition(startingAt: firstPSN)
        let empty = SendSlot(
            request: SendRequest(operation: .send, byteCount: 0),
            start: start,
            end: start,
            status: .success
        )
        self.pathMTU = pathMTU
        self.headerTemplate = PacketHeader(bth: BTH(opcode: .ucSendOnly, destQP: destQP, psn: firstPSN))
        self.slots = FixedRing(capacity: capacity, filledWith: empty)
        self.next = start
        self.nextNew = start
    }
}

// MARK: - Life

extension UCRequester {
    /// Forgets everything and begins anew: a queue pair that went through RESET. The capacity stays.
    package mutating func reset(firstPSN: PSN, destQP: QPN, pathMTU: PathMTU) {
        self = UCRequester(capacity: self.slots.capacity, firstPSN: firstPSN, destQP: destQP, pathMTU: pathMTU)
    }

    /// The queue pair goes to the error state: what is not sent completes as flushed.
    package mutating func enterError() {
        if self.failedSequence == nil { self.failedSequence = .max }
    }

    /// The queue pair leaves the send-queue error state (SQE) for RTS: requests posted from now on are sent. The packet
    /// sequence goes on where it stopped, as the peer expects.
    ///
    /// - Precondition: all completions were polled.
    package mutating func recover() {
        precondition(self.outstandingCount == 0, "flush the queue first")
        self.failedSequence = nil
        self.sending = self.tail
        self.nextNew = self.next
    }

    /// Begins no further request (SQD). What has begun is finished.
    package mutating func suspend() {
        guard self.suspendedSequence == nil else { return }
        let isMidMessage = self.sending.sequence < self.tail.sequence && self.next > self.slots[self.sending.slot].start
        self.suspendedSequence = self.sending.sequence + (isMidMessage ? 1 : 0)
    }

    package mutating func resume() {
        self.suspendedSequence = nil
        self.failIfRefused()
    }

    /// Whether the queue is suspended, or empty, and nothing that has begun is unfinished.
    package var isDrained: Bool { self.sending.sequence >= (self.suspendedSequence ?? self.tail.sequence) }

    package var isInError: Bool { self.failedSequence != nil }

    package var capacity: Int { self.slots.capacity }

    /// Requests whose completion was not polled.
    package var outstandingCount: Int { Int(self.tail.sequence - self.head.sequence) }

    package var freeSlotCount: Int { self.slots.capacity - self.outstandingCount }
}

// MARK: - Requests

extension UCRequester {
    /// Appends a request. In the error state it is taken too, and flushed.
    ///
    /// - Precondition: the operation is one that the service has: `send`, `write` or a local one, or `localStatus` is an
    ///   error.
    package mutating func post(_ request: SendRequest) -> RCRequester.PostAction {
        guard self.freeSlotCount > 0 else { return .full }
        precondition(request.byteCount <= SendRequest.byteCountMax, "message too long")
        var packetCount: UInt32 = 0
        if request.localStatus == .success, !request.operation.isLocal {
            precondition(request.operation == .send || request.operation == .write, "not an operation of this service")
            packetCount = self.pathMTU.packetCount(ofMessage: request.byteCount)
        }
        let slot = self.tail.slot
        let end = self.nextNew.advanced(by: packetCount)
        self.slots[slot] = SendSlot(request: request, start: self.nextNew, end: end, status: request.localStatus)
        self.nextNew = end
        self.tail.advance(capacity: self.slots.capacity)
        self.failIfRefused()
        return .queued(slot: slot)
    }

    /// The request whose turn it is, when it can be begun or continued.
    private var current: SendSlot? {
        guard self.failedSequence == nil, self.sending.sequence < self.tail.sequence else { return nil }
        if let suspendedSequence = self.suspendedSequence, self.sending.sequence >= suspendedSequence { return nil }
        return self.slots[self.sending.slot]
    }

    /// Fails at a request that was refused when it was posted, once its turn has come.
    private mutating func failIfRefused() {
        guard let slot = self.current, slot.status != .success else { return }
        self.failedSequence = self.sending.sequence
    }

    private mutating func finishRequest() {
        self.sending.advance(capacity: self.slots.capacity)
        self.failIfRefused()
    }

    /// The next packet to send. A packet that was polled counts as sent.
    package mutating func pollTransmit() -> RequestPacket? {
        guard let slot = self.current, !slot.request.operation.isLocal else { return nil }
        let request = slot.request
        let slotIndex = self.sending.slot
        let packetIndex = self.next.count(since: slot.start)
        let offset = packetIndex << self.pathMTU.shift
        let payloadByteCount = min(self.pathMTU.byteCount, request.byteCount - offset)
        let position = self.next
        self.next = position.advanced(by: 1)
        let isFirst = packetIndex == 0
        let isLast = self.next == slot.end
        if isLast { self.finishRequest() }

        var header = self.headerTemplate
        header.bth.opcode = request.opcode(isFirst: isFirst, isLast: isLast).onUnreliableConnection
        header.bth.isSolicited = isLast && request.isSolicited
        header.bth.padCount = UInt8(truncatingIfNeeded: (0 &- payloadByteCount) & 3)
        header.bth.psn = position.psn
        if isFirst, request.operation == .write {
            header.reth = RETH(
                virtualAddress: request.remoteAddress,
                rKey: request.rKey,
                dmaByteCount: request.byteCount
            )
        }
        header.immediate = request.immediate
        return RequestPacket(
            header: header,
            slot: slotIndex,
            messageOffset: offset,
            payloadByteCount: Int(payloadByteCount)
        )
    }

    /// The local operation whose turn it is: all before it is sent. Nothing behind it is sent before `completeLocal`.
    package var pendingLocalOperation: Int? {
        guard let slot = self.current, slot.request.operation.isLocal else { return nil }
        return self.sending.slot
    }

    /// The driver ran the pending local operation.
    package mutating func completeLocal(slot: Int, status: CompletionStatus) {
        precondition(self.pendingLocalOperation == slot, "not the local operation whose turn it is")
        if status == .success { return self.finishRequest() }
        self.slots[slot].status = status
        self.failIfRefused()
    }

    /// The memory of a request is bad: it completes with `status`, and what is behind it is flushed.
    ///
    /// - Precondition: `slot` is posted, and its completion was not polled.
    package mutating func poison(slot: Int, status: CompletionStatus) {
        let cursor = self.head.moved(to: slot, capacity: self.slots.capacity)
        precondition(cursor.sequence < self.tail.sequence, "a slot without a request")
        guard self.failedSequence == nil else { return }
        self.slots[slot].status = status
        // The last packet of the request may have been polled already.
        if cursor.sequence < self.sending.sequence { self.sending = cursor }
        self.failedSequence = cursor.sequence
    }

    /// The next completion, in the order of posting, and frees its slot.
    package mutating func pollCompletion() -> RequestCompletion? {
        guard self.head.sequence < self.tail.sequence else { return nil }
        let slot = self.slots[self.head.slot]
        let status: CompletionStatus
        if self.head.sequence < self.sending.sequence {
            status = .success
        } else {
            guard let failedSequence = self.failedSequence else { return nil }
            status = self.head.sequence == failedSequence ? slot.status : .flushed
        }
        let completion = RequestCompletion(
            slot: self.head.slot,
            status: status,
            operation: slot.request.operation,
            byteCount: slot.request.byteCount
        )
        self.head.advance(capacity: self.slots.capacity)
        return completion
    }
}

extension Opcode {
    /// The same operation on an unreliable connection.
    fileprivate var onUnreliableConnection: Opcode { Opcode(rawValue: self.operation | 0x20) }
}
