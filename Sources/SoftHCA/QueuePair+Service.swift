internal import Segment
internal import SystemIO
internal import Transport
internal import Wire

// What runs under the engine's lock: packets in, packets out, completions, timers.

extension QueuePair {
    /// One packet for this queue pair. The ICRC is right; nothing else is known.
    internal func receive(_ header: PacketHeader, payload: RawSpan, origin: PacketOrigin, now: Timestamp) {
        switch self.type {
        case .reliable: self.receiveReliable(header, payload: payload, origin: origin, now: now)
        case .unreliableConnected: self.receiveUnreliable(header, payload: payload, origin: origin, now: now)
        case .datagram: self.receiveDatagram(header, payload: payload, origin: origin)
        case .extendedSend, .extendedReceive:
            self.receiveExtended(header, payload: payload, origin: origin, now: now)
        }
    }

    /// Whether a packet of a connection comes from the peer, and over the path, that the connection has.
    internal func comesFromPeer(_ origin: PacketOrigin) -> Bool {
        let fits = origin.source == self.path.destination.address && origin.destination == self.path.source
        if !fits { self.engine.counters.wrongSender += 1 }
        return fits
    }

    private func receiveReliable(
        _ header: PacketHeader,
        payload: RawSpan,
        origin: PacketOrigin,
        now: Timestamp
    ) {
        let opcode = header.bth.opcode
        guard opcode.transport == .rc || opcode == .cnp, self.state.canReceive, self.comesFromPeer(origin) else {
            return
        }
        if opcode == .cnp {
            self.engine.counters.receivedCongestionNotifications += 1
            self.rcRequester?.receiveCongestionMark()
            return
        }
        if origin.ecn == .experienced { self.noteMark(on: opcode, now: now) }
        self.receiveConnected(header, payload: payload, now: now)
    }

    /// A packet of a reliable connection, from the peer.
    internal func receiveConnected(_ header: PacketHeader, payload: RawSpan, now: Timestamp) {
        if header.bth.opcode.isRequest {
            var host = ResponderMemory(self)
            let refusedCount = self.rcResponder?.counters.refused
            if case .failed(let failure) = self.rcResponder?.receive(header, payload: payload, host: &host, now: now) {
                self.pendingFailure = failure
            }
            if self.rcResponder?.counters.refused == refusedCount { self.reportCommunication() }
            return
        }
        switch self.rcRequester?.receive(header, payloadByteCount: payload.byteCount, now: now) {
        case nil, .some(.none): break
        case .place(let slot, let messageOffset, _):
            if let status = self.scatter(payload, slot: slot, messageOffset: messageOffset) {
                self.rcRequester?.poison(slot: slot, status: status)
            }
        case .placeAtomic(let slot, let originalValue):
            let bytes = InlineArray<1, UInt64>(repeating: originalValue)
            // SAFETY: every byte of the array is initialised.
            if let status = unsafe self.scatter(bytes.span.bytes, slot: slot, messageOffset: 0) {
                self.rcRequester?.poison(slot: slot, status: status)
            }
        }
    }

    /// A packet met congestion. The peer must know; and when it is an answer, whoever asked for it asks for less.
    private func noteMark(on opcode: Opcode, now: Timestamp) {
        self.engine.counters.markedPackets += 1
        self.congestionNotifier?.noteMark(now: now)
        if opcode.isResponse { self.rcRequester?.receiveCongestionMark() }
    }

    private func receiveUnreliable(
        _ header: PacketHeader,
        payload: RawSpan,
        origin: PacketOrigin,
        now: Timestamp
    ) {
        guard header.bth.opcode.transport == .uc, self.state.canReceive, self.comesFromPeer(origin) else { return }
        var host = ResponderMemory(self)
        let refusedCount = self.ucResponder?.counters.refused
        if case .failed(let failure) = self.ucResponder?.receive(header, payload: payload, host: &host, now: now) {
            self.pendingFailure = failure
        }
        if self.ucResponder?.counters.refused == refusedCount { self.reportCommunication() }
    }

    /// The first packet that was taken in RTR tells the owner that the peer is there, should its own message be lost.
    internal func reportCommunication() {
        guard self.state == .readyToReceive, !self.hasReportedCommunication else { return }
        self.hasReportedCommunication = true
        self.raise(.communicationEstablished)
    }
}

// MARK: - Serving

