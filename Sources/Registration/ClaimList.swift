/// The ranges with which calls are in the kernel right now. No two of them overlap.
internal struct ClaimList {
    /// More calls than this at a time wait for each other.
    internal static let capacity = 32

    /// The first `count` are claimed.
    private var ranges = InlineArray<32, PageRange>(
        repeating: PageRange(lowerBound: 0, upperBound: PageRange.pageByteCount)
    )
    internal private(set) var count = 0

    internal var isFull: Bool { self.count == Self.capacity }

    @inline(__always)
    internal func overlaps(_ range: PageRange) -> Bool {
        for index in 0..<self.count {
            if self.ranges[index].overlaps(range) { return true }
        }
        return false
    }

    @inline(__always)
    internal mutating func insert(_ range: PageRange) {
        precondition(!self.isFull)
        assert(!self.overlaps(range))
        self.ranges[self.count] = range
        self.count += 1
    }

    @inline(__always)
    internal mutating func remove(_ range: PageRange) {
        for index in 0..<self.count where self.ranges[index] == range {
            self.count -= 1
            self.ranges[index] = self.ranges[self.count]
            return
        }
        assertionFailure("a claim ends once")
    }
}
