internal import HostRegistry
internal import Segment
package import SystemIO
internal import Transport
internal import Wire

// The state machine of IBTA Volume 1, section 10.3.1: `ibv_modify_qp`. Which attributes a transition needs and allows is
// in `QueuePairStateRules`.

extension QueuePair {
    /// Changes attributes, and with them perhaps the state.
    ///
    /// - Throws: EINVAL for a transition or an attribute that is not allowed, or a value out of range; nothing has
    ///   changed then. EIO in a forked child. See ibv_modify_qp(3).
    package func modify(_ wanted: QueuePairAttributes, mask: QueuePairAttributeMask) throws(Errno) {
        try ProcessGuard.check(self.generation)
        let hasReset = try self.engine.lock.withLock { () throws(Errno) -> Bool in
            try self.modifyLocked(wanted, mask: mask)
            self.engine.finishRound(now: Timestamp(nanoseconds: MonotonicClock.now))
            return self.state == .reset
        }
        // Not under the engine's lock: a program may post while it holds a completion queue's.
        if hasReset {
            self.removeCompletions()
            self.entry.resetArena()
        }
    }

    private func modifyLocked(_ wanted: QueuePairAttributes, mask: QueuePairAttributeMask) throws(Errno) {
        let mask = mask.subtracting(self.type.ignoredAttributes)
        if mask.contains(.currentState), wanted.currentState != self.state.rawValue { throw .invalidArgument }
        let next = mask.contains(.state) ? QueuePairState(rawValue: wanted.state) : self.state
        guard let next,
            QueuePairStateRules.allow(self.type, from: self.state, to: next, naming: mask)
        else { throw .invalidArgument }
        try self.check(wanted, mask: mask)
        var path = self.path
        if mask.contains(.addressVector) {
            path = try WirePath(wanted.primaryPath, context: self.domain.context)
            // Only a requester with a window heeds the marks of a congested network.
            if self.type == .reliable { path.trafficClass = ECN.capable.replacing(in: path.trafficClass) }
        }
        var peer: DirectPeer?
        if self.state == .initialized, next == .readyToReceive, self.type.mayBeDirect {
            peer = try self.engine.choosePath(to: QPN(truncating: wanted.destinationQP), over: path)
        }
        self.path = path
        self.adopt(wanted, mask: mask)
        if let peer { self.direct = DirectConnection(self, peer: peer) }
        self.rcRequester?.update(self.requesterConfiguration)
        self.rcResponder?.update(
            rnrTimer: RNRTimer(truncating: self.attributes.rnrTimer),
            readsMax: Int(self.attributes.readsMaxDestination)
        )
        self.enter(next, mask: mask)
    }

    /// The attributes as they are now.
    ///
    /// - Throws: EIO in a forked child.
    package func query() throws(Errno) -> QueuePairAttributes {
        try ProcessGuard.check(self.generation)
        return self.engine.lock.withLock {
            var attributes = self.attributes
            attributes.state = self.state.rawValue
            attributes.currentState = self.state.rawValue
            attributes.isSendDraining = self.state == .sendDrained && !self.isDrainReported
            attributes.capabilities = self.capabilities
            return attributes
        }
    }

    private func check(_ wanted: QueuePairAttributes, mask: QueuePairAttributeMask) throws(Errno) {
        let isInRange =
            (!mask.contains(.port) || wanted.port == 1)
            && (!mask.contains(.pKeyIndex) || wanted.pKeyIndex == 0)
            && (!mask.contains(.pathMTU) || PathMTU(rawValue: UInt8(clamping: wanted.pathMTU)) != nil)
            && (!mask.contains(.destinationQP) || wanted.destinationQP <= 0xFF_FFFF)
            && (!mask.contains(.readsMax) || wanted.readsMax <= Limits.reads)
            && (!mask.contains(.readsMaxDestination) || wanted.readsMaxDestination <= Limits.reads)
            && (!mask.contains(.timeout) || wanted.timeout < 32)
            && mask.isDisjoint(with: [.alternatePath, .pathMigrationState, .capabilities, .rateLimit])
        guard isInRange else { throw .invalidArgument }
    }

    /// Takes over what `mask` names. Of these three values neither rxe nor adapters refuse any, and programs have wider ones than
    /// the fields: the timer's code is the low five bits, and more than seven retries are seven.
    private func adopt(_ wanted: QueuePairAttributes, mask: QueuePairAttributeMask) {
        if mask.contains(.state), wanted.state == QueuePairState.sendDrained.rawValue {
            self.attributes.enablesDrainedEvent = mask.contains(.enablesDrainedEvent) && wanted.enablesDrainedEvent
        }
        if mask.contains(.access) { self.attributes.access = wanted.access }
        if mask.contains(.pKeyIndex) { self.attributes.pKeyIndex = wanted.pKeyIndex }
        if mask.contains(.port) { self.attributes.port = wanted.port }
        if mask.contains(.qKey) { self.attributes.qKey = wanted.qKey }
        if mask.contains(.addressVector) { self.attributes.primaryPath = wanted.primaryPath }
        if mask.contains(.pathMTU) { self.attributes.pathMTU = wanted.pathMTU }
        if mask.contains(.timeout) { self.attributes.timeout = wanted.timeout }
        if mask.contains(.retryCount) { self.attributes.retryCount = min(wanted.retryCount, 7) }
        if mask.contains(.rnrRetryCount) { self.attributes.rnrRetryCount = min(wanted.rnrRetryCount, 7) }
        if mask.contains(.receivePSN) { self.attributes.receivePSN = wanted.receivePSN & 0xFF_FFFF }
        if mask.contains(.readsMax) { self.attributes.readsMax = wanted.readsMax }
        if mask.contains(.rnrTimer) { self.attributes.rnrTimer = wanted.rnrTimer & 0x1F }
        if mask.contains(.sendPSN) { self.attributes.sendPSN = wanted.sendPSN & 0xFF_FFFF }
        if mask.contains(.readsMaxDestination) { self.attributes.readsMaxDestination = wanted.readsMaxDestination }
        if mask.contains(.destinationQP) { self.attributes.destinationQP = wanted.destinationQP }
    }

