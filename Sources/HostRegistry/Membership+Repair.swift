import Synchronization
import SystemIO
import Wire

// MARK: - Entering

extension Membership {
    /// Enters the process into the registry, and sets the steering accordingly. The caller holds the guard, and this
    /// frees it.
    internal func enter(_ census: consuming Census) throws(RegistryError) {
        defer { self.file.unlockGuard() }
        var census = census
        census.append(self.block)
        let joinCount = self.file.joinCount + 1
        self.file.joinCount = joinCount
        var slot = RegistrySlot()
        slot.isInUse = 1
        slot.pid = ProcessIdentity.pid
        slot.startTime = ProcessIdentity.startTime(of: slot.pid) ?? 0
        slot.joinOrdinal = joinCount
        let expectedIndex = census.table.count - 1
        slot.socketIndex = UInt32(expectedIndex)
        self.file[self.block] = slot
        do throws(Errno) {
            try self.attach(census)
            let index = self.learnOwnIndex(expected: expectedIndex)
            if let index, index != expectedIndex {
                slot.socketIndex = UInt32(index)
                slot.learntRound = self.file.round
                self.file[self.block] = slot
                census = Census(self.file, self.directory, own: self.block)
                try self.attach(census)
            }
            if census.deathCount > 0 || index != expectedIndex { self.beginRound(count: census.table.count) }
            try LiveMemberships.shared.add(self)
        } catch {
            throw .system(error)
        }
    }

    /// Sets the steering program, through the own socket and for all. The caller holds the guard.
    internal func attach(_ census: Census) throws(Errno) {
        let serviceOwner = census.members.first
        try self.socket.attachSteering(census.table.program(serviceOwner: serviceOwner))
        self.file.serviceOwner = serviceOwner?.rawValue ?? 0
        self.statistics.programs.countUp()
    }

    /// Finds the index of the own socket, which nobody else reads yet.
    ///
    /// - Returns: `nil` when no probe came back, as with the loopback interface down.
    private func learnOwnIndex(expected: Int) -> Int? {
        let nonce = Random.uint64
        // A socket of a dying process may still be in the group; one whose descriptor a program closed may not.
        let candidates = [expected, expected, expected] + Array((expected + 1)..<(expected + 9)) + Array(0..<expected)
        for index in candidates {
            guard self.sendProbe(index: index, nonce: nonce) else { return nil }
            if self.receiveProbe(index: index, nonce: nonce) { return index }
        }
        return nil
    }

    private func sendProbe(index: Int, nonce: UInt64) -> Bool {
        unsafe withUnsafeTemporaryAllocation(byteCount: IndexProbe.byteCount, alignment: 8) { buffer in
            // SAFETY: the buffer lives until the closure returns.
            var span = unsafe MutableRawSpan(_unsafeBytes: buffer)
            IndexProbe(index: UInt32(index), nonce: nonce).encode(into: &span)
            let endpoint = SocketEndpoint(address: .ipv4Loopback, port: self.port)
            let bytes = UnsafeRawBufferPointer(buffer)
            return unsafe (try? self.socket.send(bytes, segmentByteCount: bytes.count, to: endpoint)) != nil
        }
    }

    /// Looks whether a probe has come back. Loopback delivers at once; the patience is for a busy machine.
    private func receiveProbe(index: Int, nonce: UInt64) -> Bool {
        unsafe withUnsafeTemporaryAllocation(byteCount: UDPSocket.receiveByteCountMax, alignment: 8) { buffer in
            for isLastLook in [false, true] {
                // What else arrives on so young a socket is for nobody here.
                while let datagram = unsafe (try? self.socket.receive(into: buffer)) ?? nil {
                    // SAFETY: the kernel wrote so many bytes.
                    let span = unsafe RawSpan(
                        _unsafeBytes: UnsafeRawBufferPointer(rebasing: buffer[..<datagram.byteCount])
                    )
                    guard let probe = IndexProbe(parsing: span), probe.nonce == nonce else { continue }
                    if Int(probe.index) == index { return true }
                }
                if !isLastLook { MonotonicClock.sleep(nanoseconds: 200_000) }
            }
            return false
        }
    }
}

// MARK: - Rounds of probes

extension Membership {
    /// How long the members have to answer the probes of a round.
    private static var roundNanoseconds: UInt64 { 50_000_000 }
    /// Probes beyond the number of members, for sockets of processes that are just dying.
    private static var extraProbeCount: Int { 4 }

