package import Wire

/// What the driver must do about a packet that the responder took.
package enum ResponderAction: Equatable, Sendable {
    case none
    /// The queue pair goes to the error state. `pollTransmit` still has something to say to the peer: poll it first.
    case failed(ResponderFailure)
}

// MARK: - Requests

extension RCResponder {
    /// A request packet of this connection arrived.
    ///
    /// - Parameter payload: without the pad.
    package mutating func receive<Host: ResponderHost & ~Copyable>(
        _ header: PacketHeader,
        payload: RawSpan,
        host: inout Host,
        now: Timestamp
    ) -> ResponderAction {
        let opcode = header.bth.opcode
        guard !self.isFailed, opcode.transport == .rc, !opcode.isResponse else {
            self.counters.invalid &+= 1
            return .none
        }
        let position = self.expected.nearest(header.bth.psn)
        if position > self.expected {
            self.reportGap()
            return .none
        }
        if position < self.expected {
            self.receiveDuplicate(header, at: position, host: &host)
            return .none
        }
        let traits = opcode.traits
        if traits.has(.send) { return self.receiveSend(header, payload: payload, host: &host) }
        if traits.has(.write) { return self.receiveWrite(header, payload: payload, host: &host) }
        guard case .none = self.message else { return self.refuse(.invalidRequest, .requestError, host: &host) }
        switch opcode {
        case .rcReadRequest: return self.receiveRead(header, payload: payload, host: &host)
        case .rcCompareSwap, .rcFetchAdd: return self.receiveAtomic(header, payload: payload, host: &host)
        case .rcAtomicWrite: return self.receiveAtomicWrite(header, payload: payload, host: &host)
        default: return self.refuse(.invalidRequest, .requestError, host: &host)
        }
    }

    private mutating func reportGap() {
        self.counters.outOfSequence &+= 1
        guard !self.hasReportedGap else { return self.marks.formUnion(.gapKeptSilent) }
        self.hasReportedGap = true
        self.pendingNAK = PendingNAK(syndrome: .nak(.psnSequenceError), position: self.expected)
    }

    /// Asks the requester to come back later with this packet.
    private mutating func reportNotReady() -> ResponderAction {
        self.counters.receiverNotReady &+= 1
        self.marks.formUnion(.receiverNotReady)
        self.hasReportedGap = true
        self.pendingNAK = PendingNAK(syndrome: .rnrNAK(self.configuration.rnrTimer), position: self.expected)
        return .none
    }

    /// Says no for good.
    private mutating func refuse<Host: ResponderHost & ~Copyable>(
        _ code: NAKCode,
        _ failure: ResponderFailure,
        receiveStatus: CompletionStatus = .remoteInvalidRequest,
        host: inout Host
    ) -> ResponderAction {
        self.isFailed = true
        if code == .remoteAccessError { self.marks.formUnion(.accessRefused) }
        if receiveStatus == .localLengthError { self.marks.formUnion(.messageTooLong) }
        self.pendingNAK = PendingNAK(syndrome: .nak(code), position: self.expected)
        self.abandonReceive(status: receiveStatus, host: &host)
        return .failed(failure)
    }

    private mutating func refuse<Host: ResponderHost & ~Copyable>(
        _ check: RemoteCheck,
        host: inout Host
    ) -> ResponderAction {
        check == .invalidRequest
            ? self.refuse(.invalidRequest, .requestError, host: &host)
            : self.refuse(.remoteAccessError, .accessError, host: &host)
    }

    /// The request at `expected` is executed.
    private mutating func advance(by packetCount: UInt32) {
        self.expected = self.expected.advanced(by: packetCount)
        self.hasReportedGap = false
        // A report about the gap that has just closed would make the requester repeat for nothing.
        if self.pendingNAK != nil { self.marks.formUnion(.nakWithdrawn) }
        self.pendingNAK = nil
    }
}

// MARK: - SEND

extension RCResponder {
    private mutating func receiveSend<Host: ResponderHost & ~Copyable>(
        _ header: PacketHeader,
        payload: RawSpan,
        host: inout Host
    ) -> ResponderAction {
        let traits = header.bth.opcode.traits
        let isStart = traits.isStart
        let offset: UInt32
        switch self.message {
        case .none where isStart: offset = 0
        case .send(let byteCount) where !isStart: offset = byteCount
        default: return self.refuse(.invalidRequest, .requestError, host: &host)
        }
        guard self.configuration.pathMTU.fits(payload.byteCount, traits),
            UInt64(offset) + UInt64(payload.byteCount) <= UInt64(SendRequest.byteCountMax)
        else { return self.refuse(.invalidRequest, .requestError, host: &host) }

        if isStart {
            switch self.beginReceive(host: &host) {
            case .ready: break
            case .stop(let action): return action
            }
        }
        if payload.byteCount > 0 {
            let status = host.placeReceive(messageOffset: offset, payload: payload)
            guard status == .success else {
                let code: NAKCode = status == .localLengthError ? .invalidRequest : .remoteOperationalError
                return self.refuse(code, .receiveError, receiveStatus: status, host: &host)
            }
        }
        let byteCount = offset + UInt32(payload.byteCount)
        guard traits.isEnd else {
            self.message = .send(byteCount: byteCount)
            self.finishPacket(header)
            return .none
        }
        if traits.has(.invalidate) {
            guard host.invalidate(rKey: header.invalidateRKey) else {
                return self.refuse(.remoteAccessError, .accessError, host: &host)
            }
        }
        self.completeReceive(.send, byteCount: byteCount, header: header, host: &host)
        self.finishMessage(header)
        return .none
    }

