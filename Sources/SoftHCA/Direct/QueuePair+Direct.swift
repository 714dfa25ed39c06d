internal import Segment
internal import SystemIO
internal import Transport
internal import Wire

// A queue pair whose peer is reached directly: its send queue, under the engine's lock.

extension QueuePair {
    /// Executes requests in order, as far as the peer, and the share of this queue pair, allow.
    internal func serveDirect(_ direct: DirectConnection) {
        self.isUnfinished = false
        if self.state == .error || self.state == .sendError { self.flushDirect() }
        let share = direct.shareByteCount + DirectConnection.requestByteCount
        let start = direct.offset > 0 ? MonotonicClock.now : 0
        var budget = share
        var startedCount = 0
        var requestCount = 0
        var mayRun = true
        while self.sendQueue.hasCommitted, self.mayExecute(direct) {
            guard budget > 0 else {
                self.isUnfinished = true
                break
            }
            if mayRun, let runCount = direct.executeRun(of: self, budget: &budget) {
                // Where one attempt was for nothing, as on memory that needs no system call, the next would be, too.
                mayRun = runCount > 0
                if mayRun {
                    startedCount += runCount
                    requestCount += runCount
                    self.completeRun(runCount, direct)
                    if self.hasLostCompletion { break }
                    continue
                }
            }
            budget -= DirectConnection.requestByteCount
            startedCount += 1
            let slot = self.sendQueue.headSlot
            let request = self.sendQueue.request(at: slot)
            var outcome = DirectConnection.Outcome.failed(request.localStatus)
            if request.operation.isLocal {
                let status = self.runLocalOperation(slot)
                outcome = status == .success ? .done : .failed(status)
            } else if request.localStatus == .success {
                outcome = direct.execute(request, slot: slot, of: self, budget: &budget)
            }
            switch outcome {
            case .done:
                direct.offset = 0
                direct.noteProgress(self.attributes)
                self.complete(slot: slot, status: .success)
                requestCount += 1
            case .unfinished:
                direct.wait = .none
                self.isUnfinished = true
            case .wait(let wait):
                let now = MonotonicClock.now
                guard let status = direct.begin(wait, self.attributes, now: now) else { break }
                self.failDirect(direct, slot: slot, status: status)
            case .failed(let status):
                self.failDirect(direct, slot: slot, status: status)
            }
            if self.isUnfinished || self.hasLostCompletion { break }
        }
        let byteCount = share - budget - startedCount * DirectConnection.requestByteCount
        if start > 0, byteCount >= direct.shareByteCount { direct.adaptShare(nanoseconds: MonotonicClock.now - start) }
        self.finishDirect(direct, requestCount: requestCount, byteCount: byteCount)
    }

    private func completeRun(_ count: Int, _ direct: DirectConnection) {
        direct.noteProgress(self.attributes)
        for _ in 0..<count where !self.hasLostCompletion {
            self.complete(slot: self.sendQueue.headSlot, status: .success)
        }
    }

    /// Ends a batch: executes it as far as it goes, and gives the engine's lock back. No clock is asked unless something waits.
    @inline(always)
    internal func commitDirect(_ direct: DirectConnection) {
        self.sendQueue.commitAll()
        self.serveDirect(direct)
        let engine = self.engine
        if self.isUnfinished { engine.touch(self) }
        if engine.touchedCount > 0 || self.deadline != nil || engine.segment.header.attention.relaxed != 0 {
            let now = Timestamp(nanoseconds: MonotonicClock.now)
            engine.serveAttention(now: now)
            engine.finishRound(now: now)
        } else {
            // A completion may have begun the period of a moderated queue.
            engine.wakeThreadIfNeeded()
        }
        engine.lock.unlock()
    }

    @inline(always)
    private func mayExecute(_ direct: DirectConnection) -> Bool {
        switch self.state {
        case .readyToSend: break
        case .sendDrained: if !direct.hasBegun { return false }
        case .reset, .initialized, .readyToReceive, .sendError, .error: return false
        }
        return direct.wait == .none || !direct.mustWait(now: MonotonicClock.now)
    }

    @inline(always)
    private func finishDirect(_ direct: DirectConnection, requestCount: Int, byteCount: Int) {
        let header = self.engine.segment.header
        header.counter(.directRequests).storeRelaxed(header.counter(.directRequests).relaxed &+ UInt64(requestCount))
        header.counter(.directBytes).storeRelaxed(header.counter(.directBytes).relaxed &+ UInt64(byteCount))
        if self.hasLostCompletion { self.enterError() }
        let isWaiting = direct.wait != .none && self.sendQueue.hasCommitted
        self.deadline = isWaiting ? Timestamp(nanoseconds: direct.waitsUntil) : nil
        if self.state == .sendDrained { self.reportDrain() }
        self.engine.noteDeadline(self.deadline)
    }

    /// A request failed: it completes with `status`, and the queue pair stops as the service has it.
    private func failDirect(_ direct: DirectConnection, slot: Int, status: CompletionStatus) {
        direct.offset = 0
        direct.wait = .none
        self.complete(slot: slot, status: status)
        if self.type == .reliable {
            self.enterError()
        } else {
            self.state = .sendError
            self.publish()
            self.flushDirect()
        }
    }

    /// Completes what was handed over and not executed as flushed.
    internal func flushDirect() {
        guard self.direct != nil else { return }
        self.startCommitted()
        while self.sendQueue.hasCommitted { self.complete(slot: self.sendQueue.headSlot, status: .flushed) }
    }

    // MARK: - Memory of this side

