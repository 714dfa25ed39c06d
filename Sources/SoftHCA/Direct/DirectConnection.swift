internal import Segment
internal import SystemIO
internal import Transport
internal import Wire

/// The requester of a connection whose peer's segment is mapped here: it executes the requests of the send queue on the
/// peer's segment and memory, in order, each completely before the next.
///
/// It stands where `RCRequester` and `UCRequester` stand on the wire, and ends requests with the same statuses. Guarded by
/// the engine's lock.
@safe
internal final class DirectConnection {
    let peer: DirectPeer
    let isReliable: Bool
    /// Where the peer's queue pair stands in the peer's table.
    let entry: QueuePairEntry
    let ownQPN: UInt32
    let destQP: UInt32
    let ownGID: GID
    let peerGID: GID

    // What the entry said when it had this version.
    var version = UInt64.max
    var isPeerSending = false
    var access: AccessFlags = []
    var domain: UInt32 = 0
    var receiveDomain: UInt32 = 0
    var readsMax: UInt32 = 0
    var rnrNanoseconds: UInt64 = 0
    var hasSharedReceives = false
    var receives: ReceiveRing?
    var completions: CompletionRing?
    var arena: PayloadArena?

    // Slots of the peer's memory table.
    var receiveKey = KeyMemo()
    var remoteKey = KeyMemo()

    // The request that is under way.
    /// Bytes of it that are copied.
    var offset: UInt32 = 0
    /// Whether `receive` holds a receive request that was taken for it.
    var hasReceive = false
    /// Whether it has taken back the key that it takes back.
    var hasInvalidated = false
    var receive: ReceiveDescriptor
    /// The own memory of a short SEND could not be read. A local variable that its closures capture would be allocated.
    var hasLocalFault = false

    /// Bytes of the next go.
    var shareByteCount = shareByteCountMin

    // Waiting and retrying.
    var wait = Wait.none
    /// Nanoseconds of the monotonic clock.
    var waitsUntil: UInt64 = 0
    /// The peer said that what is waited for has come.
    var isWoken = false
    var triesLeft: UInt8 = 0
    var rnrTriesLeft: UInt8 = 0

    /// What the next attempt waits for.
    enum Wait {
        case none
        /// The peer has no receive request.
        case receiverNotReady
        /// The peer is not there, or its queue pair does not receive: on the wire, nobody would answer.
        case noResponse
        /// The peer is just changing something.
        case busy
    }

    /// How one attempt at a request ended.
    enum Outcome {
        case done
        /// It took its share of time; the rest follows soon.
        case unfinished
        case wait(Wait)
        case failed(CompletionStatus)
    }

    /// How many bytes are copied in one go, while every other queue pair of the process waits: some 100 microseconds. Twice as many
    /// where that takes no longer.
    static var shareByteCountMin: Int { 1 << 20 }
    static var shareByteCountMax: Int { 2 << 20 }
    private static var shareNanosecondsMax: UInt64 { 150_000 }
    /// What a request counts besides its bytes, so that a long list of short ones has an end, too.
    static var requestByteCount: Int { 2 << 10 }
    /// The longest SEND whose payload the receiver's poll puts in place.
    static var eagerByteCountMax: Int { 8 << 10 }

    init(_ queuePair: QueuePair, peer: DirectPeer) {
        self.peer = peer
        self.isReliable = queuePair.type == .reliable
        self.ownQPN = queuePair.number
        self.destQP = queuePair.attributes.destinationQP
        self.entry = peer.view.queuePairs.slot(self.destQP)
        self.ownGID = GID(queuePair.path.source)
        self.peerGID = GID(queuePair.path.destination.address)
        self.receive = ReceiveDescriptor(capacity: Limits.scatterElements)
    }

    /// Whether the request at the head of the queue has begun.
    var hasBegun: Bool { self.offset > 0 || self.hasReceive || self.wait != .none }
}

// MARK: - The peer's queue pair

extension DirectConnection {
    /// Looks whether the peer's queue pair takes requests of this one now. Between `enter` and `leave`.
    @inline(always)
    func examine() -> Wait {
        guard self.peer.isAlive else { return .noResponse }
        let version = self.entry.version.acquired
        guard version == self.version else { return self.adopt(version) }
        return self.entry.failure.relaxed == 0 ? .none : .noResponse
    }