    private func enter(_ next: QueuePairState, mask: QueuePairAttributeMask) {
        let previous = self.state
        switch next {
        case .reset: self.reset()
        case .initialized: self.state = .initialized
        case .readyToReceive: self.becomeReadyToReceive()
        case .readyToSend: self.becomeReadyToSend(from: previous)
        case .sendDrained: self.drain(from: previous)
        case .sendError: self.state = .sendError
        case .error: self.enterError()
        }
        self.publish()
    }
}

// MARK: - Transitions

extension QueuePair {
    private func reset() {
        self.engine.untouch(self)
        self.state = .reset
        self.publish()
        self.engine.segment.waitForInitiators(patienceNanoseconds: Self.errorPatienceNanoseconds)
        self.forgetMachines()
        self.entry.forgetPeer()
        self.receiveRing?.removeAll()
        self.sendQueue.reset()
        self.attributes = QueuePairAttributes()
        self.hasReportedCommunication = false
        self.isDrainReported = true
        self.state = .reset
    }

    private func becomeReadyToReceive() {
        self.state = .readyToReceive
        self.usesSocket = self.direct == nil
        self.makeArena()
        self.mtu = self.chooseMTU()
        var configuration = ResponderConfiguration(pathMTU: self.mtu)
        configuration.rnrTimer = RNRTimer(truncating: self.attributes.rnrTimer)
        configuration.readsMax = Int(self.attributes.readsMaxDestination)
        let psn = PSN(truncating: self.attributes.receivePSN)
        let peer = QPN(truncating: self.attributes.destinationQP)
        switch self.type {
        case .reliable, .extendedReceive:
            self.congestionNotifier = CongestionNotifier(destQP: peer)
            self.rcResponder = RCResponder(expectedPSN: psn, destQP: peer, configuration: configuration)
        case .unreliableConnected:
            self.ucResponder = UCResponder(expectedPSN: psn, pathMTU: self.mtu)
        case .datagram, .extendedSend:
            break
        }
    }

    private func becomeReadyToSend(from previous: QueuePairState) {
        self.state = .readyToSend
        if previous == .sendDrained {
            self.startCommitted()
            self.rcRequester?.resume()
            self.ucRequester?.resume()
            self.engine.touch(self)
            self.engine.serveTouched(now: Timestamp(nanoseconds: MonotonicClock.now))
            return
        }
        if previous == .sendError {
            // The packet sequence goes on: the peer would take a new beginning for late copies.
            self.ucRequester?.recover()
            return
        }
        guard previous == .readyToReceive else { return }
        if let direct {
            direct.noteProgress(self.attributes)
            return
        }
        let psn = PSN(truncating: self.attributes.sendPSN)
        let peer = QPN(truncating: self.attributes.destinationQP)
        switch self.type {
        case .reliable, .extendedSend:
            self.rcRequester = RCRequester(
                capacity: self.sendQueue.capacity,
                firstPSN: psn,
                destQP: peer,
                configuration: self.requesterConfiguration
            )
        case .unreliableConnected:
            self.ucRequester = UCRequester(
                capacity: self.sendQueue.capacity,
                firstPSN: psn,
                destQP: peer,
                pathMTU: self.mtu
            )
        case .datagram:
            self.datagramPSN = psn
        case .extendedReceive:
            break
        }
    }

    private func drain(from previous: QueuePairState) {
        guard previous != .sendDrained else { return }
        let now = Timestamp(nanoseconds: MonotonicClock.now)
        self.state = .sendDrained
        self.isDrainReported = false
        self.rcRequester?.suspend()
        self.ucRequester?.suspend()
        self.engine.touch(self)
        self.engine.serveTouched(now: now)
    }

    /// The path MTU that was asked for, or the port's, if that is smaller: no larger packet would leave.
    private func chooseMTU() -> PathMTU {
        let port = self.domain.context.portAttributes()
        let active = PathMTU(rawValue: UInt8(clamping: port.activeMTU)) ?? .bytes256
        // A datagram has no path MTU of its own.
        guard self.type != .datagram else { return active }
        let asked = PathMTU(rawValue: UInt8(clamping: self.attributes.pathMTU)) ?? .bytes256
        return asked.byteCount <= active.byteCount ? asked : active
    }

    /// Packets under way: with packets of 1 KiB, as much as `windowBytes` allows.
    private static var windowPackets: UInt32 { 512 }

    private var requesterConfiguration: RequesterConfiguration {
        var configuration = RequesterConfiguration(pathMTU: self.mtu)
        configuration.retryCount = self.attributes.retryCount
        configuration.rnrRetryCount = self.attributes.rnrRetryCount
        configuration.ackTimeoutNanoseconds = LocalACKTimeout(truncating: self.attributes.timeout).nanoseconds ?? 0
        configuration.readsMax = Int(self.attributes.readsMax)
        // What is under way must fit into the peer's socket buffer, which we take to be as large as ours, with the
        // kernel's own overhead.
        let bufferByteCount = UInt32(clamping: self.engine.membership.socket.receiveBufferByteCount)
        configuration.windowBytes = min(configuration.windowBytes, max(bufferByteCount / 2, self.mtu.byteCount))
        configuration.windowPackets = Self.windowPackets
        return configuration
    }
}
