internal import HostRegistry
internal import Segment
internal import SystemIO
internal import Transport
internal import Wire

// Which processes of this host are reached directly, and what they ask of this one.

extension Engine {
    /// Lets the processes of this host work on the segment. The background thread has started.
    internal func admitPeers() throws(Errno) {
        let header = self.segment.header
        // Peers take whom the thread does not answer for as dead.
        while !header.isOwnerAlive { Scheduling.yield() }
        let membership = self.membership
        self.segment.liveness.isAlive = { [unowned membership] block, incarnation in
            membership.isAlive(block: block, incarnation: incarnation)
        }
        if self.policy != .wire { CrossMemory.admitOthers() }
        header.wakeDescriptor.storeRelaxed(UInt32(bitPattern: self.wake.rawDescriptor + 1))
        header.admitsPeers.storeReleasing(self.policy == .wire ? 0 : 1)
        try self.membership.publishSegment(rawDescriptor: self.segment.mapping.descriptor.rawValue)
    }

    /// Chooses the way of a connection, and counts and tells the choice. The caller holds the lock.
    ///
    /// - Returns: The peer when it is reached directly.
    /// - Throws: EHOSTUNREACH when only the direct way is allowed, and there is none.
    internal func choosePath(to qpn: QPN, over path: WirePath) throws(Errno) -> DirectPeer? {
        do throws(PathRefusal) {
            let peer = try self.peer(owning: qpn, over: path)
            self.note(.direct, to: qpn)
            return peer
        } catch {
            self.note(error.choice, to: qpn)
            guard self.policy == .direct else { return nil }
            Diagnostics.warn(
                "VERBENA_PATH=direct, and queue pair \(qpn.rawValue) cannot be reached so; it would go "
                    + error.choice.explanation + "."
            )
            throw .hostUnreachable
        }
    }

    private func note(_ choice: PathChoice, to qpn: QPN) {
        self.segment.header.counter(choice.counter).add(1)
        Diagnostics.debug("queue pair \(qpn.rawValue) is reached \(choice.explanation).")
    }

    private func peer(owning qpn: QPN, over path: WirePath) throws(PathRefusal) -> DirectPeer {
        guard self.policy != .wire else { throw PathRefusal(.wireByPolicy) }
        guard path.isLocal else { throw PathRefusal(.otherHost) }
        // Whether it has such a queue pair shows with each request: one that has none does not answer.
        return try self.peer(owning: qpn)
    }

    /// The process that has a queue pair number, mapped now if it was not.
    internal func peer(owning qpn: QPN) throws(PathRefusal) -> DirectPeer {
        let block = qpn.rawValue >> UInt32(QPNBlock.numberBitCount)
        if block == self.membership.block.rawValue {
            if let own = self.peers[block] { return own }
            let own = DirectPeer(self)
            self.peers[block] = own
            return own
        }
        guard let member = self.membership.member(owning: qpn) else { throw PathRefusal(.otherHost) }
        if let known = self.peers[block], known.incarnation == member.incarnation, !known.hasEnded { return known }
        let peer = try DirectPeer(member, of: self)
        if let descriptor = peer.processDescriptor {
            try? self.poller.add(descriptor, token: Token.firstProcess + UInt64(block))
        }
        self.peers[block] = peer
        return peer
    }

    /// The process that a datagram is for, if it is reached directly. No failure, for the wire is always there.
    @inline(always)
    internal func datagramPeer(owning qpn: QPN, over path: WirePath) -> Unmanaged<DirectPeer>? {
        guard path.isLocal, self.policy != .wire else { return nil }
        let block = qpn.rawValue >> UInt32(QPNBlock.numberBitCount)
        return unsafe self.peers.known(block) ?? self.findDatagramPeer(owning: qpn, block)
    }

