/// A completion queue for queue pairs whose operations are awaited.
///
/// Any number of queue pairs may share one; it grows with them. No thread belongs to it: one thread of the process waits for
/// the channels of all, or an event loop does (see ``CompletionExecutor``).
///
/// ```swift
/// func connectedPair(_ context: borrowing Context, _ domain: borrowing ProtectionDomain) throws
///     -> (AsyncQueuePair<RC>, AsyncQueuePair<RC>)
/// {
///     let completions = try AsyncCompletionQueue(on: context)
///     let one = try completions.queuePair(RC.self, in: domain)
///     let other = try completions.queuePair(RC.self, in: domain)
///     let (oneAddress, otherAddress) = (one.address, other.address)
///     return (
///         try AsyncQueuePair(one.connect(to: otherAddress), completions),
///         try AsyncQueuePair(other.connect(to: oneAddress), completions)
///     )
/// }
/// ```
public final class AsyncCompletionQueue: Sendable {
    internal let core: CompletionCore

    /// - Parameters:
    ///   - context: Its device.
    ///   - executor: Where completions are taken; nil for the thread that waits.
    /// - Throws: ``VerbsError/Code/forkedChild`` in a child whose parent awaited completions: no thread of it lives there.
    public init(on context: borrowing Context, executor: (any CompletionExecutor)? = nil) throws(VerbsError) {
        self.core = try CompletionCore(on: context, executor: executor)
    }
}

extension AsyncCompletionQueue {
    /// Operations that are under way: those that are awaited, and those whose task was cancelled while the adapter still
    /// works on them.
    public var outstandingCount: Int { self.core.operations.count }

    /// Makes a queue pair in the state INIT that reports here. Connect it, then make an ``AsyncQueuePair`` of it.
    public func queuePair<Service: ConnectedService>(
        _ service: Service.Type,
        in domain: borrowing ProtectionDomain,
        capacity: QueueCapacity = QueueCapacity(),
        remoteAccess: RemoteAccess = [.read, .write, .atomic],
        port: UInt8 = 1,
        gidIndex: Int? = nil
    ) throws(VerbsError) -> QueuePair<Service, Initialized> {
        try QueuePair<Service, Initialized>(
            in: domain,
            completions: self.core.queue,
            capacity: capacity,
            remoteAccess: remoteAccess,
            port: port,
            gidIndex: gidIndex
        )
    }

    /// Makes a queue pair for datagrams that reports here.
    public func datagramPair(
        in domain: borrowing ProtectionDomain,
        qKey: QKey,
        capacity: QueueCapacity = QueueCapacity(),
        port: UInt8 = 1,
        gidIndex: Int? = nil
    ) throws(VerbsError) -> QueuePair<UD, Initialized> {
        try QueuePair<UD, Initialized>(
            in: domain,
            completions: self.core.queue,
            qKey: qKey,
            capacity: capacity,
            port: port,
            gidIndex: gidIndex
        )
    }
}
