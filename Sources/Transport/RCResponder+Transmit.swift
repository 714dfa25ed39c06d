import Wire

// MARK: - Responses

extension RCResponder {
    /// The next packet to send, or `nil`: owed answers first, then a NAK, then an acknowledge of all that was received.
    package mutating func pollTransmit(now: Timestamp) -> ResponsePacket? {
        if let entry = self.responses.first {
            return self.answer(entry)
        }
        if let nak = self.pendingNAK {
            self.pendingNAK = nil
            // It acknowledges all before it.
            self.isAckPending = false
            return self.acknowledge(nak.syndrome, at: nak.position)
        }
        guard self.isAckPending else { return nil }
        self.isAckPending = false
        return self.acknowledge(.ack(credits: .unlimited), at: self.expected.predecessor)
    }

    /// Makes the next poll acknowledge everything once more, unless nothing was received or there is something else to
    /// say. A requester drops an acknowledge that it has had.
    package mutating func repeatAcknowledge() {
        guard !self.isFailed, self.pendingNAK == nil, self.msn != MSN(truncating: 0) else { return }
        self.isAckPending = true
    }

    /// The memory of the READ packet that was polled last is gone. To a first request the peer gets a remote access
    /// error; a repeated one stays without an answer, because the peer may have had it.
    package mutating func failRead() -> ResponderAction {
        guard let read = self.lastRead else { preconditionFailure("no READ was polled") }
        self.lastRead = nil
        self.marks.formUnion(read.isFresh ? .freshReadMemoryLost : .repeatedReadMemoryLost)
        if !read.isFresh {
            if let entry = self.responses.first, entry.start <= read.position { self.responses.removeFirst() }
            return .none
        }
        self.responses.removeAll()
        self.isFailed = true
        self.pendingNAK = PendingNAK(syndrome: .nak(.remoteAccessError), position: read.position)
        return .failed(.accessError)
    }

    private func acknowledge(_ syndrome: AETHSyndrome, at position: SequencePosition) -> ResponsePacket {
        var header = self.headerTemplate
        header.bth.psn = position.psn
        header.aeth = AETH(syndrome: syndrome, msn: self.msn)
        return ResponsePacket(header: header, source: .none)
    }

    private mutating func answer(_ entry: ResponseEntry) -> ResponsePacket {
        let position = entry.next
        self.responses.advanceFirst()
        // An answer acknowledges all before it.
        if entry.next.advanced(by: 1) == self.expected { self.isAckPending = false }
        var header = self.headerTemplate
        header.bth.opcode = .rcReadResponseOnly
        header.bth.psn = position.psn
        header.aeth.msn = entry.msn
        switch entry.content {
        case .atomic(let originalValue):
            header.bth.opcode = .rcAtomicAcknowledge
            header.atomicAckETH = AtomicAckETH(originalData: originalValue)
            return ResponsePacket(header: header, source: .none)
        case .atomicWrite:
            return ResponsePacket(header: header, source: .none)
        case .read(let rKey, let address, let byteCount):
            let mtu = self.configuration.pathMTU
            let offset = position.count(since: entry.start) << mtu.shift
            let payloadByteCount = min(mtu.byteCount, byteCount - offset)
            let isLast = position.advanced(by: 1) == entry.end
            header.bth.opcode = Self.readOpcode(isFirst: position == entry.start, isLast: isLast)
            header.bth.padCount = UInt8(truncatingIfNeeded: (0 &- payloadByteCount) & 3)
            guard payloadByteCount > 0 else { return ResponsePacket(header: header, source: .none) }
            self.lastRead = (position, entry.isFresh)
            let source = ResponsePacket.Source.memory(
                rKey: rKey,
                address: address &+ UInt64(offset),
                byteCount: Int(payloadByteCount)
            )
            return ResponsePacket(header: header, source: source)
        }
    }

    private static func readOpcode(isFirst: Bool, isLast: Bool) -> Opcode {
        switch (isFirst, isLast) {
        case (true, true): .rcReadResponseOnly
        case (true, false): .rcReadResponseFirst
        case (false, false): .rcReadResponseMiddle
        case (false, true): .rcReadResponseLast
        }
    }
}
