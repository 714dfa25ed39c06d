internal import CVerbs

/// Receive requests that are posted together, with one call of the adapter. It allocates when it is made and never again.
@safe
public struct ReceiveBatch: ~Copyable {
    // SAFETY: `capacity` requests with an element each, allocated from `init` to `deinit`. Each request points to its element
    // and, but for the last that is filled, to its successor.
    internal let requests: UnsafeMutablePointer<ibv_recv_wr>
    private let elements: UnsafeMutablePointer<ibv_sge>
    public let capacity: Int
    /// Requests that are in it.
    public private(set) var count = 0

    /// - Parameter capacity: Requests that fit, at least 1.
    public init(capacity: Int) {
        precondition(capacity >= 1, "a batch has room for at least one request")
        self.capacity = capacity
        unsafe self.requests = .allocate(capacity: capacity)
        unsafe self.elements = .allocate(capacity: capacity)
        unsafe self.requests.initialize(repeating: ibv_recv_wr(), count: capacity)
        unsafe self.elements.initialize(repeating: ibv_sge(), count: capacity)
        for index in 0..<capacity {
            unsafe self.requests[index].sg_list = unsafe self.elements + index
            unsafe self.requests[index].num_sge = 1
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
    public var isFull: Bool { self.count == self.capacity }

    /// Adds a request for one message, at most as long as `slice`. The batch must not be full.
    public mutating func append(into slice: RegionSlice<ReadWrite>, id: UInt64 = 0) {
        precondition(self.count < self.capacity, "the batch is full")
        let target = unsafe self.requests + self.count
        unsafe target.pointee.wr_id = id
        unsafe target.pointee.sg_list.pointee = slice.element
        unsafe target.pointee.next = nil
        if self.count > 0 { unsafe self.requests[self.count - 1].next = unsafe target }
        self.count += 1
    }

    /// Empties it, to be filled anew.
    public mutating func removeAll() { self.count = 0 }
}