    /// The process that has a shared receive queue, if it is reached directly. Nobody else works on its memory.
    internal func queuePeer(owning number: QPN) -> DirectPeer? {
        let block = number.rawValue >> UInt32(QPNBlock.numberBitCount)
        let now = MonotonicClock.now
        guard self.policy != .wire, QPNBlock(containing: number) != nil, block != self.membership.block.rawValue,
            !self.peers.isRefused(block, now: now)
        else { return nil }
        do throws(PathRefusal) {
            return try self.peer(owning: number)
        } catch {
            self.peers.refuse(block, now: now)
            return nil
        }
    }

    private func findDatagramPeer(owning qpn: QPN, _ block: UInt32) -> Unmanaged<DirectPeer>? {
        let now = MonotonicClock.now
        guard QPNBlock(containing: qpn) != nil, !self.peers.isRefused(block, now: now) else { return nil }
        do throws(PathRefusal) {
            let peer = try self.peer(owning: qpn)
            self.note(.direct, to: qpn)
            return unsafe .passUnretained(peer)
        } catch {
            self.peers.refuse(block, now: now)
            self.note(error.choice, to: qpn)
            return nil
        }
    }
}

// MARK: - Memory of this process

extension Engine {
    /// The address of what a local key names. The caller has said that it is at work, so the region stays.
    @inline(always)
    internal func address(of location: MemoryLocation, isSink: Bool) -> UInt {
        switch location.place {
        case .process: return UInt(location.position)
        case .segment: return UInt(self.segment.header.ownerAddress.relaxed &+ location.position)
        case .nowhere: return unsafe UInt(bitPattern: self.scratch.nowhere(isSink: isSink))
        }
    }
}

// MARK: - What peers ask

extension Engine {
    /// Looks at the queue pairs that a peer has left something at. The caller holds the lock.
    @inline(always)
    internal func serveAttention(now: Timestamp) {
        if self.segment.header.attention.relaxed != 0 { self.serveAllAttention(now: now) }
    }

    private func serveAllAttention(now: Timestamp) {
        let header = self.segment.header
        guard header.attention.exchange(0) != 0 else { return }
        let upperBits = self.membership.block.rawValue << UInt32(QPNBlock.numberBitCount)
        for wordIndex in 0..<SegmentHeader.attentionWordCount where header.attention(wordIndex).relaxed != 0 {
            var bits = header.attention(wordIndex).exchange(0)
            while bits != 0 {
                let number = QPN(truncating: upperBits | UInt32(wordIndex * 64 + bits.trailingZeroBitCount))
                bits &= bits &- 1
                // SAFETY: whatever is in the directory is alive.
                unsafe self.queuePairs[number]?._withUnsafeGuaranteedRef { $0.attend(now: now) }
                unsafe self.extendedQueues[number]?._withUnsafeGuaranteedRef { $0.catchUpWithPeers() }
            }
        }
        self.serveTouched(now: now)
    }

    /// Receive requests were posted that a peer waits for: tells it.
    internal func notifyWaiters(of ring: ReceiveRing) {
        self.lock.lock()
        self.queuePairs.forEach { queuePair in
            if queuePair.takesReceives(from: ring) { queuePair.notifyWaitingPeer() }
        }
        self.serveAttention(now: Timestamp(nanoseconds: MonotonicClock.now))
        self.finishRound(now: Timestamp(nanoseconds: MonotonicClock.now))
        self.lock.unlock()
    }

    /// Some process of this host has ended. The caller holds the lock.
    internal func noteDeaths() {
        self.peers.forEach { peer in
            guard !peer.isSelf, !peer.hasEnded, !peer.isAlive else { return }
            peer.hasEnded = true
            if let descriptor = peer.processDescriptor { try? self.poller.remove(descriptor) }
            self.queuePairs.forEach { queuePair in
                guard queuePair.direct?.peer === peer else { return }
                queuePair.receiveCompletions.raiseEventAfterDeath()
                queuePair.attend(now: Timestamp(nanoseconds: MonotonicClock.now))
            }
        }
    }
}
