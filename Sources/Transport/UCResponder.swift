package import Wire

/// The responder half of an unreliable connection (IBTA Volume 1, section 9.8.3).
///
/// It answers nothing. A message of which a packet is missing or refused is dropped silently; a receive request that was
/// taken for it is kept for the next message. Messages may come twice or overtake each other where the network does that:
/// the service does not promise otherwise, and a PSN that the receiver would insist on could be forged.
package struct UCResponder: ~Copyable {
    private enum Message {
        case none
        case send(byteCount: UInt32)
        case write(WriteProgress)
    }

    private var pathMTU: PathMTU
    /// Of the next packet of the message in work, or of the next message.
    private var expectedPSN: PSN
    private var message = Message.none
    /// Whether a receive request of the host is in work, or kept.
    private var hasReceive = false
    private var isFailed = false
    package private(set) var counters = ResponderCounters()

    /// - Parameter expectedPSN: the `rq_psn` of the queue pair.
    package init(expectedPSN: PSN, pathMTU: PathMTU) {
        self.expectedPSN = expectedPSN
        self.pathMTU = pathMTU
    }
}

// MARK: - Life

extension UCResponder {
    /// Forgets everything and begins anew: a queue pair that went through RESET. A receive request in work is the
    /// host's to forget.
    package mutating func reset(expectedPSN: PSN, pathMTU: PathMTU) {
        self = UCResponder(expectedPSN: expectedPSN, pathMTU: pathMTU)
    }

    /// The queue pair goes to the error state. A receive request in work completes as flushed.
    package mutating func enterError<Host: ResponderHost & ~Copyable>(host: inout Host) {
        self.isFailed = true
        guard self.hasReceive else { return }
        self.hasReceive = false
        host.completeReceive(ReceiveCompletion(failed: .flushed))
    }

    package var isInError: Bool { self.isFailed }
}

// MARK: - Requests

extension UCResponder {
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
        guard !self.isFailed, opcode.transport == .uc, opcode.isSend || opcode.isWrite else {
            self.counters.invalid &+= 1
            return .none
        }
        let isStart = opcode.isFirst || opcode.isOnly
        guard isStart || header.bth.psn == self.expectedPSN else {
            self.counters.outOfSequence &+= 1
            self.dropMessage()
            return .none
        }
        // A message may begin at any PSN: what was expected instead is lost, or came before.
        self.expectedPSN = header.bth.psn.advanced(by: 1)
        if isStart { self.dropMessage() }
        guard self.pathMTU.fits(payload.byteCount, opcode.traits) else {
            self.refusePacket()
            return .none
        }
        return opcode.isSend
            ? self.receiveSend(header, payload: payload, isStart: isStart, host: &host)
            : self.receiveWrite(header, payload: payload, isStart: isStart, host: &host)
    }

    private mutating func dropMessage() {
        if case .none = self.message { return }
        self.counters.droppedMessages &+= 1
        self.message = .none
    }

    private mutating func refusePacket() {
        self.counters.invalid &+= 1
        self.dropMessage()
    }

    private mutating func receiveSend<Host: ResponderHost & ~Copyable>(
        _ header: PacketHeader,
        payload: RawSpan,
        isStart: Bool,
        host: inout Host
    ) -> ResponderAction {
        let offset: UInt32
        switch self.message {
        case .none where isStart: offset = 0
        case .send(let byteCount) where !isStart: offset = byteCount
        default:
            self.refusePacket()
            return .none
        }
        guard UInt64(offset) + UInt64(payload.byteCount) <= UInt64(SendRequest.byteCountMax) else {
            self.refusePacket()
            return .none
        }
        switch isStart ? self.beginReceive(host: &host) : .ready {
        case .ready: break
        case .drop: return .none
        case .fail: return .failed(.receiveError)
        }
        if payload.byteCount > 0 {
            let status = host.placeReceive(messageOffset: offset, payload: payload)
            if status == .localLengthError {
                self.refusePacket()
                return .none
            }
            guard status == .success else { return self.failReceive(status: status, host: &host) }
        }
        let byteCount = offset + UInt32(payload.byteCount)
        if header.bth.opcode.isLast || header.bth.opcode.isOnly {
            self.completeReceive(ReceiveCompletion(.send, byteCount: byteCount, header: header), host: &host)
        } else {
            self.message = .send(byteCount: byteCount)
        }
        return .none
    }

    private mutating func receiveWrite<Host: ResponderHost & ~Copyable>(
        _ header: PacketHeader,
        payload: RawSpan,
        isStart: Bool,
        host: inout Host
    ) -> ResponderAction {
        let isEnd = header.bth.opcode.isLast || header.bth.opcode.isOnly
        let progress: WriteProgress
        switch self.message {
        case .none where isStart: progress = WriteProgress(header.reth)
        case .write(let current) where !isStart: progress = current
        default:
            self.refusePacket()
            return .none
        }
        guard progress.byteCount <= SendRequest.byteCountMax, progress.takes(payload.byteCount, isEnd: isEnd),
            !isStart || Self.mayWrite(progress, host: &host)
        else {
            self.refusePacket()
            return .none
        }
        let hasImmediate = header.bth.opcode.hasImmediate
        switch hasImmediate ? self.beginReceive(host: &host) : .ready {
        case .ready: break
        case .drop: return .none
        case .fail: return .failed(.receiveError)
        }
        if payload.byteCount > 0 {
            let check = host.placeWrite(rKey: progress.rKey, address: progress.address, payload: payload)
            guard check == .ok else {
                self.refusePacket()
                return .none
            }
        }
        self.message = isEnd ? .none : .write(progress.advanced(by: UInt32(payload.byteCount)))
        if hasImmediate {
            let completion = ReceiveCompletion(.writeWithImmediate, byteCount: progress.byteCount, header: header)
            self.completeReceive(completion, host: &host)
        }
        return .none
    }

    private static func mayWrite<Host: ResponderHost & ~Copyable>(
        _ progress: WriteProgress,
        host: inout Host
    ) -> Bool {
        guard progress.byteCount > 0 else { return true }
        let byteCount = UInt64(progress.byteCount)
        return host.checkRemote(rKey: progress.rKey, address: progress.address, byteCount: byteCount, access: .write)
            == .ok
    }
}

// MARK: - Receive requests

extension UCResponder {
    private enum BeginAction {
        case ready
        case drop
        case fail
    }

    /// Takes a receive request, unless one was kept from a message that was dropped.
    private mutating func beginReceive<Host: ResponderHost & ~Copyable>(host: inout Host) -> BeginAction {
        if self.hasReceive { return .ready }
        switch host.beginReceive() {
        case .ready:
            self.hasReceive = true
            return .ready
        case .empty, .noQueue:
            self.counters.receiverNotReady &+= 1
            self.counters.droppedMessages &+= 1
            self.message = .none
            return .drop
        case .error(let status):
            self.hasReceive = true
            _ = self.failReceive(status: status, host: &host)
            return .fail
        }
    }

    private mutating func failReceive<Host: ResponderHost & ~Copyable>(
        status: CompletionStatus,
        host: inout Host
    ) -> ResponderAction {
        self.completeReceive(ReceiveCompletion(failed: status), host: &host)
        self.isFailed = true
        return .failed(.receiveError)
    }

    private mutating func completeReceive<Host: ResponderHost & ~Copyable>(
        _ completion: ReceiveCompletion,
        host: inout Host
    ) {
        self.message = .none
        self.hasReceive = false
        host.completeReceive(completion)
    }
}
