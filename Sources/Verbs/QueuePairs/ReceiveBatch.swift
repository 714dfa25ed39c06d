/// Receive requests that are posted together, with one call of the adapter. It allocates when it is made and never again.
@safe
public struct ReceiveBatch: ~Copyable {
    // SAFETY: `capacity` requests with an element each, allocated from `init` to `deinit`. Each request points to its element
    // and, but for the last that is filled, to its successor.
    @usableFromInline internal let requests: UnsafeMutablePointer<RawReceiveRequest>
    @usableFromInline internal let elements: UnsafeMutablePointer<RawElement>
    /// Requests that fit.
    public let capacity: Int
    @usableFromInline internal var filledCount = 0

    /// - Parameter capacity: Requests that fit, at least 1.
    public init(capacity: Int) {
        precondition(capacity >= 1, "a batch has room for at least one request")
        self.capacity = capacity
        unsafe self.requests = .allocate(capacity: capacity)
        unsafe self.elements = .allocate(capacity: capacity)
        unsafe self.requests.initialize(repeating: RawReceiveRequest(), count: capacity)
        unsafe self.elements.initialize(repeating: RawElement(), count: capacity)
        for index in 0..<capacity {
            unsafe self.requests[index].elements = unsafe self.elements + index
            unsafe self.requests[index].elementCount = 1
        }
    }

    deinit {
        unsafe self.requests.deallocate()
        unsafe self.elements.deallocate()
    }
}

// SAFETY: the memory belongs to the one owner.
extension ReceiveBatch: @unchecked Sendable {}

extension ReceiveBatch {
    /// Requests that are in it.
    @inlinable public var count: Int { self.filledCount }
    /// Whether no request fits any more.
    @inlinable public var isFull: Bool { self.count == self.capacity }

    /// Adds a request for one message, at most as long as `slice`. The batch must not be full.
    @inlinable
    public mutating func append(into slice: RegionSlice<ReadWrite>, id: UInt64 = 0) {
        precondition(self.count < self.capacity, "the batch is full")
        let target = unsafe self.requests + self.count
        unsafe target.pointee.id = id
        unsafe self.elements[self.count] = slice.element
        unsafe target.pointee.next = nil
        if self.count > 0 { unsafe self.requests[self.count - 1].next = unsafe target }
        self.filledCount += 1
    }

    /// Empties it, to be filled anew.
    @inlinable
    public mutating func removeAll() { self.filledCount = 0 }
}
