/// A receive request that was taken from its queue, with room of its own for the scatter list.
///
/// The responder of a queue pair keeps one and fills it again for each message.
@safe
public struct ReceiveDescriptor: ~Copyable {
    public var workRequestID: UInt64 = 0
    /// How many elements are valid.
    public var elementCount = 0
    // SAFETY: `capacity` initialised elements, from `init` until `deinit`.
    @usableFromInline internal let storage: UnsafeMutablePointer<ScatterElement>
    public let capacity: Int

    /// - Parameter capacity: The greatest number of elements of any request in the queues that it will take from.
    public init(capacity: Int) {
        self.capacity = max(capacity, 1)
        unsafe self.storage = .allocate(capacity: self.capacity)
        unsafe self.storage.initialize(
            repeating: ScatterElement(address: 0, byteCount: 0, lKey: 0),
            count: self.capacity
        )
    }

    deinit {
        unsafe self.storage.deallocate()
    }

    /// The element at `index`, which is below `elementCount`.
    public subscript(index: Int) -> ScatterElement {
        @inlinable @inline(always)
        get {
            precondition(index >= 0 && index < self.elementCount, "no such element")
            return unsafe self.storage[index]
        }
    }

    /// How many bytes a message may have that goes into it.
    @inlinable @inline(always)
    public var byteCount: UInt64 {
        var sum: UInt64 = 0
        for index in 0..<self.elementCount { sum += unsafe UInt64(self.storage[index].byteCount) }
        return sum
    }

    /// The elements, for as long as the descriptor is not filled again.
    @unsafe @inlinable @inline(always) public var elements: UnsafeBufferPointer<ScatterElement> {
        unsafe UnsafeBufferPointer(start: self.storage, count: self.elementCount)
    }

    /// Copies a request in. The elements may change at any time, so each word is read once.
    @inlinable @inline(always)
    internal mutating func fill(workRequestID: UInt64, from elements: UnsafeMutableRawPointer, count: Int) {
        self.workRequestID = workRequestID
        self.elementCount = min(count, self.capacity)
        for index in 0..<self.elementCount {
            let element = unsafe elements + index * MemoryLayout<ScatterElement>.stride
            unsafe self.storage[index] = ScatterElement(
                SharedUInt64(at: element).relaxed,
                lengthAndKey: SharedUInt64(at: element + 8).relaxed
            )
        }
    }
}

// SAFETY: the storage belongs to the value alone.
extension ReceiveDescriptor: @unchecked Sendable {}
