internal import HostRegistry
package import Segment
internal import Synchronization
package import SystemIO
internal import Transport
package import Wire

/// A send queue and a receive queue with a transport service between them and the network.
///
/// Here stand what a queue pair is made of and its life; `+Modify` has the state machine, `+Send` and `+Receive` the
/// posting of requests, `+Service` what runs under the engine's lock. The protocol itself is in `Transport`.
@safe
package final class QueuePair {
    package let domain: ProtectionDomain
    package let type: QueuePairType
    package let sendCompletions: CompletionQueue
    package let receiveCompletions: CompletionQueue
    package let sharedReceiveQueue: SharedReceiveQueue?
    /// Of the target of an extended connection.
    package let xrcDomain: OpenXRCDomain?
    /// What was granted; at least what was asked for.
    package let capabilities: QueuePairCapabilities
    package let signalsAll: Bool
    internal let blocksOwnMulticast: Bool
    package let qpn: QPN
    /// Asynchronous events of this queue pair that the program has fetched.
    package let asyncAccount = EventAccount()
    package let generation = ProcessGuard.generation
    /// The structure by which C knows this object.
    // SAFETY: set once by the C face, before the object is shared.
    package var userObject: UnsafeMutableRawPointer?
    /// `nil` where receive requests come from a shared queue.
    package let receiveRing: ReceiveRing?
    internal let entry: QueuePairEntry
    internal let engine: Engine
    /// `state` for those who do not hold the lock.
    internal let stateCode = Atomic<UInt32>(QueuePairState.reset.rawValue)

    // All of the following is guarded by the engine's lock.
    internal var state = QueuePairState.reset {
        didSet { self.stateCode.store(self.state.rawValue, ordering: .sequentiallyConsistent) }
    }
    // What each request touches stands together: the fewer cache lines, the less of it has left the cache after a long copy.
    internal var sendQueue: SendQueue
    /// `direct`, for the data path, which counts no references.
    // SAFETY: that one keeps the object.
    private(set) internal var directNow: Unmanaged<DirectConnection>?
    /// The slot of the key that this side's requests name.
    internal var localKey = KeyMemo()
    /// A completion queue was full: nothing that happens from then on can be reported, so the queue pair stops.
    internal var hasLostCompletion = false
    internal var isTouched = false
    /// It was stopped while it still had packets to send.
    internal var isUnfinished = false
    internal var deadline: Timestamp?

    internal var attributes = QueuePairAttributes()
    internal var path = WirePath()
    /// The most payload that a packet carries, from RTR on.
    internal var mtu = PathMTU.bytes256
    internal var receive: ReceiveWork
    /// The shared receive queue of the request in work, on the target of an extended connection.
    internal var target: SharedReceiveQueue?
    /// The same, when the queue is another process's.
    internal var peerTarget: PeerReceiveQueue?
    /// Queues of other processes that requests have named.
    internal var peerQueues: [PeerReceiveQueue] = []
    /// The structures by which C knows the queue pair where several have opened it; `userObject` is one of them.
    // SAFETY: never followed here.
    internal var sharers: [UnsafeMutableRawPointer] = unsafe []
    internal var rcRequester: RCRequester?
    internal var rcResponder: RCResponder?
    internal var congestionNotifier: CongestionNotifier?
    internal var ucRequester: UCRequester?
    internal var ucResponder: UCResponder?
    /// Instead of a requester, when the peer is reached directly.
    internal var direct: DirectConnection? {
        didSet { unsafe self.directNow = self.direct.map { unsafe .passUnretained($0) } }
    }
    /// Pages of the segment through which short SENDs of peers travel, from RTR on.
    internal var arena: Extent?
    /// Whether it is counted among those that need the socket.
    internal var usesSocket = false {
        didSet {
            guard self.usesSocket != oldValue else { return }
            let isDatagram = self.type == .datagram
            self.engine.countSocketUser(self.usesSocket ? 1 : -1, isDatagram: isDatagram)
        }
    }
    /// Datagrams number their packets, though nobody looks at the numbers.
    internal var datagramPSN = PSN(truncating: 0)
    /// The multicast groups that it is attached to.
    internal var groups: [GID] = []
    internal var pendingFailure: ResponderFailure?
    /// Its place among the queue pairs of the directory.
    internal var directoryIndex = 0
    internal var hasReportedCommunication = false
    /// Windows may be bound to it.
    internal var hasBoundWindows = false
    internal var isDrainReported = true

    package var number: UInt32 { self.qpn.rawValue }

    /// - Throws: EINVAL when a limit of the device is exceeded, ENOMEM; EIO in a forked child.
    package init(domain: ProtectionDomain, _ properties: QueuePairInit) throws(Errno) {
        let asked = properties.capabilities
        try Self.check(properties, domain: domain)
        let engine = domain.context.engine
        let hasReceives = properties.sharedReceiveQueue == nil && !properties.type.isExtended
        var granted = QueuePairCapabilities(
            sendRequests: max(asked.sendRequests, 1),
            receiveRequests: hasReceives ? max(asked.receiveRequests, 1) : 0,
            sendScatter: max(asked.sendScatter, 1),
            receiveScatter: hasReceives ? max(asked.receiveScatter, 1) : 0,
            inlineByteCount: asked.inlineByteCount
        )
        // The target of an extended connection sends nothing but answers.
        if properties.type == .extendedReceive { granted = QueuePairCapabilities() }
        let holdings = try QueuePairHoldings(properties, granted: granted, domain: domain)
        // The ring may be larger than what was asked for; what is reported is what it takes.
        if let ring = holdings.receiveRing { granted.receiveRequests = UInt32(clamping: ring.capacity) }
        self.domain = domain
        self.type = properties.type
        self.sendCompletions = properties.sendQueue
        self.receiveCompletions = properties.receiveQueue
        self.sharedReceiveQueue = properties.sharedReceiveQueue
        self.xrcDomain = properties.xrcDomain
        self.capabilities = granted
        self.signalsAll = properties.signalsAll
        self.blocksOwnMulticast = properties.blocksOwnMulticast
        self.engine = engine
        unsafe self.userObject = nil
        self.sendQueue = SendQueue(
            capacity: max(Int(granted.sendRequests), 1),
            elementsMax: max(Int(granted.sendScatter), 1),
            inlineByteCount: Int(granted.inlineByteCount),
            keepsPaths: properties.type == .datagram
        )
        // Any queue of the domain may be named, also one that is made later.
        let sharedMax =
            properties.type == .extendedReceive
            ? Limits.scatterElements : properties.sharedReceiveQueue?.scatterMax ?? 0
        self.receive = ReceiveWork(scatterMax: max(Int(granted.receiveScatter), sharedMax))
        self.receiveRing = holdings.receiveRing
        self.qpn = holdings.qpn
        self.entry = holdings.entry
        self.attributes.capabilities = granted
        engine.lock.withLock { engine.queuePairs.insert(self) }
    }

    private static func check(_ properties: QueuePairInit, domain: ProtectionDomain) throws(Errno) {
        try ProcessGuard.check(domain.generation)
        let asked = properties.capabilities
        guard asked.sendRequests <= Limits.workRequests, asked.receiveRequests <= Limits.workRequests,
            asked.sendScatter <= Limits.scatterElements, asked.receiveScatter <= Limits.scatterElements,
            asked.inlineByteCount <= Limits.inlineByteCount
        else { throw .invalidArgument }
        let context = domain.context
        guard properties.sendQueue.context === context, properties.receiveQueue.context === context,
            !properties.type.isExtended || properties.sharedReceiveQueue == nil,
            properties.sharedReceiveQueue?.extended == nil,
            (properties.xrcDomain != nil) == (properties.type == .extendedReceive)
        else { throw .invalidArgument }
    }

    /// Takes the queue pair out of the world: packets for it are refused from now on, its completions vanish from the
    /// completion queues, and its number is free.
    ///
    /// Waits until every asynchronous event that it raised was acknowledged.
    ///
    /// Where several have opened it, it goes with the last of them.
    ///
    /// - Parameter user: Who closes it.
    /// - Throws: `EBUSY` while it is attached to a multicast group; `EIO` in a forked child.
    package func close(user: UnsafeMutableRawPointer? = nil) throws(Errno) {
        try ProcessGuard.check(self.generation)
        guard self.engine.lock.withLock({ self.groups.isEmpty }) else { throw .resourceBusy }
        if unsafe self.leaveToOthers(user) { return }
        self.engine.lock.withLock {
            self.takeLeave()
            self.engine.queuePairs.remove(self)
            self.engine.untouch(self)
            self.forgetMachines()
            self.state = .reset
            self.publish()
        }
        // Not under the lock: a peer that is stopped in the middle of a copy is waited for.
        self.engine.segment.waitForInitiators()
        self.removeCompletions()
        self.freeArena()
        if self.hasBoundWindows { self.engine.segment.unbindWindows(ofQueuePair: self.number) }
        self.engine.segment.queuePairs.free(self.entry)
        self.engine.membership.releaseQPN(self.qpn)
        self.domain.context.asyncEvents.retire(self.asyncAccount)
        self.receiveRing?.close(in: self.engine.segment)
        self.xrcDomain?.users.end()
        self.sharedReceiveQueue?.users.end()
        self.receiveCompletions.users.end()
        self.sendCompletions.users.end()
        self.domain.users.end()
    }

    internal func removeCompletions() {
        self.sendCompletions.removeCompletions(ofQueuePair: self.number)
        if self.receiveCompletions !== self.sendCompletions {
            self.receiveCompletions.removeCompletions(ofQueuePair: self.number)
        }
    }

    internal func forgetMachines() {
        self.rcRequester = nil
        self.rcResponder = nil
        self.congestionNotifier = nil
        self.ucRequester = nil
        self.ucResponder = nil
        self.direct = nil
        self.usesSocket = false
        self.pendingFailure = nil
        self.hasLostCompletion = false
        self.deadline = nil
        self.isUnfinished = false
        self.receive.isActive = false
        self.target = nil
        self.peerTarget = nil
        self.peerQueues = []
    }
}

// SAFETY: what changes is guarded by the engine's lock.
extension QueuePair: @unchecked Sendable {}
