import Wire

/// The answers that a responder owes, in the order of their positions, which never overlap.
///
/// Requests that come for the first time are appended. A request that comes again is put where it belongs: the requester
/// may have gone back, or the network may have copied the packet, and in either case what is owed behind it stays owed.
struct ResponseQueue: ~Copyable {
    private var entries: FixedRing<ResponseEntry>
    private var headIndex = 0
    private(set) var count = 0
    /// How many of them are answers to requests that came for the first time.
    private(set) var freshCount = 0

    /// - Parameter readsMax: how many fresh entries there may be, and how many others.
    init(readsMax: Int) {
        let start = SequencePosition(startingAt: PSN(truncating: 0))
        let empty = ResponseEntry(
            start: start,
            packetCount: 1,
            content: .atomicWrite,
            isFresh: false,
            msn: MSN(truncating: 0)
        )
        self.entries = FixedRing(capacity: max(1, 2 * readsMax), filledWith: empty)
    }

    /// Makes room for more answers, and keeps those that are owed.
    mutating func grow(readsMax: Int) {
        guard 2 * readsMax > self.entries.capacity else { return }
        var larger = FixedRing(capacity: 2 * readsMax, filledWith: self.entries[0])
        for offset in 0..<self.count { larger[offset] = self.entries[self.index(offset)] }
        self.entries = larger
        self.headIndex = 0
    }

    private func index(_ offset: Int) -> Int {
        let index = self.headIndex + offset
        return index < self.entries.capacity ? index : index - self.entries.capacity
    }

    /// The answer to continue with.
    var first: ResponseEntry? { self.count > 0 ? self.entries[self.headIndex] : nil }

    /// Notes that one packet of the first answer was sent, and forgets the answer after its last.
    mutating func advanceFirst() {
        precondition(self.count > 0, "no answer is owed")
        let next = self.entries[self.headIndex].next.advanced(by: 1)
        self.entries[self.headIndex].next = next
        if next == self.entries[self.headIndex].end { self.removeFirst() }
    }

    mutating func removeFirst() {
        precondition(self.count > 0, "no answer is owed")
        if self.entries[self.headIndex].isFresh { self.freshCount -= 1 }
        self.headIndex = self.index(1)
        self.count -= 1
    }

    mutating func removeAll() {
        self.count = 0
        self.freshCount = 0
    }

    /// Appends a fresh answer, which lies behind all others.
    ///
    /// - Precondition: fewer than `readsMax` fresh ones are owed.
    mutating func append(_ entry: ResponseEntry) {
        precondition(entry.isFresh && self.count < self.entries.capacity, "more answers than were agreed")
        self.entries[self.index(self.count)] = entry
        self.count += 1
        self.freshCount += 1
    }

    /// Puts the answer to a repeated request in its place, unless it is still to come anyway.
    ///
    /// With `readsMax` repeated requests waiting, further ones are dropped.
    ///
    /// - Returns: what became of it.
    mutating func insert(_ entry: ResponseEntry, readsMax: Int) -> TransportMarks {
        for offset in 0..<self.count {
            let other = self.entries[self.index(offset)]
            if other.next <= entry.start, entry.end <= other.end { return .duplicateReadStillOwed }
        }
        let countBefore = self.count
        self.removeOverlaps(with: entry)
        let marks: TransportMarks = self.count < countBefore ? .owedAnswerReplaced : []
        guard self.count - self.freshCount < readsMax else { return marks.union(.duplicateReadsTooMany) }
        var offset = self.count
        while offset > 0, self.entries[self.index(offset - 1)].start > entry.start {
            self.entries[self.index(offset)] = self.entries[self.index(offset - 1)]
            offset -= 1
        }
        self.entries[self.index(offset)] = entry
        self.count += 1
        return marks.union(.duplicateReadAnswered)
    }

    private mutating func removeOverlaps(with entry: ResponseEntry) {
        var keptCount = 0
        for offset in 0..<self.count {
            let other = self.entries[self.index(offset)]
            if other.start < entry.end, entry.start < other.end {
                if other.isFresh { self.freshCount -= 1 }
                continue
            }
            self.entries[self.index(keptCount)] = other
            keptCount += 1
        }
        self.count = keptCount
    }
}