    /// Reads the entry anew, because it has changed.
    private func adopt(_ version: UInt64) -> Wait {
        guard version & 1 == 0 else { return .busy }
        let entry = self.entry
        let view = self.peer.view
        self.version = .max
        guard entry.number.acquired == self.destQP, entry.failure.relaxed == 0,
            let state = QueuePairState(rawValue: entry.state.acquired), state.canReceive,
            entry.type.relaxed == (self.isReliable ? QueuePairType.reliable : .unreliableConnected).rawValue,
            entry.destQP.relaxed == self.ownQPN,
            entry.peerGIDPrefix.relaxed == self.ownGID.prefix,
            entry.peerGIDInterfaceID.relaxed == self.ownGID.interfaceID,
            entry.ownGIDPrefix.relaxed == self.peerGID.prefix,
            entry.ownGIDInterfaceID.relaxed == self.peerGID.interfaceID
        else { return .noResponse }
        self.isPeerSending = state != .readyToReceive
        self.access = AccessFlags(rawValue: entry.access.relaxed)
        self.domain = entry.domain.relaxed
        self.receiveDomain = entry.receiveDomain.relaxed
        self.readsMax = entry.readsMax.relaxed
        self.rnrNanoseconds = RNRTimer(truncating: UInt8(truncatingIfNeeded: entry.rnrTimer.relaxed)).nanoseconds
        self.hasSharedReceives = entry.hasSharedReceives.relaxed != 0
        self.receives = view.receiveRing(at: entry.receives.relaxed)
        self.completions = view.completionRing(at: entry.receiveCompletions.relaxed)
        self.arena = view.arena(of: entry)
        acquireOrder()
        guard entry.version.acquired == version else { return .busy }
        self.version = version
        return .none
    }

    /// The first message tells the owner that this side is there, should its own message be lost.
    @inline(always)
    func noteCommunication() {
        guard !self.isPeerSending, self.entry.hasCommunicated.relaxed == 0 else { return }
        if self.entry.hasCommunicated.exchange(1) == 0 { self.peer.requestAttention(queuePair: self.destQP) }
    }

    /// Stops the peer's queue pair, as its responder would. On an unreliable connection nobody hears of it.
    func failPeer(_ failure: QueuePairEntry.Failure) {
        guard self.entry.failure.replace(0, with: failure.rawValue) else { return }
        self.peer.requestAttention(queuePair: self.destQP)
    }
}

// MARK: - Long copies

extension DirectConnection {
    /// Chooses the next share by how long copying the last took.
    func adaptShare(nanoseconds: UInt64) {
        if nanoseconds > Self.shareNanosecondsMax {
            self.shareByteCount = Self.shareByteCountMin
        } else if nanoseconds < Self.shareNanosecondsMax / 3 {
            self.shareByteCount = Self.shareByteCountMax
        }
    }
}

// MARK: - Waiting

extension DirectConnection {
    /// Waits so long for what nobody announces, and longer for a process that does not go on: it may be stopped.
    private static var busyNanoseconds: UInt64 { 50_000 }
    private static var busyAgainNanoseconds: UInt64 { 1_000_000 }
    /// With a timeout of 0, or 7 RNR retries, the wait has no end; the peer wakes it, but may fail to.
    private static var endlessLookNanoseconds: UInt64 { 100_000_000 }

    /// Sets the retries to what the attributes say, because a request got through.
    @inline(always)
    func noteProgress(_ attributes: borrowing QueuePairAttributes) {
        self.wait = .none
        self.triesLeft = attributes.retryCount + 1
        self.rnrTriesLeft = attributes.rnrRetryCount
    }

    /// Begins to wait, or goes on if the wait was interrupted for nothing.
    ///
    /// - Returns: With what status the request fails when it has been tried often enough.
    func begin(_ wait: Wait, _ attributes: borrowing QueuePairAttributes, now: UInt64) -> CompletionStatus? {
        let goesOn = self.wait == wait && self.isWoken && now < self.waitsUntil
        self.isWoken = false
        if goesOn { return nil }
        let isAgain = self.wait == wait
        self.wait = wait
        switch wait {
        case .none, .busy:
            self.waitsUntil = now + (isAgain ? Self.busyAgainNanoseconds : Self.busyNanoseconds)
        case .receiverNotReady:
            guard attributes.rnrRetryCount < RequesterConfiguration.rnrRetryEndless else {
                // Without a count of tries the timer is only for a peer that fails to wake this one.
                self.waitsUntil = now + max(self.rnrNanoseconds, Self.endlessLookNanoseconds)
                return nil
            }
            guard self.rnrTriesLeft > 0 else { return .rnrRetryExceeded }
            self.rnrTriesLeft -= 1
            self.waitsUntil = now + self.rnrNanoseconds
        case .noResponse:
            guard let timeout = LocalACKTimeout(truncating: attributes.timeout).nanoseconds, timeout > 0 else {
                self.waitsUntil = now + Self.endlessLookNanoseconds
                return nil
            }
            guard self.triesLeft > 0 else { return .retryExceeded }
            self.triesLeft -= 1
            self.waitsUntil = now + timeout
        }
        return nil
    }

    /// Whether the next attempt has to wait longer.
    func mustWait(now: UInt64) -> Bool {
        self.wait != .none && !self.isWoken && now < self.waitsUntil
    }
}