    private enum BeginAction {
        case ready
        case stop(ResponderAction)
    }

    private mutating func beginReceive<Host: ResponderHost & ~Copyable>(host: inout Host) -> BeginAction {
        switch host.beginReceive() {
        case .ready:
            self.hasReceive = true
            return .ready
        case .empty:
            return .stop(self.reportNotReady())
        case .noQueue:
            return .stop(self.refuse(.invalidRequest, .requestError, host: &host))
        case .error(let status):
            self.hasReceive = true
            return .stop(self.refuse(.remoteOperationalError, .receiveError, receiveStatus: status, host: &host))
        }
    }

    private mutating func completeReceive<Host: ResponderHost & ~Copyable>(
        _ operation: ReceiveCompletion.Operation,
        byteCount: UInt32,
        header: PacketHeader,
        host: inout Host
    ) {
        self.hasReceive = false
        host.completeReceive(ReceiveCompletion(operation, byteCount: byteCount, header: header))
    }

    private mutating func finishPacket(_ header: PacketHeader) {
        self.advance(by: 1)
        if header.bth.isAckRequested { self.isAckPending = true }
    }

    private mutating func finishMessage(_ header: PacketHeader) {
        self.message = .none
        self.msn = self.msn.advanced(by: 1)
        self.finishPacket(header)
    }
}

// MARK: - WRITE

extension RCResponder {
    private mutating func receiveWrite<Host: ResponderHost & ~Copyable>(
        _ header: PacketHeader,
        payload: RawSpan,
        host: inout Host
    ) -> ResponderAction {
        let traits = header.bth.opcode.traits
        let isStart = traits.isStart
        let isEnd = traits.isEnd
        let progress: WriteProgress
        switch self.message {
        case .none where isStart: progress = WriteProgress(header.reth)
        case .write(let current) where !isStart: progress = current
        default: return self.refuse(.invalidRequest, .requestError, host: &host)
        }
        guard self.configuration.pathMTU.fits(payload.byteCount, traits),
            progress.byteCount <= SendRequest.byteCountMax,
            progress.takes(payload.byteCount, isEnd: isEnd)
        else { return self.refuse(.invalidRequest, .requestError, host: &host) }

        if isStart, progress.byteCount > 0 {
            let check = host.checkRemote(
                rKey: progress.rKey,
                address: progress.address,
                byteCount: UInt64(progress.byteCount),
                access: .write
            )
            guard check == .ok else { return self.refuse(check, host: &host) }
        }
        if traits.has(.immediate) {
            switch self.beginReceive(host: &host) {
            case .ready: break
            case .stop(let action): return action
            }
        }
        if payload.byteCount > 0 {
            let check = host.placeWrite(rKey: progress.rKey, address: progress.address, payload: payload)
            guard check == .ok else { return self.refuse(check, host: &host) }
        }
        guard isEnd else {
            self.message = .write(progress.advanced(by: UInt32(payload.byteCount)))
            self.finishPacket(header)
            return .none
        }
        if traits.has(.immediate) {
            self.completeReceive(.writeWithImmediate, byteCount: progress.byteCount, header: header, host: &host)
        }
        self.finishMessage(header)
        return .none
    }
}

// MARK: - READ and atomics

extension RCResponder {
    private mutating func receiveRead<Host: ResponderHost & ~Copyable>(
        _ header: PacketHeader,
        payload: RawSpan,
        host: inout Host
    ) -> ResponderAction {
        let reth = header.reth
        guard payload.byteCount == 0, reth.dmaByteCount <= SendRequest.byteCountMax,
            self.responses.freshCount < self.configuration.readsMax
        else { return self.refuse(.invalidRequest, .requestError, host: &host) }
        let check = Self.checkRead(reth, host: &host)
        guard check == .ok else { return self.refuse(check, host: &host) }
        let content = ResponseEntry.Content.read(
            rKey: reth.rKey,
            address: reth.virtualAddress,
            byteCount: reth.dmaByteCount
        )
        self.owe(content, packetCount: self.configuration.pathMTU.packetCount(ofMessage: reth.dmaByteCount))
        return .none
    }

