internal import SystemIO

/// What of an ``AsyncQueuePair`` must live until its last operation has ended.
@safe
internal final class PairCore: Sendable {
    let handle: PairHandle
    let completions: CompletionCore
    let sendPlaces: CreditPool
    let receivePlaces: CreditPool
    /// Eight bytes for the answer of each atomic that can be under way.
    let scratch: SharedRegion
    let scratchPlaces: IndexPool
    private let reservedCount: Int

    /// - Parameter sendPlaceCount: Operations that may be under way; nil for as many as the send queue holds.
    init(_ handle: PairHandle, _ completions: CompletionCore, sendPlaceCount: Int?) throws(VerbsError) {
        guard handle.sendQueue === completions.queue.handle, handle.receiveQueue === completions.queue.handle else {
            throw VerbsError(
                .invalidArgument,
                operation: "AsyncQueuePair",
                detail: "queue pair \(handle.address.qpn) reports to another completion queue; make it by "
                    + "AsyncCompletionQueue.queuePair(_:in:)"
            )
        }
        let capacity = handle.capacity
        let sendPlaceCount = sendPlaceCount ?? capacity.sendCount
        let scratch = try RegionHandle(
            domain: handle.domain,
            byteCount: 8 * max(sendPlaceCount, 1),
            pages: .standard,
            flags: ReadWrite.flags([])
        )
        try completions.reserve(capacity.sendCount + capacity.receiveCount)
        self.handle = handle
        self.completions = completions
        self.sendPlaces = CreditPool(count: sendPlaceCount)
        self.receivePlaces = CreditPool(count: capacity.receiveCount)
        self.scratch = SharedRegion(MemoryRegion(scratch))
        self.scratchPlaces = IndexPool(count: sendPlaceCount)
        self.reservedCount = capacity.sendCount + capacity.receiveCount
    }

    deinit {
        self.completions.release(self.reservedCount)
    }

    /// Enters what is to be told of the end of a request, and posts the request.
    ///
    /// - Parameter body: Posts it with the number that it is given.
    /// - Throws: When the request was not posted.
    func post<Service: QueuePairService>(
        _ target: any CompletionTarget,
        _ body: (borrowing QueuePair<Service, ReadyToSend>, UInt64) throws(VerbsError) -> Void
    ) throws(VerbsError) {
        let id = try self.completions.operations.insert(target)
        do throws(VerbsError) {
            try body(QueuePair<Service, ReadyToSend>(self.handle), id)
        } catch {
            self.completions.operations.remove(id)
            throw error
        }
    }

    /// Lets what is under way end as flushed, and what waits for a place fail.
    func shutDown() {
        self.shutDown(
            VerbsError(
                .closed,
                operation: "AsyncQueuePair",
                detail: "queue pair \(self.handle.address.qpn) was closed"
            )
        )
    }

    /// - Parameter error: What the operations that wait for a place fail with.
    func shutDown(_ error: VerbsError) {
        self.sendPlaces.fail(error)
        self.receivePlaces.fail(error)
        try? self.handle.fail()
    }
}

/// Numbers from 0 on that are taken and given back.
@safe
internal final class IndexPool {
    private let lock = Lock()
    // SAFETY: read and written under the lock only.
    private var free: [Int]

    init(count: Int) {
        self.free = Array((0..<count).reversed())
    }

    /// Takes one. Whoever holds a place of the send queue finds one.
    func take() -> Int {
        guard let index = self.lock.withLock({ self.free.popLast() }) else {
            preconditionFailure("there are as many numbers as places in the send queue")
        }
        return index
    }

    func give(_ index: Int) {
        self.lock.withLock { self.free.append(index) }
    }
}

// SAFETY: see the stored property.
extension IndexPool: @unchecked Sendable {}
