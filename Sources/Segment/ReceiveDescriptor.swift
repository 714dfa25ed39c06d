/// A receive request that was taken from its queue, with room of its own for the scatter list.
///
/// The responder of a queue pair keeps one and fills it again for each message.
@safe
package struct ReceiveDescriptor: ~Copyable {
    package var workRequestID: UInt64 = 0
    /// How many elements are valid.
    package internal(set) var elementCount = 0
    // SAFETY: `capacity` initialised elements, from `init` until `deinit`.
    private let storage: UnsafeMutablePointer<ScatterElement>
    package let capacity: Int

    /// - Parameter capacity: The greatest number of elements of any request in the queues that it will take from.
    package init(capacity: Int) {
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
    package subscript(index: Int) -> ScatterElement {
        @inline(always)
        get {
            precondition(index >= 0 && index < self.elementCount, "no such element")
            return unsafe self.storage[index]
        }
    }

    /// How many bytes a message may have that goes into it.
    package var byteCount: UInt64 {
        unsafe self.elements.reduce(0) { $0 + UInt64($1.byteCount) }
    }

    /// The elements, for as long as the descriptor is not filled again.
    @unsafe package var elements: UnsafeBufferPointer<ScatterElement> {
        unsafe UnsafeBufferPointer(start: self.storage, count: self.elementCount)
    }

    /// Copies a request in. The caller's elements may change at any time, so each is read once.
    internal mutating func fill(workRequestID: UInt64, from elements: UnsafePointer<ScatterElement>, count: Int) {
        self.workRequestID = workRequestID
        self.elementCount = min(count, self.capacity)
        unsafe self.storage.update(from: elements, count: self.elementCount)
    }
}

// SAFETY: the storage belongs to the value alone.
extension ReceiveDescriptor: @unchecked Sendable {}
