internal import Synchronization

/// A connected queue pair whose operations are awaited.
///
/// ```swift
/// func exchange(_ pair: AsyncQueuePair<RC>, _ region: SharedRegion) async throws -> Int {
///     try await pair.send(region[0..<64])
///     return try await pair.receive(into: region[64..<128]).byteCount
/// }
/// ```
///
/// **Back-pressure.** When the queue is full, an operation waits for a place, first come, first served.
///
/// **Cancellation.** A task that is cancelled gets `CancellationError` at once. What it posted cannot be taken back: the
/// adapter goes on, and the memory stays alive until it has let go. A cancelled receive still takes the next message, which
/// is then lost; ``Connection`` has receives that are not.
///
/// **Failures.** A work request that fails throws ``VerbsError/Code/workFailed`` with its status; the queue pair is then in
/// the error state, and all further operations end as ``CompletionStatus/flushed``.
public final class AsyncQueuePair<Service: QueuePairService>: Sendable {
    internal let core: PairCore

    /// - Parameters:
    ///   - queuePair: Made by ``AsyncCompletionQueue/queuePair(_:in:capacity:remoteAccess:port:gidIndex:)``.
    ///   - completions: What made it.
    public init(
        _ queuePair: consuming QueuePair<Service, ReadyToSend>,
        _ completions: AsyncCompletionQueue
    ) throws(VerbsError) {
        self.core = try PairCore(queuePair.handle, completions.core, sendPlaceCount: nil)
    }

    /// One on which others post as well, who need the rest of the send queue.
    internal init(
        _ queuePair: consuming QueuePair<Service, ReadyToSend>,
        _ completions: AsyncCompletionQueue,
        sendPlaceCount: Int
    ) throws(VerbsError) {
        self.core = try PairCore(queuePair.handle, completions.core, sendPlaceCount: sendPlaceCount)
    }

    deinit {
        self.core.shutDown()
    }
}

extension AsyncQueuePair {
    public var address: QueuePairAddress { self.core.handle.address }
    public var qpn: QPN { self.core.handle.address.qpn }
    public var capacity: QueueCapacity { self.core.handle.capacity }

    /// Ends all operations: those under way as flushed, those that wait for a place with ``VerbsError/Code/closed``.
    public func close() { self.core.shutDown() }

    /// Receives one message, at most as long as `slice`.
    ///
    /// - Returns: Its length and its number, if it has one.
    @discardableResult
    public func receive(into slice: SharedSlice) async throws -> WorkCompletion {
        try await self.core.receivePlaces.take()
        let places = self.core.receivePlaces
        return try await self.perform(slice.region, places, "ibv_post_recv") { pair, id throws(VerbsError) in
            try pair.postReceive(into: slice.memory, id: id)
        }
    }

    /// Posts a send request and waits for its completion. The caller has taken a place.
    internal func perform(
        _ region: SharedRegion,
        atEnd: (@Sendable () -> Void)? = nil,
        _ post: (borrowing QueuePair<Service, ReadyToSend>, UInt64) throws(VerbsError) -> Void
    ) async throws -> WorkCompletion {
        try await self.perform(region, self.core.sendPlaces, "ibv_post_send", atEnd: atEnd, post)
    }

    private func perform(
        _ region: SharedRegion,
        _ places: CreditPool,
        _ name: String,
        atEnd: (@Sendable () -> Void)? = nil,
        _ post: (borrowing QueuePair<Service, ReadyToSend>, UInt64) throws(VerbsError) -> Void
    ) async throws -> WorkCompletion {
        let core = self.core
        let operation = Operation(pair: core, memory: region, places: places, atEnd: atEnd)
        let outcome = operation.outcome
        do throws(VerbsError) {
            try core.completions.look(until: { outcome.hasEnded }) { () throws(VerbsError) in
                try core.post(operation, post)
            }
        } catch {
            operation.giveBack()
            throw error
        }
        let completion = try await outcome.value()
        try completion.requireSuccess(name)
        return completion
    }
}

// MARK: - RC and UC

