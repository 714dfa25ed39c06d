/// The ranges with which calls are in the kernel right now. No two of them overlap.
internal struct ClaimList {
    /// More calls than this at a time wait for each other.
    internal static let capacity = 32

    private var ranges = InlineArray<32, PageRange?>(repeating: nil)
    internal private(set) var count = 0

    internal var isFull: Bool { self.count == Self.capacity }

    internal func overlaps(_ range: PageRange) -> Bool {
        for index in 0..<self.count {
            if let other = self.ranges[index], other.overlaps(range) { return true }
        }
        return false
    }

    internal mutating func insert(_ range: PageRange) {
        precondition(!self.isFull)
        assert(!self.overlaps(range))
        self.ranges[self.count] = range
        self.count += 1
    }

    internal mutating func remove(_ range: PageRange) {
        for index in 0..<self.count where self.ranges[index] == range {
            self.count -= 1
            self.ranges[index] = self.ranges[self.count]
            self.ranges[self.count] = nil
            return
        }
        assertionFailure("a claim ends once")
    }
}
