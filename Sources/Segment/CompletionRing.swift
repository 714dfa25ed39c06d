public import SystemIO

/// The queue of completions behind a completion queue: any number of producers, in this process or in others, and one
/// consumer, the owner.
///
/// A view over a head of 512 bytes in the completion table, and pages for the entries. It knows nothing of descriptors:
/// the caller wakes who waits. The indices only grow; an index modulo the capacity is the place of its entry.
///
/// | Bytes   | Contents                                                                                 |
/// |---------|------------------------------------------------------------------------------------------|
/// | 0-3     | producers' lock                                                                          |
/// | 48-55   | index of the next entry to write                                                         |
/// | 56-63   | how far the producers know that the consumer has come                                    |
/// | 64-67   | consumer's lock                                                                          |
/// | 128-135 | index of the next entry to read                                                          |
/// | 192-199 | capacity (low half), offset of the entries in pages (high half): changed under both locks |
/// | 200-203 | 1 after an overrun                                                                       |
/// | 204-207 | 1 when completions carry the time                                                        |
/// | 208-211 | 1 when a peer met the overrun first, and the owner has not heard of it                   |
/// | 256-259 | what the consumer waits for, see CompletionRing+Arming.swift                             |
/// | 260-263 | events raised and not yet fetched                                                        |
/// | 264-267 | 1 + the channel's descriptor in the owner's numbers, 0 without a channel                 |
/// | 268-271 | number of the channel, which no other of the process has had                             |
/// | 272-275 | events that a peer raised and could not signal                                           |
/// | 276-303 | events that wait for more completions, see CompletionRing+Moderation.swift                |
///
/// An entry says itself that it is there: it carries its index, which is written last. So the consumer looks at one cache
/// line only, the one that it needs anyway. A producer that dies before that has changed nothing; one that dies between
/// that and moving its index has produced, and whoever finds the lock's holder dead moves the index for it.
@safe
public struct CompletionRing {
    // SAFETY: start of the segment's mapping, which outlives the view; the entries lie at an offset from it.
    @usableFromInline internal let segmentBase: UnsafeMutableRawPointer
    // SAFETY: 512 bytes inside the mapping.
    @usableFromInline internal let head: UnsafeMutableRawPointer
    /// Place of the head in the completion table.
    public let index: Int
    @usableFromInline internal let producerLock: HolderLock
    @usableFromInline internal let consumerLock: LockWord

    public enum PushOutcome {
        case stored
        /// An event is due: the consumer had asked for one.
        case storedAndDue
        /// It is the first whose event waits for more, or for the end of the period, which the owner has to watch.
        case storedAndWaiting
        /// The ring was full. The completion is lost, and the ring stays in error.
        case overrun
        /// As `overrun`, but not for the first time.
        case overrunAgain
        /// The payload took another way: nothing was appended.
        case refused
        /// Another producer holds the lock and may be stopped: nothing was appended, and it is to be tried again later.
        case busy
    }

    /// Bytes between two entries: a cache line.
    public static var entryByteCount: Int { 64 }

    /// - Parameter index: Of a place in the table.
    internal init(in view: SegmentView, index: Int) {
        let offset = view.layout.completionsOffset + index * SegmentLayout.completionEntryByteCount
        unsafe self.segmentBase = view.base
        unsafe self.head = view.base + offset
        self.index = index
        self.producerLock = HolderLock(at: offset, in: view)
        unsafe self.consumerLock = LockWord(at: self.head + 64)
    }
}

// SAFETY: what several processes change is atomic or under one of the locks.
extension CompletionRing: @unchecked Sendable {}

// MARK: - Fields

extension CompletionRing {
    @inlinable @inline(always) internal var produced: SharedUInt64 { unsafe SharedUInt64(at: self.head + 48) }
    @inlinable @inline(always) internal var knownConsumed: SharedUInt64 { unsafe SharedUInt64(at: self.head + 56) }
    @inlinable @inline(always) internal var consumed: SharedUInt64 { unsafe SharedUInt64(at: self.head + 128) }
    @inlinable @inline(always) internal var geometryWord: SharedUInt64 { unsafe SharedUInt64(at: self.head + 192) }
    @inlinable @inline(always) internal var overrun: SharedUInt32 { unsafe SharedUInt32(at: self.head + 200) }
    /// Whether completions carry the time at which they were appended: 1, or 0.
    @inlinable @inline(always) public var recordsTimes: SharedUInt32 { unsafe SharedUInt32(at: self.head + 204) }
    /// 1 when a peer met the overrun first, and the owner has not heard of it.
    @inlinable @inline(always) public var unreportedOverrun: SharedUInt32 { unsafe SharedUInt32(at: self.head + 208) }
    /// Events raised and not yet fetched.
    @inlinable @inline(always) public var dueEvents: SharedUInt32 { unsafe SharedUInt32(at: self.head + 260) }
    /// 1 + the channel's descriptor in the owner's numbers; 0 without a channel.
    @inlinable @inline(always) public var channelDescriptor: SharedUInt32 { unsafe SharedUInt32(at: self.head + 264) }
    /// A number that no other channel of the owner has had.
    @inlinable @inline(always) public var channelNumber: SharedUInt32 { unsafe SharedUInt32(at: self.head + 268) }
    /// Events that a peer raised and could not signal: the owner does it.
    @inlinable @inline(always) public var unsignaledEvents: SharedUInt32 { unsafe SharedUInt32(at: self.head + 272) }