    /// Whether every element of a request may be used as its operation uses it.
    internal func hasAccessibleMemory(_ request: borrowing SendRequest, slot: Int) -> Bool {
        let access: AccessFlags = request.operation.writesLocally ? .localWrite : .localRead
        guard !self.sendQueue.isInline(slot) else { return true }
        let elements = unsafe self.sendQueue.elements(of: slot)
        for index in 0..<Int(self.sendQueue[slot].elementCount) {
            let element = unsafe elements[index]
            if element.byteCount > 0, !self.isAccessible(element, access: access) { return false }
        }
        return true
    }

    /// Lists where a part of a send request's message is, in the engine's scratch list.
    ///
    /// - Parameter first: Where in the list.
    /// - Returns: How many ranges, or `nil` when an element is not accessible.
    @inline(always)
    internal func gatherRanges(
        slot: Int,
        messageOffset: UInt32,
        byteCount: Int,
        access: AccessFlags,
        at first: Int = 0
    ) -> Int? {
        let scratch = unsafe self.engine.scratch.local + first
        if self.sendQueue[slot].isInline {
            let base = unsafe UInt(bitPattern: self.sendQueue.body(of: slot)) + UInt(messageOffset)
            unsafe scratch[0] = MemoryRange(address: base, byteCount: byteCount)
            return 1
        }
        let elements = unsafe UnsafeBufferPointer(
            start: self.sendQueue.elements(of: slot),
            count: Int(self.sendQueue[slot].elementCount)
        )
        var walk = unsafe ElementWalk(elements, offset: UInt64(messageOffset), byteCount: byteCount)
        var count = 0
        while let piece = walk.next() {
            let location = self.memory.resolve(
                key: piece.lKey,
                address: piece.address,
                byteCount: UInt64(piece.byteCount),
                access: access,
                by: self.localAccessor,
                memo: &self.localKey
            )
            guard let location else { return nil }
            let address = self.engine.address(of: location, isSink: access.contains(.localWrite))
            unsafe scratch[count] = MemoryRange(address: address, byteCount: Int(piece.byteCount))
            count += 1
        }
        return count
    }

    /// As `gatherRanges`, and the list itself: valid until the next.
    @inline(always)
    internal func localRanges(
        _ slot: Int,
        _ messageOffset: UInt32,
        _ byteCount: Int,
        access: AccessFlags
    ) -> UnsafeBufferPointer<MemoryRange>? {
        let count = self.gatherRanges(slot: slot, messageOffset: messageOffset, byteCount: byteCount, access: access)
        guard let count else { return nil }
        return unsafe UnsafeBufferPointer(start: self.engine.scratch.local, count: count)
    }

    /// Copies a whole message to `target`. For callers that keep regions from going away themselves.
    @unsafe
    internal func gatherRegistered(slot: Int, byteCount: Int, into target: UnsafeMutableRawPointer) -> Bool {
        guard let count = self.gatherRanges(slot: slot, messageOffset: 0, byteCount: byteCount, access: .localRead)
        else {
            return false
        }
        var done = 0
        for index in 0..<count {
            let range = unsafe self.engine.scratch.local[index]
            // SAFETY: registered, or the slot's own; `target` has room for the message.
            if let source = unsafe UnsafeRawPointer(bitPattern: range.address),
                unsafe !FaultGuard.copy(range.byteCount, from: source, to: target + done)
            {
                return false
            }
            done += range.byteCount
        }
        return done == byteCount
    }
}

// MARK: - As the peer of others

extension QueuePair {
    /// A process of this host has left something here: a failure, an event to raise, or word that it is ready.
    internal func attend(now: Timestamp) {
        self.receiveCompletions.catchUpWithPeers()
        self.sharedReceiveQueue?.catchUpWithPeers()
        if self.entry.hasCommunicated.relaxed != 0 { self.reportCommunication() }
        if let failure = QueuePairEntry.Failure(rawValue: self.entry.failure.acquired), self.state != .error {
            self.enterError()
            switch failure {
            case .accessError: self.raise(.queuePairAccessError)
            case .requestError: self.raise(.queuePairRequestError)
            case .fatal: self.raise(.queuePairFatal)
            case .receiveError, .lostCompletion: break
            }
        }
        guard let direct, direct.wait != .none else { return }
        direct.isWoken = true
        self.engine.touch(self)
    }

    internal func takesReceives(from ring: ReceiveRing) -> Bool {
        (self.receiveRing ?? self.sharedReceiveQueue?.ring)?.index == ring.index
    }

    /// Tells the peer, if it waits, that this queue pair has something for it. The caller holds the engine's lock.
    internal func notifyWaitingPeer() {
        guard self.entry.waiter.relaxed != 0, self.entry.waiter.exchange(0) != 0 else { return }
        let number = QPN(truncating: self.attributes.destinationQP)
        // The wait ends by its timer, too.
        guard let peer = try? self.engine.peer(owning: number) else { return }
        peer.requestAttention(queuePair: number.rawValue)
    }

    /// Flushes the receive request that a peer was at when this queue pair stopped.
    internal func flushPeerReceive() {
        let index = self.entry.receiveIndex.acquired
        guard index != 0 else { return }
        self.entry.receiveIndex.storeRelaxed(0)
        // It may still be in the ring, or its completion may be written already.
        let ring = self.receiveRing ?? self.sharedReceiveQueue?.ring
        guard let ring, ring.takenCount >= index else { return }
        let end = self.entry.receiveEnd.relaxed
        let workRequestID = self.entry.receiveID.relaxed
        let completions = self.receiveCompletions.ring
        let number = self.number
        guard end == 0 || !completions.hasProduced(end, receive: workRequestID, ofQueuePair: number) else { return }
        self.flushReceive(workRequestID)
    }
}