extension AsyncQueuePair where Service: ConnectedService {
    /// Sends a message and waits until it has arrived (RC) or left (UC).
    @discardableResult
    public func send(
        _ slice: SharedSlice,
        immediate: UInt32? = nil,
        options: SendOptions = []
    ) async throws -> WorkCompletion {
        try await self.core.sendPlaces.take()
        return try await self.perform(slice.region) { pair, id throws(VerbsError) in
            try pair.post(
                .send(slice.memory, immediate: immediate),
                id: id,
                options: options.union(.signaled)
            )
        }
    }

    /// Writes to the peer's memory and waits until it is there (RC) or has left (UC).
    @discardableResult
    public func write(
        _ slice: SharedSlice,
        to remote: RemoteRegion,
        immediate: UInt32? = nil,
        options: SendOptions = []
    ) async throws -> WorkCompletion {
        try await self.core.sendPlaces.take()
        return try await self.perform(slice.region) { pair, id throws(VerbsError) in
            try pair.post(
                .write(slice.memory, to: remote, immediate: immediate),
                id: id,
                options: options.union(.signaled)
            )
        }
    }
}

// MARK: - RC

extension AsyncQueuePair where Service == RC {
    /// Reads from the peer's memory.
    @discardableResult
    public func read(
        into slice: SharedSlice,
        from remote: RemoteRegion,
        options: SendOptions = []
    ) async throws -> WorkCompletion {
        try await self.core.sendPlaces.take()
        return try await self.perform(slice.region) { pair, id throws(VerbsError) in
            try pair.post(
                .read(into: slice.memory, from: remote),
                id: id,
                options: options.union(.signaled)
            )
        }
    }

    /// Adds to a number in the peer's memory, at one stroke.
    ///
    /// - Returns: What was there before.
    public func fetchAndAdd(_ addend: UInt64, to remote: RemoteValue<UInt64>) async throws -> UInt64 {
        try await self.atomic { pair, slice, id throws(VerbsError) in
            try pair.post(.fetchAndAdd(addend, to: remote, formerInto: slice.memory), id: id)
        }
    }

    /// Replaces a number in the peer's memory if it is the expected one, at one stroke.
    ///
    /// - Returns: What was there before: it was replaced if that is `expected`.
    public func compareAndSwap(
        _ remote: RemoteValue<UInt64>,
        expected: UInt64,
        desired: UInt64
    ) async throws -> UInt64 {
        try await self.atomic { pair, slice, id throws(VerbsError) in
            try pair.post(
                .compareAndSwap(remote, expected: expected, desired: desired, formerInto: slice.memory),
                id: id
            )
        }
    }

    private func atomic(
        _ post: @Sendable (borrowing QueuePair<RC, ReadyToSend>, SharedSlice, UInt64) throws(VerbsError) -> Void
    ) async throws -> UInt64 {
        try await self.core.sendPlaces.take()
        let (scratch, places) = (self.core.scratch, self.core.scratchPlaces)
        let index = places.take()
        // The place is given back by the operation, when the adapter has written to it; so the answer is taken before.
        let answer = Answer()
        let byteOffset = 8 * index
        let atEnd: @Sendable () -> Void = {
            answer.value = scratch.load(UInt64.self, at: byteOffset)
            places.give(index)
        }
        _ = try await self.perform(scratch, atEnd: atEnd) { pair, id throws(VerbsError) in
            try post(pair, scratch[byteOffset..<byteOffset + 8], id)
        }
        return answer.value
    }
}

// MARK: - UD

extension AsyncQueuePair where Service == UD {
    /// Sends a datagram and waits until it has left.
    @discardableResult
    public func send(
        _ slice: SharedSlice,
        to address: borrowing AddressHandle,
        qpn: QPN,
        qKey: QKey,
        immediate: UInt32? = nil
    ) async throws -> WorkCompletion {
        let address = address.handle
        try await self.core.sendPlaces.take()
        return try await self.perform(slice.region, atEnd: { _ = address }) { pair, id throws(VerbsError) in
            let handle = AddressHandle(address)
            try pair.post(
                .send(slice.memory, to: handle, qpn: qpn, qKey: qKey, immediate: immediate),
                id: id
            )
        }
    }
}

/// What an atomic brought, on its way from the completion to the task that awaits it.
private final class Answer: Sendable {
    private let storage = Atomic<UInt64>(0)

    var value: UInt64 {
        get { self.storage.load(ordering: .acquiring) }
        set { self.storage.store(newValue, ordering: .releasing) }
    }
}