    /// Where the entries lie and how many they are.
    @usableFromInline
    internal struct Geometry {
        @usableFromInline let word: UInt64

        @inlinable @inline(always)
        init(word: UInt64) {
            self.word = word
        }

        @inlinable @inline(always) var capacity: UInt64 { self.word & 0xFFFF_FFFF }
        @inlinable @inline(always) var byteOffset: Int { Int(self.word >> 32) * SegmentLayout.pageByteCount }
        var extent: Extent {
            let page = SegmentLayout.pageByteCount
            let byteCount = Int(self.capacity) * CompletionRing.entryByteCount
            return Extent(byteOffset: self.byteOffset, byteCount: (byteCount + page - 1) / page * page)
        }
    }

    /// To be read under one of the locks.
    @inlinable @inline(always)
    internal var geometry: Geometry {
        get { Geometry(word: self.geometryWord.relaxed) }
        nonmutating set { self.geometryWord.storeRelaxed(newValue.word) }
    }

    @inlinable @inline(always)
    internal func slot(_ index: UInt64, in geometry: Geometry) -> UnsafeMutablePointer<CompletionEntry> {
        let place = Int(index & (geometry.capacity &- 1))
        // SAFETY: the capacity is a power of two, so the place lies inside the extent of the ring.
        return unsafe (self.segmentBase + geometry.byteOffset + place * Self.entryByteCount)
            .assumingMemoryBound(to: CompletionEntry.self)
    }

    @inlinable @inline(always)
    internal func sequence(_ index: UInt64, in geometry: Geometry) -> SharedUInt32 {
        unsafe SharedUInt32(
            at: UnsafeMutableRawPointer(self.slot(index, in: geometry)) + CompletionEntry.sequenceOffset
        )
    }

    /// Whether the entry with this index is there. Acquired: the rest of the entry is there too.
    @inlinable @inline(always)
    internal func hasEntry(_ index: UInt64, in geometry: Geometry) -> Bool {
        let expected = UInt32(truncatingIfNeeded: index &+ 1)
        guard self.sequence(index, in: geometry).acquired == expected else { return false }
        // Memory that was never written reads as 0, which is an index once in 2^32.
        return expected != 0 || self.produced.acquired != index
    }

    /// Completions that the ring holds at most.
    public var capacity: Int { Int(self.geometry.capacity) }
    /// Completions that wait to be polled.
    public var count: Int {
        // In this order the difference is never negative, whatever others do in between.
        let consumed = self.consumed.acquired
        return Int(clamping: self.produced.acquired &- consumed)
    }
    /// Where the next completion will stand, counted from the beginning.
    @inlinable @inline(always) public var producedCount: UInt64 { self.produced.acquired }
    /// How many completions were taken out, or removed.
    @inlinable @inline(always) public var consumedCount: UInt64 { self.consumed.acquired }
    @inlinable @inline(always) public var isEmpty: Bool { !self.hasEntry(self.consumed.relaxed, in: self.geometry) }
    /// Whether the completion that makes so many since the beginning was appended, and is the one of a receive request.
    ///
    /// A producer that died before it wrote leaves the place to the next one, whose completion is another.
    public func hasProduced(_ count: UInt64, receive workRequestID: UInt64, ofQueuePair number: UInt32) -> Bool {
        guard self.acquireProducing() else { return true }
        defer { self.producerLock.unlock() }
        guard self.produced.relaxed >= count else { return false }
        let entry = unsafe self.slot(count &- 1, in: self.geometry).pointee
        // Overwritten since, long after the peer's death was known: then it was read, too.
        guard entry.sequence == UInt32(truncatingIfNeeded: count) else { return true }
        return entry.qpNumber == number && entry.workRequestID == workRequestID
            && entry.opcode & UInt8(WorkCompletion.Opcode.receive) != 0
    }
    @inlinable @inline(always) public var hasOverrun: Bool { self.overrun.relaxed != 0 }
}

// MARK: - Producing

extension CompletionRing {
    /// Appends a completion.
    ///
    /// - Parameter isSolicited: Whether it satisfies a consumer that waits for solicited ones only.
    @inlinable @inline(always)
    public func push(_ completion: WorkCompletion, isSolicited: Bool) -> PushOutcome {
        self.push(completion, isSolicited: isSolicited) { _, _ in true }
    }

