internal import Segment
internal import SystemIO
internal import Transport

// SEND, and what WRITE with immediate shares with it: the peer's receive requests and completions. Between `enter` and
// `leave`, with a peer that was examined.

extension DirectConnection {
    func send(_ request: borrowing SendRequest, slot: Int, of queuePair: QueuePair, budget: inout Int) -> Outcome {
        let byteCount = Int(request.byteCount)
        if !self.hasReceive {
            if let outcome = self.takeReceive(byteCount: byteCount) { return outcome }
            if let outcome = self.checkReceive(byteCount: byteCount) { return outcome }
        }
        // The poll that puts a short payload in place comes after the key was taken back.
        if byteCount <= Self.eagerByteCountMax, self.offset == 0, request.operation == .send {
            switch self.sendEagerly(request, slot: slot, of: queuePair) {
            case .done: return .done
            case .failed(let status): return .failed(status)
            case .wait(let wait): return .wait(wait)
            case .unfinished: break
            }
        }
        while self.offset < request.byteCount {
            guard budget > 0 else { return .unfinished }
            let part = min(Int(request.byteCount - self.offset), budget)
            if case .failed(let outcome) = self.place(part, slot: slot, of: queuePair) { return outcome }
            self.offset += UInt32(part)
            budget -= part
        }
        if !self.hasInvalidated {
            guard self.invalidate(request) else { return self.refuseInvalidation() }
            self.hasInvalidated = true
        }
        return self.complete(.send, request, byteCount: request.byteCount)
    }

    /// A SEND with invalidate takes back the key of a window that is bound to the peer's queue pair.
    private func invalidate(_ request: borrowing SendRequest) -> Bool {
        guard request.operation == .sendWithInvalidate else { return true }
        return self.peer.view.memory.invalidateWindowAsInitiator(
            key: request.invalidateRKey,
            by: .remote(domain: self.domain, queuePair: self.destQP)
        )
    }

    private func refuseInvalidation() -> Outcome {
        self.completeFailed(.remoteInvalidRequest)
        self.failPeer(.accessError)
        return self.isReliable ? .failed(.remoteAccessError) : .done
    }

    /// Lets a short payload travel with its completion; the receiver's poll puts it in place.
    ///
    /// - Returns: `.unfinished` when there is no room for it now.
    @inline(always)
    private func sendEagerly(_ request: borrowing SendRequest, slot: Int, of queuePair: QueuePair) -> Outcome {
        guard let completions = self.completions else { return .unfinished }
        let byteCount = Int(request.byteCount)
        let completion = self.completion(.send, request, byteCount: request.byteCount)
        self.hasLocalFault = false
        let outcome = completions.push(completion, isSolicited: request.isSolicited, isPatient: false) { entry, index in
            self.entry.receiveEnd.storeRelaxed(index &+ 1)
            guard byteCount > 0 else { return true }
            func gather(_ target: UnsafeMutableRawPointer) -> Bool {
                // SAFETY: the entry, or the arena, has room for the payload.
                let isGathered = unsafe queuePair.gatherRegistered(slot: slot, byteCount: byteCount, into: target)
                self.hasLocalFault = !isGathered
                return isGathered
            }
            if byteCount <= CompletionEntry.payloadByteCountMax, self.receive.elementCount == 1,
                completions.recordsTimes.relaxed == 0
            {
                if queuePair.sendQueue.isInline(slot) {
                    entry.carry(to: self.receive[0], queuePair.sendQueue.words(of: slot))
                    return true
                }
                return unsafe entry.carry(to: self.receive[0], gather: gather)
            }
            guard
                let position = unsafe self.arena?.append(
                    self.receive.elements,
                    payloadByteCount: byteCount,
                    gather: gather
                )
            else { return false }
            entry.refer(toArena: position, elementCount: self.receive.elementCount)
            return true
        }
        if outcome == .busy { return .wait(.busy) }
        guard outcome != .refused else {
            self.entry.receiveEnd.storeRelaxed(0)
            return self.hasLocalFault ? .failed(.localProtectionError) : .unfinished
        }
        self.finishReceive(outcome, completions)
        return .done
    }

    // MARK: - Receive requests

