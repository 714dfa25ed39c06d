/// Which slots of a memory table are free, and in which order they are used again.
///
/// A slot has as many keys as it has generations. A key that was valid once must not be valid again while somebody may
/// still hold it, so slots rest after use, fresh ones come first, and one that has used up its keys retires until there
/// is nothing else.
internal struct FreeMemorySlots {
    /// Slots from here on were never used.
    internal var firstFresh: UInt32 = 0
    internal var resting = Queue()
    internal var retired = Queue()

    /// How many slots rest before the first is used again.
    internal static var quarantineCount: Int { 1024 }

    /// A list through the `nextFree` fields of the table.
    internal struct Queue {
        /// Slot + 1; 0 when the list is empty.
        private var first: UInt32 = 0
        private var last: UInt32 = 0
        internal private(set) var count = 0

        internal mutating func append(_ index: UInt32, in table: MemoryTable) {
            table.entry(at: index).nextFree.storeRelaxed(0)
            if self.count == 0 {
                self.first = index + 1
            } else {
                table.entry(at: self.last - 1).nextFree.storeRelaxed(index + 1)
            }
            self.last = index + 1
            self.count += 1
        }

        internal mutating func removeFirst(in table: MemoryTable) -> UInt32? {
            guard self.count > 0 else { return nil }
            let index = self.first - 1
            self.first = table.entry(at: index).nextFree.relaxed
            self.count -= 1
            return index
        }
    }

    /// The next slot to use, or `nil` when all hold regions.
    internal mutating func allocate(in table: MemoryTable, count: Int) -> UInt32? {
        if self.resting.count < Self.quarantineCount && self.firstFresh < UInt32(count) {
            self.firstFresh += 1
            return self.firstFresh - 1
        }
        return self.resting.removeFirst(in: table) ?? self.retired.removeFirst(in: table)
    }
}
