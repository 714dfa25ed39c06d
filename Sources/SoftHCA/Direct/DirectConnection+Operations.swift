internal import Segment
internal import SystemIO
internal import Transport

// WRITE, READ and atomics on the peer's memory. Each is called between `enter` and `leave`, with a peer that was examined.

extension DirectConnection {
    /// One attempt at a request.
    ///
    /// - Parameter budget: Bytes that may still be copied in this go.
    @inline(always)
    func execute(_ request: borrowing SendRequest, slot: Int, of queuePair: QueuePair, budget: inout Int) -> Outcome {
        self.peer.enter()
        defer { self.peer.leave() }
        let wait = self.examine()
        if wait != .none { return self.waitForPeer(wait, request, slot: slot, of: queuePair) }
        self.noteCommunication()
        switch request.operation {
        case .write: return self.write(request, slot: slot, of: queuePair, budget: &budget)
        case .read: return self.read(request, slot: slot, of: queuePair, budget: &budget)
        case .compareAndSwap, .fetchAndAdd: return self.atomic(request, slot: slot, of: queuePair)
        case .send, .sendWithInvalidate: return self.send(request, slot: slot, of: queuePair, budget: &budget)
        case .atomicWrite: return self.atomicWrite(request, slot: slot, of: queuePair)
        case .localInvalidate, .bindMemoryWindow:
            preconditionFailure("runs without a peer, who may be waited for")
        }
    }

    private func waitForPeer(
        _ wait: Wait,
        _ request: borrowing SendRequest,
        slot: Int,
        of queuePair: QueuePair
    ) -> Outcome {
        guard queuePair.hasAccessibleMemory(request, slot: slot) else { return .failed(.localProtectionError) }
        guard wait == .noResponse else { return .wait(wait) }
        guard self.isReliable else { return .done }
        // A queue pair that has stopped for good does not answer; one that is not there yet wakes us.
        self.entry.waiter.storeRelaxed(1)
        return .wait(.noResponse)
    }

    /// What the peer's responder would answer to a request that it refuses.
    func refuse(_ failure: QueuePairEntry.Failure) -> Outcome {
        // On an unreliable connection the message is dropped, and nobody hears of it.
        guard self.isReliable else { return .done }
        self.failPeer(failure)
        switch failure {
        case .accessError: return .failed(.remoteAccessError)
        case .requestError: return .failed(.remoteInvalidRequest)
        case .receiveError, .lostCompletion, .fatal: return .failed(.remoteOperationError)
        }
    }

    /// Looks at the memory of both sides before the first byte of a request that is longer than one go, or may not be; of others
    /// each side's is looked up once, as it is copied. This side's comes first: a request that cannot be sent is not refused.
    ///
    /// - Returns: How the request ends without a byte, if it does.
    private func lookAhead(
        _ request: borrowing SendRequest,
        _ access: AccessFlags,
        isAllowed: Bool,
        slot: Int,
        of queuePair: QueuePair
    ) -> Outcome? {
        guard queuePair.hasAccessibleMemory(request, slot: slot) else { return .failed(.localProtectionError) }
        guard isAllowed else { return self.refuse(.requestError) }
        return self.locate(request, access) == nil ? self.refuse(.accessError) : nil
    }

    // MARK: - WRITE

    private func write(
        _ request: borrowing SendRequest,
        slot: Int,
        of queuePair: QueuePair,
        budget: inout Int
    ) -> Outcome {
        if self.offset == 0, request.byteCount > 0 {
            let isAllowed = self.access.contains(.remoteWrite)
            let isLong = request.byteCount > UInt32(clamping: budget)
            if isLong || !isAllowed {
                let outcome = self.lookAhead(request, .remoteWrite, isAllowed: isAllowed, slot: slot, of: queuePair)
                if let outcome { return outcome }
            }
        }
        if request.hasImmediate, !self.hasReceive {
            if let outcome = self.takeReceive(byteCount: 0) { return outcome }
        }
        while self.offset < request.byteCount {
            guard budget > 0 else { return .unfinished }
            let byteCount = min(Int(request.byteCount - self.offset), budget)
            guard let local = unsafe queuePair.localRanges(slot, self.offset, byteCount, access: .localRead) else {
                return .failed(.localProtectionError)
            }
            guard let target = self.locate(request, .remoteWrite, at: self.offset, byteCount) else {
                return self.refuse(.accessError)
            }
            if let error = unsafe self.peer.write(local, to: target, byteCount: byteCount) {
                return unsafe self.outcome(of: error, local: local, needsWrite: false)
            }
            self.offset += UInt32(byteCount)
            budget -= byteCount
        }
        if request.hasImmediate {
            return self.complete(.writeWithImmediate, request, byteCount: request.byteCount)
        }
        return .done
    }