    /// Takes the peer's next receive request.
    ///
    /// - Returns: `nil` when `receive` holds it, or how the attempt ends.
    func takeReceive(byteCount: Int) -> Outcome? {
        guard let receives = self.receives else { return self.refuse(.requestError) }
        var outcome = self.tryTakeReceive(receives, byteCount: byteCount)
        if outcome == .empty, self.isReliable {
            // Note first, then look again: the owner posts first, and then looks whether somebody waits.
            self.entry.waiter.storeRelaxed(1)
            receives.noteWaiter()
            outcome = self.tryTakeReceive(receives, byteCount: byteCount)
        }
        switch outcome {
        case .taken:
            self.hasReceive = true
            receives.prefetchNext()
            if self.hasSharedReceives, receives.noteLimitEvent() {
                self.peer.requestAttention(queuePair: self.destQP)
            }
            return nil
        case .empty:
            // What was noted is somebody else's.
            self.entry.receiveIndex.storeRelaxed(0)
            return self.isReliable ? .wait(.receiverNotReady) : .done
        case .left: return .done
        case .busy: return .wait(.busy)
        }
    }

    @inline(always)
    private func tryTakeReceive(_ receives: ReceiveRing, byteCount: Int) -> ReceiveRing.TakeOutcome {
        let entry = self.entry
        let isReliable = self.isReliable
        return receives.take(into: &self.receive, isPatient: false) { request, index in
            // On an unreliable connection a message that does not fit is dropped, and the request stays for the next.
            guard isReliable || request.byteCount >= UInt64(byteCount) else { return false }
            // Should this process die now, the owner finds the request here and flushes it with the others.
            entry.receiveID.storeRelaxed(request.workRequestID)
            entry.receiveEnd.storeRelaxed(0)
            entry.receiveIndex.storeReleasing(index &+ 1)
            return true
        }
    }

    /// Whether the message fits into the receive request that was taken, as the peer's responder would find.
    @inline(always)
    private func checkReceive(byteCount: Int) -> Outcome? {
        guard self.receive.byteCount >= UInt64(byteCount) else {
            self.completeFailed(.localLengthError)
            self.failPeer(.receiveError)
            return .failed(.remoteInvalidRequest)
        }
        var left = byteCount
        var index = 0
        while left > 0 {
            var element = self.receive[index]
            element.byteCount = min(element.byteCount, UInt32(left))
            guard element.byteCount == 0 || self.locate(element) != nil else {
                return self.refuseReceive(.localProtectionError)
            }
            left -= Int(element.byteCount)
            index += 1
        }
        return nil
    }

    /// The receive request cannot take the message: it completes with `status`, and the peer's queue pair stops.
    private func refuseReceive(_ status: CompletionStatus) -> Outcome {
        self.completeFailed(status)
        self.failPeer(.receiveError)
        return self.isReliable ? .failed(.remoteOperationError) : .done
    }

    /// Where an element of the receive request is, in the peer's address space.
    @inline(always)
    private func locate(_ element: ScatterElement) -> MemoryLocation? {
        self.peer.view.memory.resolve(
            key: element.lKey,
            address: element.address,
            byteCount: UInt64(element.byteCount),
            access: .localWrite,
            by: .local(domain: self.receiveDomain),
            memo: &self.receiveKey
        )
    }

    /// How one part of a message was copied.
    private enum Placement {
        case done
        case failed(Outcome)
    }

    /// Copies the next part of the message to the receive request: in one call where all of it is in the peer's address
    /// space, else piece by piece.
    private func place(_ byteCount: Int, slot: Int, of queuePair: QueuePair) -> Placement {
        let scratch = unsafe queuePair.engine.scratch.remote
        var walk = unsafe ElementWalk(self.receive.elements, offset: UInt64(self.offset), byteCount: byteCount)
        var count = 0
        var isPlain = !self.peer.isSelf
        while let piece = walk.next() {
            guard let location = self.locate(piece) else { return .failed(self.refuseReceive(.localProtectionError)) }
            isPlain = isPlain && location.place.isProcess
            let range = MemoryRange(address: UInt(location.position), byteCount: Int(piece.byteCount))
            unsafe scratch[count] = range
            count += 1
        }
        guard isPlain, count > 1 else { return self.placeEach(byteCount, slot: slot, of: queuePair) }
        guard let local = unsafe queuePair.localRanges(slot, self.offset, byteCount, access: .localRead) else {
            return .failed(.failed(.localProtectionError))
        }
        let remote = unsafe UnsafeBufferPointer(start: scratch, count: count)
        let error = unsafe self.peer.write(local, to: remote, byteCount: byteCount)
        return unsafe self.placement(error, local)
    }

