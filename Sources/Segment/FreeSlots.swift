/// Which entries of a table are free. An index that was freed comes back as late as it can.
internal struct FreeSlots {
    private let count: Int
    /// Entries from here on were never used, so their pages are still untouched.
    private var firstFresh = 0
    /// A ring would spare the moves; tables are touched at set-up only.
    private var freed: [Int] = []
    private var freedStart = 0

    /// How many freed entries pile up before the first is used again.
    private static var quarantineCount: Int { 16 }

    internal init(count: Int) {
        self.count = count
    }

    internal mutating func allocate() -> Int? {
        let freedCount = self.freed.count - self.freedStart
        if self.firstFresh < self.count && freedCount < Self.quarantineCount {
            self.firstFresh += 1
            return self.firstFresh - 1
        }
        guard freedCount > 0 else { return nil }
        let index = self.freed[self.freedStart]
        self.freedStart += 1
        if self.freedStart >= 1024 && self.freedStart * 2 >= self.freed.count {
            self.freed.removeFirst(self.freedStart)
            self.freedStart = 0
        }
        return index
    }

    internal mutating func free(_ index: Int) {
        self.freed.append(index)
    }
}
