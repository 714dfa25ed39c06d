import Transport

// MARK: - Completions

extension RCEndpoint {
    /// Polls completions, and compares each with what it must be.
    func checkCompletions(peer: RCEndpoint, now: Timestamp) throws(Violation) {
        while let completion = self.requester.pollCompletion() {
            let index = self.completedCount
            guard index < self.postedCount, self.landings[completion.slot].messageIndex == index else {
                throw Violation("\(self.name): completion of slot \(completion.slot), but request \(index) is next")
            }
            let message = self.workload.messages[index]
            guard completion.operation == message.request.operation,
                completion.byteCount == message.request.byteCount
            else { throw Violation("\(self.name): completion \(completion) is not of request \(index)") }
            if completion.status == .success {
                guard self.firstFailure == nil else {
                    throw Violation("\(self.name): \(index) succeeds after a failure")
                }
                try self.checkSuccess(of: message, index: index, slot: completion.slot, peer: peer, now: now)
            } else if self.firstFailure == nil {
                self.firstFailure = (index, completion.status)
            } else if completion.status != .flushed {
                throw Violation("\(self.name): request \(index) ends with \(completion.status) after a failure")
            }
            self.landings[completion.slot].messageIndex = -1
            self.completedCount += 1
        }
    }

    private func checkSuccess(
        of message: PlannedMessage,
        index: Int,
        slot: Int,
        peer: RCEndpoint,
        now: Timestamp
    ) throws(Violation) {
        let landing = self.landings[slot]
        let byteCount = Int(message.request.byteCount)
        var isRight: Bool
        switch message.expectation {
        case .overwritten:
            isRight = true
        case .local:
            isRight = landing.isExecuted
        case .received(let ordinal):
            isRight = peer.receivedCount > ordinal
        case .written(let offset):
            isRight = peer.host.memory.matches(pattern: message.pattern, at: offset, byteCount: byteCount)
        case .writtenAndReceived(let offset, let ordinal):
            isRight = peer.receivedCount > ordinal
            isRight = isRight && peer.host.memory.matches(pattern: message.pattern, at: offset, byteCount: byteCount)
        case .original(let value):
            isRight = landing.originalValue == value
        case .shared:
            let fault = peer.host.arena?.fault(
                of: message.request,
                original: landing.originalValue,
                postedAt: landing.postedAt,
                completedAt: now
            )
            if let fault { throw Violation("\(self.name): atomic \(index): \(fault)") }
            isRight = true
        case .read(let pattern, let patternOffset):
            isRight = landing.placedByteCount == byteCount
            var bytes = SimulatedMemory(byteCount: byteCount)
            // SAFETY: bytes have no padding between them.
            unsafe bytes.copy(landing.bytes.span.bytes, to: 0)
            isRight =
                isRight && bytes.matches(pattern: pattern, patternOffset: patternOffset, at: 0, byteCount: byteCount)
        }
        guard isRight else {
            throw Violation("\(self.name): request \(index), \(message), completed, but it is not done")
        }
    }
}

// MARK: - Receives

extension RCEndpoint {
    /// Compares what the host received with what the peer sent.
    func checkReceipts(peer: RCEndpoint) throws(Violation) {
        if let violation = self.host.violation ?? self.host.arena?.violation {
            throw Violation("\(self.name): \(violation)")
        }
        let receipts = self.host.receipts
        self.host.receipts.removeAll(keepingCapacity: true)
        for receipt in receipts {
            guard receipt.completion.status == .success else {
                guard self.responder.isInError else { throw Violation("\(self.name): \(receipt) without an error") }
                continue
            }
            guard self.receivedCount < peer.workload.receivedMessages.count else {
                throw Violation("\(self.name): received more than was sent: \(receipt)")
            }
            let index = peer.workload.receivedMessages[self.receivedCount]
            try self.check(receipt, of: peer.workload.messages[index], index: index)
            self.receivedCount += 1
        }
    }

    private func check(
        _ receipt: SimulatedHost.Receipt,
        of message: PlannedMessage,
        index: Int
    ) throws(Violation) {
        let request = message.request
        let completion = receipt.completion
        var isRight = completion.byteCount == request.byteCount && completion.isSolicited == request.isSolicited
        isRight = isRight && completion.hasImmediate == request.hasImmediate
        isRight = isRight && completion.immediate == (request.hasImmediate ? request.immediate : 0)
        if request.operation == .write {
            isRight = isRight && completion.operation == .writeWithImmediate
        } else {
            let key = request.operation == .sendWithInvalidate ? request.invalidateRKey : nil
            isRight = isRight && completion.operation == .send && completion.invalidatedRKey == key
            isRight = isRight && key.map { !self.host.windowKeys.contains($0) } ?? true
            isRight = isRight && receipt.placedByteCount == Int(request.byteCount)
            isRight =
                isRight
                && self.host.received.matches(pattern: message.pattern, at: 0, byteCount: Int(request.byteCount))
        }
        guard isRight else { throw Violation("\(self.name): received \(receipt), but message \(index) is \(message)") }
    }
}

