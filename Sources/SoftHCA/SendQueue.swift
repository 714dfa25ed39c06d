internal import Segment
internal import Transport

/// The ring of a queue pair's send requests, in memory that only this process sees.
///
/// Four indices, which only grow, divide it: `freed` is the oldest whose completion may not have been polled, `head` the
/// oldest request under way, `tail` the first that has not been committed, `staged` the end of what the open batch has
/// appended. The requester of `Transport` numbers its slots
/// alike, so that a slot means the same request in both.
@safe
internal struct SendQueue: ~Copyable {
    internal let capacity: Int
    internal let inlineByteCount: Int
    internal let elementsMax: Int
    private let stride: Int
    // SAFETY: allocated for `capacity * stride` bytes from `init` until `deinit`.
    private let base: UnsafeMutableRawPointer
    // SAFETY: `capacity` initialised requests and paths, from `init` until `deinit`.
    private let requests: UnsafeMutablePointer<SendRequest>
    private let paths: UnsafeMutablePointer<WirePath>
    // SAFETY: likewise.
    private let completionEnds: UnsafeMutablePointer<UInt64>
    private var freed: UInt64 = 0
    private(set) var head: UInt64 = 0
    private(set) var tail: UInt64 = 0
    private(set) var staged: UInt64 = 0
    // The places of the four, so that nothing is divided on the data path.
    private var freedPlace = 0
    private(set) var headSlot = 0
    private var tailPlace = 0
    private(set) var stagedSlot = 0
    /// Where the open batch began.
    private var batchStart: UInt64 = 0
    private var batchStartSlot = 0

    /// - Parameter keepsPaths: a datagram carries its destination with each request.
    init(capacity: Int, elementsMax: Int, inlineByteCount: Int, keepsPaths: Bool) {
        precondition(capacity > 0)
        self.capacity = capacity
        self.elementsMax = elementsMax
        self.inlineByteCount = inlineByteCount
        let bodyByteCount = max(
            elementsMax * MemoryLayout<ScatterElement>.stride,
            inlineByteCount,
            MemoryLayout<MemoryBinding>.stride
        )
        self.stride = (MemoryLayout<SendSlot>.stride + bodyByteCount + 63) & ~63
        unsafe self.base = .allocate(byteCount: capacity * self.stride, alignment: 64)
        unsafe self.requests = .allocate(capacity: capacity)
        unsafe self.requests.initialize(
            repeating: SendRequest(operation: .send, byteCount: 0),
            count: capacity
        )
        unsafe self.completionEnds = .allocate(capacity: capacity)
        unsafe self.completionEnds.initialize(repeating: 0, count: capacity)
        unsafe self.paths = .allocate(capacity: keepsPaths ? capacity : 1)
        unsafe self.paths.initialize(repeating: WirePath(), count: keepsPaths ? capacity : 1)
    }

    deinit {
        unsafe self.base.deallocate()
        unsafe self.completionEnds.deallocate()
        unsafe self.requests.deallocate()
        unsafe self.paths.deallocate()
    }
}

// MARK: - Indices

extension SendQueue {
    var freeCount: Int { self.capacity - Int(self.staged - self.freed) }
    var stagedCount: Int { Int(self.staged - self.tail) }

    /// The slot behind another one.
    @inline(always)
    func place(after place: Int) -> Int { place + 1 == self.capacity ? 0 : place + 1 }

    mutating func stage(_ request: SendRequest) {
        assert(self.freeCount > 0)
        unsafe self.requests[self.stagedSlot] = request
        self.staged += 1
        self.stagedSlot = self.place(after: self.stagedSlot)
    }

    /// Hands the oldest staged request over; `nil` when the batch is used up.
    mutating func commitNext() -> (slot: Int, request: SendRequest)? {
        guard self.tail < self.staged else { return nil }
        let slot = self.tailPlace
        self.tail += 1
        self.tailPlace = self.place(after: slot)
        return unsafe (slot, self.requests[slot])
    }

    /// Whether a request was handed over that is not done.
    @inline(always)
    var hasCommitted: Bool { self.head < self.tail }

    /// Requests that were handed over and are not done.
    @inline(always)
    var committedCount: Int { Int(self.tail - self.head) }

    /// Hands everything over that is staged.
    mutating func commitAll() {
        self.tail = self.staged
        self.tailPlace = self.stagedSlot
    }

    @inline(always)
    func request(at slot: Int) -> SendRequest { unsafe self.requests[slot] }

    mutating func beginBatch() {
        self.batchStart = self.staged
        self.batchStartSlot = self.stagedSlot
    }

    /// Takes back what the open batch has appended.
    mutating func abandonBatch() {
        self.staged = self.batchStart
        self.stagedSlot = self.batchStartSlot
    }

    /// The oldest request is done.
    ///
    /// - Parameter completionEnd: The place is free once so many completions have been polled; 0 at once.
    mutating func retire(_ slot: Int, completionEnd: UInt64) {
        assert(slot == self.headSlot, "requests complete in the order of their posting")
        unsafe self.completionEnds[slot] = completionEnd
        self.head += 1
        self.headSlot = self.place(after: slot)
    }

    /// Frees the places of requests that are done and whose completions were polled.
    ///
    /// A place that was free before would let a program that posts until the queue is full overrun a completion queue
    /// of the same size (IBTA Volume 1, section 10.8.5.1).
    mutating func free(polledCount: UInt64) {
        while self.freed < self.head, unsafe self.completionEnds[self.freedPlace] <= polledCount {
            self.freed += 1
            self.freedPlace = self.place(after: self.freedPlace)
        }
    }

    mutating func reset() {
        self.freed = 0
        self.head = 0
        self.tail = 0
        self.staged = 0
        self.batchStart = 0
        self.freedPlace = 0
        self.headSlot = 0
        self.tailPlace = 0
        self.stagedSlot = 0
        self.batchStartSlot = 0
    }
}

// MARK: - Slots

extension SendQueue {
    subscript(slot: Int) -> SendSlot {
        get { unsafe (self.base + slot * self.stride).assumingMemoryBound(to: SendSlot.self).pointee }
        nonmutating set {
            unsafe (self.base + slot * self.stride).initializeMemory(as: SendSlot.self, to: newValue)
        }
    }

    @inline(always)
    func isInline(_ slot: Int) -> Bool {
        unsafe (self.base + slot * self.stride).assumingMemoryBound(to: SendSlot.self).pointee.isInline
    }

    /// The first 16 bytes behind a slot, for which every one has room.
    @inline(always)
    func words(of slot: Int) -> (UInt64, UInt64) {
        let body = unsafe self.body(of: slot)
        return unsafe (body.load(as: UInt64.self), body.load(fromByteOffset: 8, as: UInt64.self))
    }

    /// The scatter elements behind a slot. Valid as long as the queue.
    @inline(always)
    func elements(of slot: Int) -> UnsafeMutablePointer<ScatterElement> {
        unsafe self.body(of: slot).assumingMemoryBound(to: ScatterElement.self)
    }

    /// The bytes behind a slot.
    @inline(always)
    func body(of slot: Int) -> UnsafeMutableRawPointer {
        unsafe self.base + (slot * self.stride + MemoryLayout<SendSlot>.stride)
    }

    func path(of slot: Int) -> WirePath {
        unsafe self.paths[slot]
    }

    func setPath(_ path: WirePath, of slot: Int) {
        unsafe self.paths[slot] = path
    }
}