    private static func checkRead<Host: ResponderHost & ~Copyable>(_ reth: RETH, host: inout Host) -> RemoteCheck {
        guard reth.dmaByteCount > 0 else { return .ok }
        return host.checkRemote(
            rKey: reth.rKey,
            address: reth.virtualAddress,
            byteCount: UInt64(reth.dmaByteCount),
            access: .read
        )
    }

    /// Notes the answer to the request at `expected`, and goes on to the next.
    private mutating func owe(_ content: ResponseEntry.Content, packetCount: UInt32) {
        self.msn = self.msn.advanced(by: 1)
        self.responses.append(
            ResponseEntry(
                start: self.expected,
                packetCount: packetCount,
                content: content,
                isFresh: true,
                msn: self.msn
            )
        )
        self.advance(by: packetCount)
    }

    private mutating func receiveAtomic<Host: ResponderHost & ~Copyable>(
        _ header: PacketHeader,
        payload: RawSpan,
        host: inout Host
    ) -> ResponderAction {
        let eth = header.atomicETH
        guard payload.byteCount == 0, eth.virtualAddress & 7 == 0,
            self.responses.freshCount < self.configuration.readsMax
        else { return self.refuse(.invalidRequest, .requestError, host: &host) }
        let check = host.checkRemote(rKey: eth.rKey, address: eth.virtualAddress, byteCount: 8, access: .atomic)
        guard check == .ok else { return self.refuse(check, host: &host) }
        let isSwap = header.bth.opcode == .rcCompareSwap
        let result = host.atomic(
            rKey: eth.rKey,
            address: eth.virtualAddress,
            operation: isSwap ? .compareAndSwap : .fetchAndAdd,
            compareOrAdd: isSwap ? eth.compare : eth.swapOrAdd,
            swap: isSwap ? eth.swapOrAdd : 0
        )
        switch result {
        case .executed(let originalValue):
            self.atomics.save(.atomic(originalValue: originalValue), at: self.expected)
            self.owe(.atomic(originalValue: originalValue), packetCount: 1)
            return .none
        case .busy: return self.reportNotReady()
        case .refused: return self.refuse(.remoteAccessError, .accessError, host: &host)
        }
    }

    private mutating func receiveAtomicWrite<Host: ResponderHost & ~Copyable>(
        _ header: PacketHeader,
        payload: RawSpan,
        host: inout Host
    ) -> ResponderAction {
        let reth = header.reth
        guard payload.byteCount == 8, reth.dmaByteCount == 8, reth.virtualAddress & 7 == 0,
            self.responses.freshCount < self.configuration.readsMax
        else { return self.refuse(.invalidRequest, .requestError, host: &host) }
        var check = host.checkRemote(rKey: reth.rKey, address: reth.virtualAddress, byteCount: 8, access: .write)
        if check == .ok {
            check = host.placeWrite(rKey: reth.rKey, address: reth.virtualAddress, payload: payload)
        }
        guard check == .ok else { return self.refuse(check, host: &host) }
        self.atomics.save(.atomicWrite, at: self.expected)
        self.owe(.atomicWrite, packetCount: 1)
        return .none
    }
}

// MARK: - Duplicates

extension RCResponder {
    /// A request that was executed before: the requester missed the answer, or the network copied the packet. SENDs and
    /// WRITEs are acknowledged again, READs are executed again, atomics are answered from the history.
    ///
    /// It never fails the connection: a copy may come late, when the region that it names is gone for good reason.
    private mutating func receiveDuplicate<Host: ResponderHost & ~Copyable>(
        _ header: PacketHeader,
        at position: SequencePosition,
        host: inout Host
    ) {
        let opcode = header.bth.opcode
        self.counters.duplicates &+= 1
        if opcode.isSend || opcode.isWrite {
            self.isAckPending = true
            return
        }
        let content: ResponseEntry.Content
        var packetCount: UInt32 = 1
        if opcode == .rcReadRequest {
            let reth = header.reth
            packetCount = self.configuration.pathMTU.packetCount(ofMessage: reth.dmaByteCount)
            guard reth.dmaByteCount <= SendRequest.byteCountMax,
                position.advanced(by: packetCount) <= self.expected,
                Self.checkRead(reth, host: &host) == .ok
            else {
                self.counters.invalid &+= 1
                self.marks.formUnion(.duplicateReadRefused)
                return
            }
            content = .read(rKey: reth.rKey, address: reth.virtualAddress, byteCount: reth.dmaByteCount)
        } else {
            guard let saved = self.atomics.content(at: position) else {
                self.counters.invalid &+= 1
                self.marks.formUnion(.duplicateAtomicForgotten)
                return
            }
            self.marks.formUnion(.duplicateAtomicAnswered)
            content = saved
        }
        let entry = ResponseEntry(
            start: position,
            packetCount: packetCount,
            content: content,
            isFresh: false,
            msn: self.msn
        )
        self.marks.formUnion(self.responses.insert(entry, readsMax: self.configuration.readsMax))
    }
}