extension QueuePair {
    /// Transmits answers and requests as far as allowed, completes what is done, and notes the next timer.
    internal func serve(now: Timestamp) {
        self.isUnfinished = false
        if let direct = self.direct {
            self.serveDirect(direct)
            if self.type == .reliable { self.transmitResponses(now: now) }
            self.serveFailure()
            return
        }
        switch self.type {
        case .reliable, .extendedSend, .extendedReceive:
            self.transmitNotification()
            self.transmitResponses(now: now)
            self.transmitReliable(now: now)
            while let done = self.rcRequester?.pollCompletion() { self.complete(slot: done.slot, status: done.status) }
            self.deadline = self.rcRequester?.nextTimeout
        case .unreliableConnected:
            self.transmitUnreliable()
            while let done = self.ucRequester?.pollCompletion() { self.complete(slot: done.slot, status: done.status) }
        case .datagram:
            break
        }
        self.serveFailure()
        if self.hasLostCompletion || self.rcRequester?.isInError == true {
            self.enterError()
        } else if self.ucRequester?.isInError == true && self.state == .readyToSend {
            self.state = .sendError
            self.publish()
        }
        self.reportDrain()
        self.engine.noteDeadline(self.deadline)
    }

    /// Stops the queue pair when its responder gave up.
    private func serveFailure() {
        guard let failure = self.pendingFailure else { return }
        self.pendingFailure = nil
        self.fail(failure)
    }

    internal func handleTimeout(now: Timestamp) {
        self.deadline = nil
        self.rcRequester?.handleTimeout(now: now)
    }

    /// How many packets of each kind a queue pair sends in one round, so that a long answer or an unacknowledged message
    /// does not keep every other queue pair, and every thread, waiting.
    private static var shareMax: Int { 128 }

    /// Whether a further packet may be sent in this round. If not, there will be another round.
    private func mayTransmit(after sentCount: Int) -> Bool {
        guard !self.engine.isBlocked, sentCount < Self.shareMax else {
            self.isUnfinished = true
            return false
        }
        return true
    }

    /// Not while the socket is full: then there is congestion enough, and a further mark will come.
    private func transmitNotification() {
        guard !self.engine.isBlocked, let header = self.congestionNotifier?.pollTransmit() else { return }
        let byteCount = CongestionNotifier.payloadByteCount
        self.engine.counters.sentCongestionNotifications += 1
        unsafe self.engine.transmit(header, payloadByteCount: byteCount, path: self.path) { target in
            // SAFETY: the batch has room for the payload.
            unsafe target.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
            return true
        }
    }

    internal func transmitResponses(now: Timestamp) {
        var sentCount = 0
        while self.mayTransmit(after: sentCount), let packet = self.rcResponder?.pollTransmit(now: now) {
            sentCount += 1
            let isExtended = self.type.isExtended
            let header = isExtended ? packet.header.onExtendedConnection(for: 0) : packet.header
            switch packet.source {
            case .none:
                unsafe self.engine.transmit(header, payloadByteCount: 0, path: self.path) { _ in true }
            case .memory(let rKey, let address, let byteCount):
                let isSent = unsafe self.engine.transmit(header, payloadByteCount: byteCount, path: self.path) {
                    target in
                    // SAFETY: the batch has room for `byteCount` bytes.
                    unsafe isExtended
                        ? self.loadExtended(rKey: rKey, address: address, byteCount: byteCount, into: target)
                        : self.load(
                            rKey: rKey,
                            address: address,
                            byteCount: byteCount,
                            by: self.peerAccessor,
                            into: target
                        )
                }
                if !isSent, case .failed(let failure) = self.rcResponder?.failRead() { self.pendingFailure = failure }
            }
        }
    }

    private func transmitReliable(now: Timestamp) {
        var sentCount = 0
        repeat {
            while self.mayTransmit(after: sentCount), let packet = self.rcRequester?.pollTransmit(now: now) {
                sentCount += 1
                guard self.transmit(packet) else {
                    self.rcRequester?.poison(slot: packet.slot, status: .localProtectionError)
                    continue
                }
            }
        } while self.runLocalOperationReliable()
    }

    private func transmitUnreliable() {
        var sentCount = 0
        repeat {
            while self.mayTransmit(after: sentCount), let packet = self.ucRequester?.pollTransmit() {
                sentCount += 1
                guard self.transmit(packet) else {
                    self.ucRequester?.poison(slot: packet.slot, status: .localProtectionError)
                    continue
                }
            }
        } while self.runLocalOperationUnreliable()
    }

    /// - Returns: false when the memory of the request is not accessible any more.
    private func transmit(_ packet: RequestPacket) -> Bool {
        let header =
            self.type == .extendedSend
            ? packet.header.onExtendedConnection(for: self.sendQueue[packet.slot].remoteQP) : packet.header
        return unsafe self.engine.transmit(header, payloadByteCount: packet.payloadByteCount, path: self.path) {
            target in
            // SAFETY: the batch has room for the payload.
            unsafe self.gather(
                slot: packet.slot,
                messageOffset: packet.messageOffset,
                byteCount: packet.payloadByteCount,
                into: target
            )
        }
    }
}