    /// Appends a completion with a payload that the poller puts in place.
    ///
    /// - Parameters:
    ///   - isPatient: Whether to wait for a producer that holds the lock, however long.
    ///   - fill: Runs under the producers' lock, when there is room, and puts the payload into the entry. It gets the entry's
    ///     index, and returns whether the entry shall be appended.
    @inlinable @inline(always)
    public func push(
        _ completion: WorkCompletion,
        isSolicited: Bool,
        isPatient: Bool = true,
        fill: (inout CompletionEntry, UInt64) -> Bool
    ) -> PushOutcome {
        if let outcome = self.acquireProducing(isPatient: isPatient) { return outcome }
        let geometry = self.geometry
        let index = self.produced.relaxed
        guard self.hasRoom(at: index, in: geometry) else {
            let isFirst = self.overrun.exchange(1) == 0
            self.producerLock.unlock()
            return isFirst ? .overrun : .overrunAgain
        }
        var entry = CompletionEntry(completion)
        guard fill(&entry, index) else {
            self.producerLock.unlock()
            return .refused
        }
        unsafe self.slot(index, in: geometry).pointee = entry
        // Partner of the acquiring load in `hasEntry`.
        self.sequence(index, in: geometry).storeReleasing(UInt32(truncatingIfNeeded: index &+ 1))
        self.produced.storeReleasing(index &+ 1)
        let outcome = self.outcome(isSolicited: isSolicited)
        self.producerLock.unlock()
        return outcome
    }

    /// What a completion that was just appended means for the consumer. Under the producers' lock.
    @inlinable @inline(always)
    internal func outcome(isSolicited: Bool) -> PushOutcome {
        guard self.isModerated else { return self.disarmIfDue(isSolicited: isSolicited) ? .storedAndDue : .stored }
        switch self.countForModeration(isSolicited: isSolicited) {
        case .due(let isSolicited): return self.disarmIfDue(isSolicited: isSolicited) ? .storedAndDue : .stored
        case .wait: return .stored
        case .waitFromNowOn: return .storedAndWaiting
        }
    }

    /// Asks for the line of an entry that will be written soon: its last reader is another core, and what is written behind
    /// it would have to wait.
    @inlinable @inline(always)
    public func prefetchNext() {
        unsafe Prefetch.toWrite(self.slot(self.produced.relaxed &+ Self.entriesAhead, in: self.geometry))
    }

    @inlinable @inline(always) internal static var entriesAhead: UInt64 { 4 }

    @inlinable @inline(always)
    internal func hasRoom(at index: UInt64, in geometry: Geometry) -> Bool {
        if index &- self.knownConsumed.relaxed < geometry.capacity { return true }
        // Acquired: the consumer has read the entry before it gave the place back.
        let consumed = self.consumed.acquired
        self.knownConsumed.storeRelaxed(consumed)
        return index &- consumed < geometry.capacity
    }

    /// Takes the producers' lock, and finishes what a holder that died had begun.
    ///
    /// - Returns: `false` when the owner has died.
    @inlinable @inline(always)
    internal func acquireProducing() -> Bool {
        self.acquireProducing(isPatient: true) == nil
    }

    /// - Returns: `nil`, or what a push comes to that does not get the lock.
    @inlinable @inline(always)
    internal func acquireProducing(isPatient: Bool) -> PushOutcome? {
        let acquisition = isPatient ? self.producerLock.lock() : self.producerLock.lockSoon()
        if case .clean = acquisition { return nil }
        return self.finishAcquiring(acquisition)
    }

    @usableFromInline
    @inline(never)
    internal func finishAcquiring(_ acquisition: HolderLock.Acquisition) -> PushOutcome? {
        switch acquisition {
        case .clean: break
        case .holderDied:
            // It may have died before it could move the index.
            let index = self.produced.relaxed
            if self.hasEntry(index, in: self.geometry) { self.produced.storeReleasing(index &+ 1) }
        case .ownerDied: return .overrunAgain
        case .busy: return .busy
        }
        return nil
    }
}

// MARK: - Consuming

extension CompletionRing {
    /// Takes the consumer's lock. For the owner.
    @inlinable @inline(always)
    public func beginConsuming() {
        self.consumerLock.lock()
    }

    @inlinable @inline(always)
    public func endConsuming() {
        self.consumerLock.unlock()
    }

    /// Moves the oldest completion to `completion`, or says that there is none. Between `beginConsuming` and `end`.
    @inlinable @inline(always)
    public func next(into completion: inout WorkCompletion) -> Bool {
        self.next(into: &completion) { _ in }
    }

    /// Moves the oldest completion to `completion`, or says that there is none. Between `beginConsuming` and `end`.
    ///
    /// - Parameter place: Puts the payload of the entry where it belongs.
    @inlinable @inline(always)
    public func next(into completion: inout WorkCompletion, place: (CompletionEntry) -> Void) -> Bool {
        let index = self.consumed.relaxed
        let geometry = self.geometry
        guard self.hasEntry(index, in: geometry) else { return false }
        let slot = unsafe self.slot(index, in: geometry)
        unsafe slot.pointee.unpack(into: &completion)
        if unsafe slot.pointee.hasPayload { place(unsafe slot.pointee) }
        // Partner of the acquiring load in `push`.
        self.consumed.storeReleasing(index &+ 1)
        return true
    }
}