    private func placeEach(_ byteCount: Int, slot: Int, of queuePair: QueuePair) -> Placement {
        var walk = unsafe ElementWalk(self.receive.elements, offset: UInt64(self.offset), byteCount: byteCount)
        var offset = self.offset
        while let piece = walk.next() {
            guard let location = self.locate(piece) else { return .failed(self.refuseReceive(.localProtectionError)) }
            guard let local = unsafe queuePair.localRanges(slot, offset, Int(piece.byteCount), access: .localRead)
            else {
                return .failed(.failed(.localProtectionError))
            }
            let error = unsafe self.peer.write(local, to: location, byteCount: Int(piece.byteCount))
            if error != nil { return unsafe self.placement(error, local) }
            offset += piece.byteCount
        }
        return .done
    }

    private func placement(_ error: Errno?, _ local: UnsafeBufferPointer<MemoryRange>) -> Placement {
        guard let error else { return .done }
        let outcome = unsafe self.outcome(of: error, local: local, needsWrite: false, refusal: .fatal)
        if case .failed(.remoteOperationError) = outcome { self.completeFailed(.localProtectionError) }
        return .failed(outcome)
    }

    // MARK: - Completions

    /// Ends the receive request with a message.
    func complete(
        _ operation: ReceiveCompletion.Operation,
        _ request: borrowing SendRequest,
        byteCount: UInt32
    ) -> Outcome {
        let completion = self.completion(operation, request, byteCount: byteCount)
        return self.push(completion, isSolicited: request.isSolicited, isPatient: false) ? .done : .wait(.busy)
    }

    /// Waits for whoever holds the lock of the peer's completions, however long: a queue pair that fails is not begun again.
    private func completeFailed(_ status: CompletionStatus) {
        let done = ReceiveCompletion(failed: status)
        _ = self.push(self.completion(done), isSolicited: true, isPatient: true)
    }

    @inline(always)
    private func completion(
        _ operation: ReceiveCompletion.Operation,
        _ request: borrowing SendRequest,
        byteCount: UInt32
    ) -> WorkCompletion {
        let isInvalidating = request.operation == .sendWithInvalidate
        return self.completion(
            ReceiveCompletion(
                status: .success,
                operation: operation,
                byteCount: byteCount,
                hasImmediate: request.hasImmediate,
                immediate: request.immediate,
                invalidatedRKey: isInvalidating ? request.invalidateRKey : nil,
                isSolicited: request.isSolicited
            )
        )
    }

    @inline(always)
    private func completion(_ done: ReceiveCompletion) -> WorkCompletion {
        var completion = WorkCompletion(
            done,
            workRequestID: self.receive.workRequestID,
            qpNumber: self.destQP,
            sourceQP: self.ownQPN
        )
        if self.completions?.recordsTimes.relaxed == 1 { completion.timestampNanoseconds = MonotonicClock.now }
        return completion
    }

    /// - Returns: `false` when it is to be tried again later.
    private func push(_ completion: WorkCompletion, isSolicited: Bool, isPatient: Bool) -> Bool {
        guard let completions = self.completions else { return true }
        let entry = self.entry
        let outcome = completions.push(completion, isSolicited: isSolicited, isPatient: isPatient) { _, index in
            entry.receiveEnd.storeRelaxed(index &+ 1)
            return true
        }
        if outcome == .busy { return false }
        self.finishReceive(outcome, completions)
        return true
    }

    @inline(always)
    private func finishReceive(_ outcome: CompletionRing.PushOutcome, _ completions: CompletionRing) {
        self.hasReceive = false
        self.hasInvalidated = false
        self.entry.receiveIndex.storeReleasing(0)
        completions.prefetchNext()
        switch outcome {
        case .stored, .refused, .busy: break
        case .storedAndDue: self.peer.signalChannel(of: completions, queuePair: self.destQP)
        case .storedAndWaiting: self.peer.requestAttention(queuePair: self.destQP)
        case .overrun:
            completions.unreportedOverrun.storeRelaxed(1)
            self.failPeer(.lostCompletion)
        case .overrunAgain: self.failPeer(.lostCompletion)
        }
    }
}
