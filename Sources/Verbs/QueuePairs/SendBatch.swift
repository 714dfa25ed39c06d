/// Send requests that are posted together, with one call of the adapter.
///
/// It allocates when it is made and never again; fill it, post it, and use it anew.
///
/// ```swift
/// func putTwice(
///     _ queuePair: borrowing QueuePair<RC, ReadyToSend>,
///     _ region: borrowing MemoryRegion,
///     _ remote: RemoteRegion
/// ) throws(VerbsError) {
///     var batch = SendBatch<RC>(capacity: 2)
///     batch.append(.write(region[0..<64], to: remote[0..<64]), id: 1, options: [])
///     batch.append(.write(region[64..<128], to: remote[64..<128]), id: 2)
///     try queuePair.post(batch)
/// }
/// ```
@safe
public struct SendBatch<Service: QueuePairService>: ~Copyable {
    // SAFETY: `capacity` requests, and `elementCountMax` elements for each; allocated from `init` to `deinit`. Each request
    // points to its elements and, but for the last that is filled, to its successor.
    @usableFromInline internal let requests: UnsafeMutablePointer<RawSendRequest>
    @usableFromInline internal let elements: UnsafeMutablePointer<RawElement>
    /// Requests that fit.
    public let capacity: Int
    /// Pieces of memory that one request may gather.
    public let elementCountMax: Int
    @usableFromInline internal var filledCount = 0

    /// - Parameters:
    ///   - capacity: Requests that fit, at least 1.
    ///   - elementCountMax: Pieces of memory of one request, at least 1.
    public init(capacity: Int, elementCountMax: Int = 1) {
        precondition(capacity >= 1 && elementCountMax >= 1, "a batch has room for at least one request")
        self.capacity = capacity
        self.elementCountMax = elementCountMax
        unsafe self.requests = .allocate(capacity: capacity)
        unsafe self.elements = .allocate(capacity: capacity * elementCountMax)
        unsafe self.requests.initialize(repeating: RawSendRequest(), count: capacity)
        unsafe self.elements.initialize(repeating: RawElement(), count: capacity * elementCountMax)
        for index in 0..<capacity {
            unsafe self.requests[index].elements = unsafe self.elements + index * elementCountMax
        }
    }

    deinit {
        unsafe self.requests.deallocate()
        unsafe self.elements.deallocate()
    }
}

// SAFETY: the memory belongs to the one owner.
extension SendBatch: @unchecked Sendable {}

extension SendBatch {
    /// Requests that are in it.
    @inlinable public var count: Int { self.filledCount }
    /// Whether no request fits any more.
    @inlinable public var isFull: Bool { self.count == self.capacity }

    /// Adds a request. The batch must not be full.
    ///
    /// - Parameters:
    ///   - request: What to do.
    ///   - id: Comes back with the completion.
    ///   - options: Signalled, unless it says otherwise.
    @inlinable
    public mutating func append(_ request: SendRequest<Service>, id: UInt64 = 0, options: SendOptions = .signaled) {
        let target = unsafe self.next()
        unsafe request.store(into: target, id: id, options: options)
        unsafe self.elements[(self.count - 1) &* self.elementCountMax] = request.element
    }

    /// Links the next request to those before it.
    @inlinable
    @inline(always)
    @unsafe
    internal mutating func next() -> UnsafeMutablePointer<RawSendRequest> {
        precondition(self.count < self.capacity, "the batch is full")
        let target = unsafe self.requests + self.count
        unsafe target.pointee.next = nil
        if self.count > 0 { unsafe self.requests[self.count - 1].next = unsafe target }
        self.filledCount += 1
        return unsafe target
    }

    /// Adds a piece of memory to the last request, behind what it has.
    @inlinable
    public mutating func gather<Access>(_ slice: RegionSlice<Access>) {
        precondition(self.count > 0, "there is no request to add to")
        let target = unsafe self.requests + (self.count - 1)
        let elementCount = unsafe Int(target.pointee.elementCount)
        precondition(elementCount < self.elementCountMax, "the request has all the pieces that it may have")
        unsafe self.elements[(self.count - 1) * self.elementCountMax + elementCount] = slice.element
        unsafe target.pointee.elementCount += 1
    }

    /// Empties it, to be filled anew.
    @inlinable
    public mutating func removeAll() { self.filledCount = 0 }
}