    /// ATOMIC WRITE: eight bytes that are seen whole (IBTA Volume 1, Annex A19).
    private func atomicWrite(_ request: borrowing SendRequest, slot: Int, of queuePair: QueuePair) -> Outcome {
        guard request.remoteAddress & 7 == 0, self.readsMax > 0, self.access.contains(.remoteWrite) else {
            return self.refuse(.requestError)
        }
        guard let location = self.locate(request, .remoteWrite, at: 0, 8), location.position & 7 == 0 else {
            return self.refuse(.accessError)
        }
        var word: UInt64 = 0
        let isGathered = unsafe withUnsafeMutableBytes(of: &word) { bytes in
            // SAFETY: the word has eight bytes.
            guard let base = bytes.baseAddress else { return false }
            return unsafe queuePair.gather(slot: slot, messageOffset: 0, byteCount: 8, into: base)
        }
        guard isGathered else { return .failed(.localProtectionError) }
        if let target = unsafe self.peer.mapped(location, byteCount: 8) {
            // SAFETY: eight aligned bytes, registered until `leave`.
            let isStored = unsafe withUnsafeBytes(of: &word) { bytes in
                guard let base = bytes.baseAddress else { return false }
                // Eight aligned bytes are copied as one word.
                return unsafe FaultGuard.copy(8, from: base, to: target)
            }
            guard isStored else { return self.refuse(.accessError) }
        } else if location.place == .process, let error = self.peer.storeWord(word, at: location.position) {
            return error == .noSuchProcess ? .wait(.noResponse) : self.refuse(.accessError)
        }
        return .done
    }

    // MARK: - READ

    private func read(
        _ request: borrowing SendRequest,
        slot: Int,
        of queuePair: QueuePair,
        budget: inout Int
    ) -> Outcome {
        if self.offset == 0 {
            let isEmpty = request.byteCount == 0
            let isAllowed = self.readsMax > 0 && (isEmpty || self.access.contains(.remoteRead))
            let isLong = request.byteCount > UInt32(clamping: budget)
            if isLong || !isAllowed {
                let outcome = self.lookAhead(request, .remoteRead, isAllowed: isAllowed, slot: slot, of: queuePair)
                if let outcome { return outcome }
            }
        }
        while self.offset < request.byteCount {
            guard budget > 0 else { return .unfinished }
            let byteCount = min(Int(request.byteCount - self.offset), budget)
            guard let local = unsafe queuePair.localRanges(slot, self.offset, byteCount, access: .localWrite) else {
                return .failed(.localProtectionError)
            }
            guard let source = self.locate(request, .remoteRead, at: self.offset, byteCount) else {
                return self.refuse(.accessError)
            }
            if let error = unsafe self.peer.read(local, from: source, byteCount: byteCount) {
                return unsafe self.outcome(of: error, local: local, needsWrite: true)
            }
            self.offset += UInt32(byteCount)
            budget -= byteCount
        }
        return .done
    }

    /// Where the bytes of a one-sided request are, in the peer's address space.
    @inline(always)
    private func locate(_ request: borrowing SendRequest, _ access: AccessFlags) -> MemoryLocation? {
        self.locate(request, access, at: 0, Int(request.byteCount))
    }

    @inline(always)
    func locate(
        _ request: borrowing SendRequest,
        _ access: AccessFlags,
        at offset: UInt32,
        _ byteCount: Int
    ) -> MemoryLocation? {
        self.peer.view.memory.resolve(
            key: request.rKey,
            address: request.remoteAddress &+ UInt64(offset),
            byteCount: UInt64(byteCount),
            access: access,
            by: .remote(domain: self.domain, queuePair: self.destQP),
            memo: &self.remoteKey
        )
    }

    /// Why a copy failed, in the terms of a completion.
    ///
    /// - Parameter refusal: What it is to the peer that registered memory of its own is not there any more.
    func outcome(
        of error: Errno,
        local: UnsafeBufferPointer<MemoryRange>,
        needsWrite: Bool,
        refusal: QueuePairEntry.Failure = .accessError
    ) -> Outcome {
        if error == .noSuchProcess { return self.isReliable ? .wait(.noResponse) : .done }
        for index in 0..<local.count {
            let range = unsafe local[index]
            do throws(Errno) {
                try AddressSpace.check(address: range.address, byteCount: range.byteCount, needsWrite: needsWrite)
            } catch {
                return .failed(.localProtectionError)
            }
            guard FaultGuard.isReadable(address: range.address, byteCount: range.byteCount) else {
                return .failed(.localProtectionError)
            }
        }
        return self.refuse(refusal)
    }

    // MARK: - Atomics

    private func atomic(_ request: borrowing SendRequest, slot: Int, of queuePair: QueuePair) -> Outcome {
        guard request.remoteAddress & 7 == 0, self.readsMax > 0 else { return self.refuse(.requestError) }
        guard self.access.contains(.remoteAtomic) else { return self.refuse(.requestError) }
        guard let location = self.locate(request, .remoteAtomic, at: 0, 8), location.position & 7 == 0,
            !location.place.isNowhere
        else {
            return self.refuse(.accessError)
        }
        guard let local = unsafe queuePair.localRanges(slot, 0, 8, access: .localWrite) else {
            return .failed(.localProtectionError)
        }
        let original: UInt64
        let exchanged = self.peer.exchange(
            isSwap: request.operation == .compareAndSwap,
            compareOrAdd: request.compareOrAdd,
            swap: request.swap,
            at: location
        )
        switch exchanged {
        case .success(let value): original = value
        case .failure(.resourceBusy): return .wait(.busy)
        case .failure(let error): return unsafe self.outcome(of: error, local: local, needsWrite: true)
        }
        var word = original
        let isPlaced = unsafe withUnsafeBytes(of: &word) { bytes in
            var done = 0
            for index in 0..<local.count {
                let range = unsafe local[index]
                if let target = unsafe UnsafeMutableRawPointer(bitPattern: range.address), let base = bytes.baseAddress,
                    // SAFETY: registered for local writing until `leave`; the ranges are eight bytes together.
                    unsafe !FaultGuard.copy(range.byteCount, from: base + done, to: target)
                {
                    return false
                }
                done += range.byteCount
            }
            return true
        }
        return isPlaced ? .done : .failed(.localProtectionError)
    }
}