// MARK: - The end

extension RCEndpoint {
    /// Compares how the connection ended with the fault, if any. `peer.fault` is looked at too.
    func checkEnd(peer: RCEndpoint) throws(Violation) {
        if self.isGone { return }
        if self.mayLosePeer, self.firstFailure != nil || peer.isGone { return try self.checkLoss(peer: peer) }
        if self.fault == .none, peer.fault == .none {
            guard self.firstFailure == nil else {
                throw Violation("\(self.name): failed with \(self.firstFailure as Any)")
            }
            guard peer.receivedCount == self.workload.receivedMessages.count else {
                throw Violation("\(self.name): \(peer.receivedCount) messages received")
            }
            if let offset = peer.host.memory.firstDifference(from: self.workload.shadow) {
                throw Violation("\(self.name): the peer's memory differs at \(offset)")
            }
            return
        }
        try self.checkOwnFault()
        try self.checkPeerFault(peer)
    }

    /// How a connection may end whose peer may be unreachable.
    private func checkLoss(peer: RCEndpoint) throws(Violation) {
        guard self.fault == .none, peer.fault == .none, let failure = self.firstFailure else { return }
        switch failure.status {
        case .retryExceeded, .rnrRetryExceeded: break
        case .flushed where self.isGivenUp: break
        default: throw Violation("\(self.name): lost its peer, but \(failure)")
        }
    }

    /// On a network that loses nothing, nothing is repeated but what found no receive request.
    func checkCleanNetwork(peer: RCEndpoint) throws(Violation) {
        guard peer.fault == .none else { return }
        switch self.fault {
        case .none, .refusedPost, .badMemory, .failedLocal: break
        case .badKey, .shortReceive, .lostReadMemory, .abort: return
        }
        let counters = self.requester.counters
        guard counters.timeouts == 0, counters.sequenceNAKs == 0, counters.impliedNAKs == 0, counters.invalid == 0
        else { throw Violation("\(self.name): \(counters) on a clean network") }
    }

    private func checkOwnFault() throws(Violation) {
        switch self.fault {
        case .none, .abort, .shortReceive, .lostReadMemory:
            break
        case .refusedPost(let index), .badMemory(let index):
            guard let failure = self.firstFailure, failure == (index, .localProtectionError) else {
                throw Violation("\(self.name): \(self.fault), but \(self.firstFailure as Any)")
            }
        case .failedLocal(let index):
            guard let failure = self.firstFailure, failure == (index, .memoryWindowBindError) else {
                throw Violation("\(self.name): \(self.fault), but \(self.firstFailure as Any)")
            }
        case .badKey(let index):
            // When the NAK is lost, nobody answers any more. Then an earlier request may be the oldest without an answer.
            guard let failure = self.firstFailure, failure.index <= index,
                failure.status == .retryExceeded || failure == (index, .remoteAccessError)
            else { throw Violation("\(self.name): \(self.fault), but \(self.firstFailure as Any)") }
        }
    }

    private func checkPeerFault(_ peer: RCEndpoint) throws(Violation) {
        switch peer.fault {
        case .none:
            break
        case .shortReceive(let ordinal):
            let index = self.workload.receivedMessages[ordinal]
            guard let failure = self.firstFailure, failure.index <= index,
                failure.status == .retryExceeded || failure == (index, .remoteInvalidRequest)
            else { throw Violation("\(self.name): \(peer.fault) there, but \(self.firstFailure as Any)") }
        case .lostReadMemory:
            guard let failure = self.firstFailure else {
                guard !peer.isMemoryLost || self.isDone else { throw Violation("\(self.name): no failure") }
                return
            }
            let request = self.workload.messages[failure.index].request
            guard
                failure.status == .retryExceeded
                    || (failure.status == .remoteAccessError && request.operation == .read)
            else { throw Violation("\(self.name): \(peer.fault) there, but \(failure)") }
        case .refusedPost, .badMemory, .failedLocal, .badKey, .abort:
            // The peer's queue pair fell silent, at any time.
            if let failure = self.firstFailure, failure.status != .retryExceeded, failure.status != .flushed {
                throw Violation("\(self.name): \(peer.fault) there, but \(failure)")
            }
        }
    }
}
