public import SystemIO

/// The queue of receive requests behind a queue pair or a shared receive queue: the owner posts, whoever delivers a
/// message takes.
///
/// A view over a head of 512 bytes in the receive table, and pages for the requests.
///
/// | Bytes   | Contents                                                                                  |
/// |---------|-------------------------------------------------------------------------------------------|
/// | 0-3     | posters' lock                                                                             |
/// | 48-55   | index of the next request to post                                                         |
/// | 56-63   | how far the posters know that the takers have come                                        |
/// | 64-67   | takers' lock                                                                              |
/// | 112-119 | index of the next request to take                                                         |
/// | 120-127 | how far the takers know that the posters have come                                        |
/// | 128-135 | capacity (low half), offset of the requests in pages (high half): changed under both locks |
/// | 136-139 | elements of a request at most                                                             |
/// | 140-143 | armed limit of a shared receive queue, 0 when not armed                                   |
/// | 144-147 | 1 when a peer met the limit, and the owner has not heard of it                            |
/// | 148-151 | 1 for a shared receive queue, whose takers need the lock                                  |
/// | 192-195 | 1 while somebody waits for a request to be posted                                         |
///
/// A request: its identifier (8 bytes), the count of its elements (4), 4 of padding, the elements (16 each).
/// A taker that dies before it has moved the index has taken nothing, so the ring is sound at any instruction.
///
/// Takers move their index by compare and exchange: what a taker read is its own only if nobody else was faster. Those of a
/// shared receive queue take the lock besides, because each notes in its queue pair what it is about to take, and because
/// the requests of a shared queue may move to other pages.
@safe
public struct ReceiveRing {
    // SAFETY: start of the segment's mapping, which outlives the view; the requests lie at an offset from it.
    @usableFromInline internal let segmentBase: UnsafeMutableRawPointer
    // SAFETY: 512 bytes inside the mapping.
    @usableFromInline internal let head: UnsafeMutableRawPointer
    /// Place of the head in the receive table.
    public let index: Int
    @usableFromInline internal let postLock: LockWord
    @usableFromInline internal let takeLock: HolderLock

    /// - Parameter index: Of a place in the table.
    internal init(in view: SegmentView, index: Int) {
        let offset = view.layout.receivesOffset + index * SegmentLayout.receiveEntryByteCount
        unsafe self.segmentBase = view.base
        unsafe self.head = view.base + offset
        self.index = index
        unsafe self.postLock = LockWord(at: self.head)
        self.takeLock = HolderLock(at: offset + 64, in: view)
    }
}

// SAFETY: what several processes change is atomic or under one of the locks.
extension ReceiveRing: @unchecked Sendable {}

// MARK: - Fields

extension ReceiveRing {
    @inlinable @inline(always) internal var posted: SharedUInt64 { unsafe SharedUInt64(at: self.head + 48) }
    @inlinable @inline(always) internal var knownTaken: SharedUInt64 { unsafe SharedUInt64(at: self.head + 56) }
    @inlinable @inline(always) internal var taken: SharedUInt64 { unsafe SharedUInt64(at: self.head + 112) }
    @inlinable @inline(always) internal var knownPosted: SharedUInt64 { unsafe SharedUInt64(at: self.head + 120) }
    @inlinable @inline(always) internal var geometryWord: SharedUInt64 { unsafe SharedUInt64(at: self.head + 128) }
    @inlinable @inline(always) internal var scatterMaxWord: SharedUInt32 { unsafe SharedUInt32(at: self.head + 136) }
    /// The count of requests below which an event is due, once; 0 when none is wanted.
    @inlinable @inline(always) public var limit: SharedUInt32 { unsafe SharedUInt32(at: self.head + 140) }
    /// 1 when a peer took the request that reached the limit, and the owner has not raised the event.
    @inlinable @inline(always) public var unreportedLimit: SharedUInt32 { unsafe SharedUInt32(at: self.head + 144) }
    /// 1 for a shared receive queue, whose takers need the lock.
    @inlinable @inline(always) internal var sharedWord: SharedUInt32 { unsafe SharedUInt32(at: self.head + 148) }
    /// 1 while somebody waits for a request to be posted.
    @inlinable @inline(always) public var waiters: SharedUInt32 { unsafe SharedUInt32(at: self.head + 192) }

    /// Where the requests lie and how many they are.
    @usableFromInline
    internal struct Geometry {
        @usableFromInline let word: UInt64

        @inlinable @inline(always)
        init(word: UInt64) {
            self.word = word
        }

        @inlinable @inline(always) var capacity: UInt64 { self.word & 0xFFFF_FFFF }
        @inlinable @inline(always) var byteOffset: Int { Int(self.word >> 32) * SegmentLayout.pageByteCount }
    }

