/// A send queue and a receive queue, typed by its transport service and by its state.
///
/// What a queue pair cannot do in its state, or by its service, does not compile: a queue pair that is not connected has no
/// `post`, and one of an unreliable service no READ.
///
/// ```swift
/// let context = try VerbsLibrary.embedded.device().open()
/// let domain = try ProtectionDomain(on: context)
/// let queue = try CompletionQueue(capacity: 64, on: context)
/// let one = try QueuePair<RC, Initialized>(in: domain, completions: queue)
/// let other = try QueuePair<RC, Initialized>(in: domain, completions: queue)
/// let (oneAddress, otherAddress) = (one.address, other.address)
/// let connected = try one.connect(to: otherAddress)
/// let receiving = try other.connect(to: oneAddress)
/// ```
@safe
public struct QueuePair<Service: QueuePairService, Stage: QueuePairStage>: ~Copyable {
    internal let handle: PairHandle
    // SAFETY: the queue pair and the functions of its context, which live as long as the handle.
    @usableFromInline internal let raw: UnsafeMutableRawPointer
    @usableFromInline internal let rawPostSend: PostFunction
    @usableFromInline internal let rawPostReceive: PostFunction

    internal init(_ handle: PairHandle) {
        self.handle = handle
        unsafe self.raw = unsafe UnsafeMutableRawPointer(handle.raw)
        unsafe self.rawPostSend = unsafe handle.postSend
        unsafe self.rawPostReceive = unsafe handle.postReceive
    }

    /// Destroys the queue pair now. What is posted ends without a completion.
    public consuming func close() throws(VerbsError) {
        try self.handle.close()
    }
}

// SAFETY: verbs may be called from any thread.
extension QueuePair: @unchecked Sendable {}

// MARK: - What it is

extension QueuePair where Stage: QueuePairStage {
    /// What a peer must know to connect.
    public var address: QueuePairAddress { self.handle.address }
    public var qpn: QPN { self.handle.address.qpn }
    /// What the adapter gave: at least what was asked for.
    public var capacity: QueueCapacity { self.handle.capacity }

    /// The state as the adapter has it: an error may have changed it since.
    public func state() throws(VerbsError) -> QueuePairState { try self.handle.state() }

    /// Moves to the error state: everything that is posted completes as ``CompletionStatus/flushed``.
    public func fail() throws(VerbsError) { try self.handle.fail() }
}

// MARK: - INIT

extension QueuePair where Service: ConnectedService, Stage == Initialized {
    /// Makes a queue pair in the state INIT.
    ///
    /// - Parameters:
    ///   - domain: Whose memory it reaches.
    ///   - completions: Where its requests are reported, both sends and receives.
    ///   - capacity: How much it holds at least.
    ///   - remoteAccess: What the peer may do at all; each region says so too.
    ///   - port: Of the device, from 1 on.
    ///   - gidIndex: Which of the port's addresses it uses; nil for the usual one.
    public init(
        in domain: borrowing ProtectionDomain,
        completions: borrowing CompletionQueue,
        capacity: QueueCapacity = QueueCapacity(),
        remoteAccess: RemoteAccess = [.read, .write, .atomic],
        port: UInt8 = 1,
        gidIndex: Int? = nil
    ) throws(VerbsError) {
        var wish = try PairWish(Service.serviceKind, domain.handle, completions.handle, capacity, port, gidIndex)
        wish.remoteAccess = remoteAccess.allowed(by: Service.serviceKind)
        self.init(try PairHandle(wish))
    }

    /// Makes a queue pair in the state INIT, with a completion queue for either direction.
    public init(
        in domain: borrowing ProtectionDomain,
        sendCompletions: borrowing CompletionQueue,
        receiveCompletions: borrowing CompletionQueue,
        capacity: QueueCapacity = QueueCapacity(),
        remoteAccess: RemoteAccess = [.read, .write, .atomic],
        port: UInt8 = 1,
        gidIndex: Int? = nil
    ) throws(VerbsError) {
        var wish = try PairWish(Service.serviceKind, domain.handle, sendCompletions.handle, capacity, port, gidIndex)
        wish.receiveQueue = receiveCompletions.handle
        wish.remoteAccess = remoteAccess.allowed(by: Service.serviceKind)
        self.init(try PairHandle(wish))
    }

    /// Makes a queue pair in the state INIT that takes its receive requests from a shared queue.
    public init(
        in domain: borrowing ProtectionDomain,
        completions: borrowing CompletionQueue,
        sharedReceiveQueue: borrowing SharedReceiveQueue,
        capacity: QueueCapacity = QueueCapacity(),
        remoteAccess: RemoteAccess = [.read, .write, .atomic],
        port: UInt8 = 1,
        gidIndex: Int? = nil
    ) throws(VerbsError) {
        var wish = try PairWish(Service.serviceKind, domain.handle, completions.handle, capacity, port, gidIndex)
        wish.sharedReceiveQueue = sharedReceiveQueue.handle
        wish.remoteAccess = remoteAccess.allowed(by: Service.serviceKind)
        self.init(try PairHandle(wish))
    }
}

extension QueuePair where Service == UD, Stage == Initialized {
    /// Makes a queue pair for datagrams in the state INIT.
    ///
    /// - Parameters:
    ///   - domain: Whose memory it reaches.
    ///   - completions: Where its requests are reported, both sends and receives.
    ///   - qKey: Datagrams that carry another key are dropped.
    ///   - capacity: How much it holds at least.
    ///   - port: Of the device, from 1 on.
    ///   - gidIndex: Which of the port's addresses it uses; nil for the usual one.
    public init(
        in domain: borrowing ProtectionDomain,
        completions: borrowing CompletionQueue,
        qKey: QKey,
        capacity: QueueCapacity = QueueCapacity(),
        port: UInt8 = 1,
        gidIndex: Int? = nil
    ) throws(VerbsError) {
        var wish = try PairWish(UD.serviceKind, domain.handle, completions.handle, capacity, port, gidIndex)
        wish.qKey = qKey
        self.init(try PairHandle(wish))
    }
}

extension PairWish {
    fileprivate init(
        _ kind: ServiceKind,
        _ domain: DomainHandle,
        _ queue: QueueHandle,
        _ capacity: QueueCapacity,
        _ port: UInt8,
        _ gidIndex: Int?
    ) throws(VerbsError) {
        let index = try domain.context.gidIndex(gidIndex, port: port)
        self.init(
            kind: kind,
            domain: domain,
            sendQueue: queue,
            receiveQueue: queue,
            capacity: capacity,
            port: port,
            gidIndex: UInt8(clamping: index)
        )
    }
}

extension RemoteAccess {
    /// Without what the service does not have: adapters refuse it.
    fileprivate func allowed(by kind: ServiceKind) -> RemoteAccess {
        kind == .reliableConnection ? self : self.intersection(.write)
    }
}