// MARK: - Completing

extension QueuePair {
    /// Ends the oldest send request.
    internal func complete(slot index: Int, status: CompletionStatus) {
        let slot = self.sendQueue[index]
        guard slot.isSignaled || status != .success else {
            self.sendQueue.retire(index, completionEnd: 0)
            return
        }
        var completion = WorkCompletion()
        completion.workRequestID = slot.workRequestID
        // The raw values have gaps, so to ask for one is a jump through a table.
        if status != .success { completion.status = UInt32(status.rawValue) }
        completion.opcode = slot.completionOpcode
        completion.byteCount = slot.byteCount
        completion.qpNumber = self.number
        self.report(completion, to: self.sendCompletions, isSolicited: false)
        self.sendQueue.retire(index, completionEnd: self.sendCompletions.ring.producedCount)
    }

    /// Writes a completion; one that finds the queue full stops the queue pair. Errors always count as solicited.
    @inline(always)
    internal func report(_ completion: WorkCompletion, to queue: CompletionQueue, isSolicited: Bool) {
        if !queue.push(completion, isSolicited: isSolicited) { self.hasLostCompletion = true }
    }

    /// Ends a receive request that no message came for.
    internal func flushReceive(_ workRequestID: UInt64) {
        var completion = WorkCompletion()
        completion.workRequestID = workRequestID
        completion.status = UInt32(CompletionStatus.flushed.rawValue)
        completion.opcode = WorkCompletion.Opcode.receive
        completion.qpNumber = self.number
        self.reportReceive(completion, isSolicited: true)
    }

    /// Writes the completion of a receive request where the queue that it was taken from reports.
    internal func reportReceive(_ completion: WorkCompletion, isSolicited: Bool) {
        guard let peerTarget else {
            let queue = self.target?.extended?.completions ?? self.receiveCompletions
            self.report(completion, to: queue, isSolicited: isSolicited)
            return
        }
        if !peerTarget.report(completion, isSolicited: isSolicited) { self.hasLostCompletion = true }
    }

    /// Flushes what was posted to the own receive queue; requests of a shared one stay for others.
    internal func flushReceives() {
        if self.receive.isActive {
            self.receive.isActive = false
            self.flushReceive(self.receive.descriptor.workRequestID)
        }
        guard let ring = self.receiveRing else { return }
        while ring.take(into: &self.receive.descriptor) {
            self.flushReceive(self.receive.descriptor.workRequestID)
        }
    }
}

// MARK: - Failing

extension QueuePair {
    /// The responder gave up: the NAK is on its way, the owner is told.
    private func fail(_ failure: ResponderFailure) {
        self.enterError()
        switch failure {
        case .accessError: self.raise(.queuePairAccessError)
        case .requestError: self.raise(.queuePairRequestError)
        case .receiveError: break
        }
    }

    /// A peer that is stopped in the middle of a copy must not stop this process. What it copied when it goes on is
    /// registered memory still: taking that away waits for it.
    internal static var errorPatienceNanoseconds: UInt64 { 10_000_000 }

    /// Everything outstanding completes as flushed, send queue first.
    internal func enterError() {
        guard self.state != .error else { return }
        self.state = .error
        self.publish()
        self.rcRequester?.enterError()
        self.ucRequester?.enterError()
        self.startCommitted()
        var host = ResponderMemory(self)
        self.rcResponder?.enterError(host: &host)
        self.ucResponder?.enterError(host: &host)
        while let done = self.rcRequester?.pollCompletion() { self.complete(slot: done.slot, status: done.status) }
        while let done = self.ucRequester?.pollCompletion() { self.complete(slot: done.slot, status: done.status) }
        self.flushDirect()
        self.deadline = nil
        // Peers that are at work on the queue pair have seen its state before the receive requests are flushed.
        self.engine.segment.waitForInitiators(patienceNanoseconds: Self.errorPatienceNanoseconds)
        self.flushPeerReceive()
        self.flushReceives()
        if self.sharedReceiveQueue != nil { self.raise(.lastRequestReached) }
    }

    internal func reportDrain() {
        guard self.state == .sendDrained, !self.isDrainReported, self.direct?.hasBegun != true else { return }
        guard self.rcRequester?.isDrained ?? self.ucRequester?.isDrained ?? true else { return }
        self.isDrainReported = true
        if self.attributes.enablesDrainedEvent { self.raise(.sendQueueDrained) }
    }

    internal func raise(_ kind: AsyncEvent.Kind) {
        self.domain.context.asyncEvents.push(AsyncEvent(kind, .queuePair(self)))
    }
}

extension ResponderCounters {
    /// Packets that changed nothing else.
    fileprivate var refused: UInt64 { self.duplicates &+ self.outOfSequence &+ self.invalid }
}