    /// Sends a probe to each index, upon which every member learns its own. The caller holds the guard.
    private func beginRound(count: Int) {
        let nonce = Random.uint64
        let (next, hasWrapped) = self.file.round.addingReportingOverflow(1)
        self.file.round = hasWrapped ? 1 : next
        self.file.nonce = nonce
        self.repair.roundDeadlineNanoseconds = MonotonicClock.now + Self.roundNanoseconds
        self.needsRefresh.store(true, ordering: .relaxed)
        self.statistics.rounds.countUp()
        for index in 0..<(count + Self.extraProbeCount) {
            _ = self.sendProbe(index: index, nonce: nonce)
        }
    }

    /// Takes in a datagram to `IndexProbe.destQP`: it tells where in the group the own socket is.
    package func handleProbe(_ datagram: RawSpan) {
        guard self.isPresent, let probe = IndexProbe(parsing: datagram) else { return }
        guard probe.nonce != 0, probe.nonce == self.file.nonce else { return }
        self.lock.withLock {
            let round = self.file.round
            // An index beyond the end reaches any socket, so that the smallest is the true one.
            if let pending = self.repair.pending, pending.round == round, pending.index < probe.index { return }
            self.repair.pending = RepairState.Pending(round: round, index: probe.index)
            self.workUnderGuard()
        }
    }

    /// Enters what a probe told. The caller holds the guard.
    private func enterPendingIndex() {
        guard let pending = self.repair.pending else { return }
        self.repair.pending = nil
        guard pending.round == self.file.round else { return }
        var slot = self.file[self.block]
        guard slot.learntRound != pending.round || pending.index < slot.socketIndex else { return }
        slot.learntRound = pending.round
        slot.socketIndex = pending.index
        self.file[self.block] = slot
        let census = Census(self.file, self.directory, own: self.block)
        // The last one to answer sets the program for all.
        if census.isLearnt { try? self.attach(census) }
    }
}

// MARK: - Repair

extension Membership {
    /// Least time between two repairs of one registry.
    private static var repairIntervalNanoseconds: UInt64 { 100_000_000 }

    /// Asks for a repair, because a datagram came to the wrong process.
    internal func requestRepair() {
        self.lock.withLock {
            self.repair.isRequested = true
            self.workUnderGuard()
        }
    }

    /// When `refreshIfNeeded` wants to be called, on the monotonic clock; `nil` when it has nothing to do.
    package var nextRefreshNanoseconds: UInt64? {
        guard self.needsRefresh.load(ordering: .relaxed), self.isPresent else { return nil }
        return self.lock.withLock {
            if self.repair.isIdle { return nil }
            if self.repair.isRequested || self.repair.pending != nil { return MonotonicClock.now + 1_000_000 }
            return self.repair.roundDeadlineNanoseconds
        }
    }

    /// Does what had to wait: call it now and then, at the latest at `nextRefreshNanoseconds`. Cheap when nothing is due.
    package func refreshIfNeeded() {
        guard self.needsRefresh.load(ordering: .relaxed), self.isPresent else { return }
        self.lock.withLock { self.workUnderGuard() }
    }

    /// Does all that is due if the guard is free now, and leaves it to the next call if not. The caller holds the lock.
    private func workUnderGuard() {
        defer { self.needsRefresh.store(!self.repair.isIdle, ordering: .relaxed) }
        guard self.isPresent, self.file.tryLockGuard() else { return }
        defer { self.file.unlockGuard() }
        self.enterPendingIndex()
        let now = MonotonicClock.now
        if let deadline = self.repair.roundDeadlineNanoseconds, now >= deadline {
            self.repair.roundDeadlineNanoseconds = nil
            let census = Census(self.file, self.directory, own: self.block)
            if !census.isLearnt {
                census.writeIndices(self.file)
                try? self.attach(census)
            }
        }
        if self.repair.isRequested, now >= self.file.lastRepairNanoseconds &+ Self.repairIntervalNanoseconds {
            self.repair.isRequested = false
            self.file.lastRepairNanoseconds = now
            let census = Census(self.file, self.directory, own: self.block)
            if census.deathCount > 0 { try? self.attach(census) }
            self.beginRound(count: census.table.count)
        }
    }
}
