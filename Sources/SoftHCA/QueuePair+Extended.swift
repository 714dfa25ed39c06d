internal import Segment
package import SystemIO
internal import Transport
internal import Wire

// Extended reliable connections (IBTA Volume 1, Annex A14): the initiator's queue pair has the requester, the target's the
// responder of a reliable connection. Every request names a shared receive queue, whose domain says what the request may
// touch, and whose completion queue reports it.

extension QueuePair {
    /// One packet for an extended connection: answers are for the initiator, requests for the target.
    internal func receiveExtended(_ header: PacketHeader, payload: RawSpan, origin: PacketOrigin, now: Timestamp) {
        let opcode = header.bth.opcode
        guard opcode.transport == .xrc, opcode.isRequest == (self.type == .extendedReceive), self.state.canReceive,
            self.comesFromPeer(origin)
        else { return }
        if opcode.isRequest, !self.chooseTarget(header.xrceth.xrcSRQ) { return }
        var header = header
        header.bth.opcode = opcode.onReliableConnection
        self.receiveConnected(header, payload: payload, now: now)
    }

    /// Finds the shared receive queue of a request. There may be none: then the responder refuses what needs one.
    ///
    /// - Returns: `false` when the packet belongs to another queue than the message in work, and is dropped.
    private func chooseTarget(_ number: QPN) -> Bool {
        if self.receive.isActive, let target = self.target { return target.extended?.number == number }
        if self.receive.isActive, let target = self.peerTarget { return target.number == number.rawValue }
        let queue = unsafe self.engine.extendedQueues[number]?.takeUnretainedValue()
        self.target = queue?.extended?.domain.domain === self.xrcDomain?.domain ? queue : nil
        self.peerTarget = queue == nil ? self.peerQueue(number) : nil
        return true
    }

    /// So many queues of other processes are kept in mind.
    private static var peerQueuesMax: Int { 256 }

    /// The shared receive queue of another process that has the domain open, too.
    private func peerQueue(_ number: QPN) -> PeerReceiveQueue? {
        if let known = self.peerQueues.first(where: { $0.number == number.rawValue }), known.isThere { return known }
        guard let identity = self.xrcDomain?.domain.identity, let peer = self.engine.queuePeer(owning: number),
            let found = PeerReceiveQueue(number.rawValue, at: peer, in: identity)
        else { return nil }
        self.peerQueues.removeAll { !$0.isThere }
        if self.peerQueues.count >= Self.peerQueuesMax { self.peerQueues.removeFirst() }
        self.peerQueues.append(found)
        return found
    }

    /// A shared receive queue goes: what was in work for it is forgotten.
    internal func forgetTarget(_ queue: SharedReceiveQueue) {
        guard self.target === queue else { return }
        self.target = nil
        self.receive.isActive = false
    }

    /// Copies memory that the peer READs, which was checked when the request came: it lies in the domain of one of the
    /// queues that requests may name.
    @unsafe
    internal func loadExtended(
        rKey: UInt32,
        address: UInt64,
        byteCount: Int,
        into target: UnsafeMutableRawPointer
    ) -> Bool {
        guard let domain = self.xrcDomain?.domain else { return false }
        for index in 0..<(unsafe domain.queues.count) {
            let handle = unsafe domain.queues[index]._withUnsafeGuaranteedRef { $0.domain.handle }
            let accessor = MemoryAccessor.remote(domain: handle, queuePair: self.number)
            // SAFETY: as the caller's.
            if unsafe self.load(rKey: rKey, address: address, byteCount: byteCount, by: accessor, into: target) {
                return true
            }
        }
        return self.peerQueues.contains { queue in
            // SAFETY: as the caller's.
            unsafe queue.read(rKey: rKey, address: address, byteCount: byteCount, into: target, target: self.number)
        }
    }
}

// MARK: - Sharing

extension QueuePair {
    /// Opens a target queue pair that is there. See ibv_open_qp(3).
    ///
    /// - Parameter user: By which C knows it.
    /// - Throws: `EINVAL` when the domain has no such queue pair in this process; `EIO` in a forked child.
    package static func open(
        number: UInt32,
        in domain: OpenXRCDomain,
        as user: UnsafeMutableRawPointer
    ) throws(Errno) -> QueuePair {
        try ProcessGuard.check(domain.generation)
        let engine = domain.context.engine
        return try engine.lock.withLock { () throws(Errno) -> QueuePair in
            guard number <= 0xFF_FFFF,
                let queuePair = unsafe engine.queuePairs[QPN(truncating: number)]?.takeUnretainedValue(),
                queuePair.xrcDomain?.domain === domain.domain
            else { throw .invalidArgument }
            if unsafe queuePair.sharers.isEmpty, let first = unsafe queuePair.userObject {
                unsafe queuePair.sharers.append(first)
            }
            unsafe queuePair.sharers.append(user)
            return queuePair
        }
    }

    /// Takes one of those who share the queue pair away.
    ///
    /// - Returns: `false` when nobody else has it.
    internal func leaveToOthers(_ user: UnsafeMutableRawPointer?) -> Bool {
        let isShared = self.engine.lock.withLock {
            unsafe self.sharers.removeAll { unsafe $0 == user }
            guard let heir = unsafe self.sharers.first else { return false }
            if unsafe self.userObject == user { unsafe self.userObject = heir }
            return true
        }
        // Events that name the structure that goes must not outlive it.
        if isShared { self.domain.context.asyncEvents.retire(self.asyncAccount) }
        return isShared
    }
}

extension PacketHeader {
    /// The same packet on an extended connection.
    ///
    /// - Parameter number: The shared receive queue that a request is for.
    internal func onExtendedConnection(for number: UInt32) -> PacketHeader {
        var header = self
        header.bth.opcode = Opcode(rawValue: self.bth.opcode.operation | 0xA0)
        header.xrceth = XRCETH(xrcSRQ: QPN(truncating: number))
        return header
    }
}

extension Opcode {
    /// The same operation on a reliable connection.
    fileprivate var onReliableConnection: Opcode { Opcode(rawValue: self.operation) }
}