    /// To be read under one of the locks.
    @inlinable @inline(always)
    internal var geometry: Geometry {
        get { Geometry(word: self.geometryWord.relaxed) }
        nonmutating set { self.geometryWord.storeRelaxed(newValue.word) }
    }

    @inlinable @inline(always) internal static var requestHeaderByteCount: Int { 16 }

    @inlinable @inline(always)
    internal static func requestByteCount(scatterMax: Int) -> Int {
        Self.requestHeaderByteCount + scatterMax * MemoryLayout<ScatterElement>.stride
    }

    /// Start of the request at an index of the ring.
    @inlinable @inline(always)
    internal func slot(_ index: UInt64, in geometry: Geometry) -> UnsafeMutableRawPointer {
        let place = Int(index & (geometry.capacity - 1))
        // SAFETY: the capacity is a power of two, so the place lies inside the extent of the ring.
        return unsafe self.segmentBase + geometry.byteOffset
            + place * Self.requestByteCount(scatterMax: Int(self.scatterMaxWord.relaxed))
    }

    public var capacity: Int { Int(self.geometry.capacity) }
    /// Elements that a request may have.
    @inlinable @inline(always) public var scatterMax: Int { Int(self.scatterMaxWord.relaxed) }
    /// Requests that wait to be taken.
    public var count: Int {
        // In this order the difference is never negative, whatever others do in between.
        let taken = self.taken.acquired
        return Int(clamping: self.posted.acquired &- taken)
    }
}

// MARK: - Posting and taking

extension ReceiveRing {
    /// Appends a request.
    ///
    /// - Parameters:
    ///   - elements: `count` elements; may be `nil` when there are none.
    /// - Returns: `nil` when it was taken, `ENOMEM` when the ring is full, `EINVAL` for too many elements.
    @unsafe
    public func post(
        workRequestID: UInt64,
        elements: UnsafePointer<ScatterElement>?,
        count: Int
    ) -> Errno? {
        var batch = self.beginPosting()
        let refusal = unsafe self.append(&batch, workRequestID: workRequestID, elements: elements, count: count)
        self.endPosting(batch)
        return refusal
    }

    /// Requests that are being appended: takers see them all at once.
    public struct Batch {
        @usableFromInline internal var index: UInt64
        @usableFromInline internal let geometry: Geometry

        @inlinable @inline(always)
        internal init(index: UInt64, geometry: Geometry) {
            self.index = index
            self.geometry = geometry
        }
    }

    /// Begins to append requests. Holds the posters' lock until `endPosting`. For the owner.
    @inlinable @inline(always)
    public func beginPosting() -> Batch {
        self.postLock.lock()
        return Batch(index: self.posted.relaxed, geometry: self.geometry)
    }

    /// As `post`, between `beginPosting` and `endPosting`.
    @unsafe
    @inlinable @inline(always)
    public func append(
        _ batch: inout Batch,
        workRequestID: UInt64,
        elements: UnsafePointer<ScatterElement>?,
        count: Int
    ) -> Errno? {
        guard count >= 0, count <= self.scatterMax else { return .invalidArgument }
        guard self.hasRoom(at: batch.index, in: batch.geometry) else { return .noMemory }
        let slot = unsafe self.slot(batch.index, in: batch.geometry)
        unsafe SharedUInt64(at: slot).storeRelaxed(workRequestID)
        unsafe SharedUInt32(at: slot + 8).storeRelaxed(UInt32(truncatingIfNeeded: count))
        if let elements = unsafe elements, count > 0 {
            for index in 0..<count {
                let copy = unsafe slot + (Self.requestHeaderByteCount + index * MemoryLayout<ScatterElement>.stride)
                unsafe SharedUInt64(at: copy).storeRelaxed(elements[index].address)
                unsafe SharedUInt64(at: copy + 8).storeRelaxed(elements[index].lengthAndKey)
            }
        }
        // A taker has read the place long ago, and its core may still have the line.
        if batch.geometry.capacity > 2 * Self.requestsAhead {
            unsafe Prefetch.toWrite(self.slot(batch.index &+ Self.requestsAhead, in: batch.geometry))
        }
        batch.index &+= 1
        return nil
    }

    /// How far ahead a core asks for the lines of requests.
    @inlinable @inline(always) internal static var requestsAhead: UInt64 { 4 }

    @inlinable @inline(always)
    public func endPosting(_ batch: Batch) {
        // Partner of the acquiring load in `hasRequest`.
        self.posted.storeReleasing(batch.index)
        self.postLock.unlock()
    }

    @inlinable @inline(always)
    internal func hasRoom(at index: UInt64, in geometry: Geometry) -> Bool {
        if index &- self.knownTaken.relaxed < geometry.capacity { return true }
        // Acquired: the taker has read the request before it gave the place back.
        let taken = self.taken.acquired
        self.knownTaken.storeRelaxed(taken)
        return index &- taken < geometry.capacity
    }

    /// Takes the oldest request, or says that there is none.
    public func take(into descriptor: inout ReceiveDescriptor) -> Bool {
        self.take(into: &descriptor) { _, _ in true } == .taken
    }

    public enum TakeOutcome: Equatable {
        case taken
        case empty
        /// The caller did not want the oldest request; it is still there.
        case left
        /// Another taker holds the lock of a shared queue and may be stopped.
        case busy
    }

    /// Takes the oldest request if it fits.
    ///
    /// - Parameters:
    ///   - isPatient: Whether to wait for another taker of a shared queue, however long.
    ///   - isWanted: Looks at the request, and gets its index; runs before the request leaves the ring. It runs again
    ///   with the next one if somebody else took that one.
    @inlinable @inline(always)
    public func take(
        into descriptor: inout ReceiveDescriptor,
        isPatient: Bool = true,
        ifWanted isWanted: (borrowing ReceiveDescriptor, UInt64) -> Bool
    ) -> TakeOutcome {
        let isShared = self.sharedWord.relaxed != 0
        if isShared, let outcome = self.acquireTaking(isPatient: isPatient) { return outcome }
        defer { if isShared { self.takeLock.unlock() } }
        let geometry = self.geometry
        while true {
            // Acquired: who took the one before has read it.
            let index = self.taken.acquired
            guard self.hasRequest(index) else { return .empty }
            let slot = unsafe self.slot(index, in: geometry)
            // What is read may be overwritten meanwhile, if somebody else took the request long ago: it is thrown away then.
            unsafe descriptor.fill(
                workRequestID: SharedUInt64(at: slot).relaxed,
                from: slot + Self.requestHeaderByteCount,
                count: min(Int(SharedUInt32(at: slot + 8).relaxed), self.scatterMax)
            )
            guard isWanted(descriptor, index) else { return .left }
            // Partner of the acquiring load in `hasRoom`.
            if self.taken.replace(index, with: index &+ 1) { return .taken }
        }
    }

    /// Asks for the lines of the requests that will be taken next.
    @inlinable @inline(always)
    public func prefetchNext() {
        unsafe Prefetch.toRead(self.slot(self.taken.relaxed &+ Self.requestsAhead, in: self.geometry))
    }

    /// Whether the request with this index was posted.
    @inlinable @inline(always)
    internal func hasRequest(_ index: UInt64) -> Bool {
        // What another taker noted may be older than what was taken since.
        if Int64(bitPattern: self.knownPosted.relaxed &- index) > 0 { return true }
        // Partner of the releasing store in `endPosting`.
        let posted = self.posted.acquired
        self.knownPosted.storeRelaxed(posted)
        return Int64(bitPattern: posted &- index) > 0
    }

    /// How many requests were taken, counted from the beginning.
    public var takenCount: UInt64 { self.taken.acquired }

    /// Notes that somebody waits for a request, who must then look once more.
    public func noteWaiter() {
        self.waiters.storeRelaxed(1)
        fullFence()
    }

    /// Whether somebody waits for the request that was just posted; it is said once.
    @inlinable @inline(always)
    public func takeWaiter() -> Bool {
        // The waiter notes itself, then looks for requests; we post, then look for the waiter.
        fullFence()
        return self.waiters.relaxed != 0 && self.waiters.exchange(0) != 0
    }

    /// As `takeLimitEvent`, for a peer: notes the event for the owner, so that it is not lost if the peer dies here.
    public func noteLimitEvent() -> Bool {
        let limit = self.limit.relaxed
        guard limit != 0, self.count < Int(limit) else { return false }
        self.unreportedLimit.storeRelaxed(1)
        return self.limit.replace(limit, with: 0)
    }

    /// Whether the count has fallen below the armed limit; disarms it then, so that it is said once.
    @inlinable @inline(always)
    public func takeLimitEvent() -> Bool {
        let limit = self.limit.relaxed
        guard limit != 0, self.count < Int(limit) else { return false }
        return self.limit.replace(limit, with: 0)
    }

    /// - Returns: `false` when the owner has died.
    internal func acquireTaking() -> Bool { self.acquireTaking(isPatient: true) == nil }

    /// - Returns: `nil`, or what taking comes to without the lock.
    @inlinable @inline(always)
    internal func acquireTaking(isPatient: Bool) -> TakeOutcome? {
        switch isPatient ? self.takeLock.lock() : self.takeLock.lockSoon() {
        // A holder that died left the ring sound, see above: there is nothing to repair.
        case .clean, .holderDied: nil
        case .ownerDied: .empty
        case .busy: .busy
        }
    }
}
