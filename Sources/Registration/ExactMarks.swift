/// Marks that wait beside `PageCounts`, by the exact range that they were made with, in a hash table.
///
/// A registration ends with the range that it began with, so most marks are found here again and never reach the tree: to
/// count one costs a look into one place of memory, however many there are. What asks about single pages, or takes away
/// a part of a range, moves all of them into the tree first.
///
/// A range whose last mark went stays in the table for a while if the tree has marks on all of its pages: a program that
/// registers it again and again is served from here. What is known of the tree is true for as long as its *generation*,
/// which the owner moves on when a mark leaves the tree.
///
/// Open addressing with linear probing, at most half full; nothing allocates but `reserve`.
@safe
internal struct ExactMarks: ~Copyable {
    private struct Entry: BitwiseCopyable {
        /// Both bounds of the range; 0 for an empty place, because no range ends there.
        var lowerBound: UInt
        var upperBound: UInt
        /// 0 for a range that is only remembered.
        var count: Int32
        /// The generation of the tree in which every page of the range had a mark there.
        var coveredIn: UInt32
    }

    /// A place in the table, valid until the next change.
    internal struct Place {
        fileprivate let index: Int
    }

    private static var emptyEntry: Entry { Entry(lowerBound: 0, upperBound: 0, count: 0, coveredIn: 0) }

    private static let capacityMin = 128
    /// A table with more places than this gives its memory back when it is empty.
    private static let idleCapacityMax = 1 << 16

    // SAFETY: `capacity` initialised entries, a power of two, or nil while `capacity` is 0.
    private var base: UnsafeMutablePointer<Entry>?
    private var capacity = 0

    /// How many ranges have marks.
    internal private(set) var rangeCount = 0
    /// How many places are taken, also by ranges without marks.
    private var takenCount = 0
    /// No place below this one is taken.
    private var firstTaken = 0
    // SAFETY: a place of the table, or nil while there is none. What it holds may have moved: it is compared before it is used.
    private var recent: UnsafeMutablePointer<Entry>?

    internal init() {
        unsafe self.base = nil
        unsafe self.recent = nil
    }

    internal var isEmpty: Bool { self.rangeCount == 0 }

    /// Whether no range has marks or is remembered.
    internal var isUnused: Bool { self.takenCount == 0 }
}

// MARK: - Changes

extension ExactMarks {
    /// Where `range` is, if it has marks.
    @inline(__always)
    internal func place(of range: PageRange) -> Place? {
        guard self.takenCount > 0 else { return nil }
        let index = self.firstIndex(of: range)
        // SAFETY: indices are below `capacity`. An empty place has no count.
        return unsafe self.entries[index].count > 0 ? Place(index: index) : nil
    }

    /// Where `range` is, if it has marks, or if the tree has one on each of its pages.
    @inline(__always)
    internal func place(of range: PageRange, generation: UInt32) -> Place? {
        guard self.takenCount > 0 else { return nil }
        let index = self.firstIndex(of: range)
        let entry = unsafe self.entries[index]
        guard entry.count > 0 || entry.upperBound != 0 && entry.coveredIn == generation else { return nil }
        return Place(index: index)
    }

    /// Changes the count of the range that was counted last by 1 or -1, if `range` is that one and keeps a mark or its
    /// being remembered. False, and nothing changed, otherwise.
    @inline(__always)
    internal mutating func changeRecent(_ range: PageRange, by change: Int32, generation: UInt32) -> Bool {
        guard let entry = unsafe self.recent, unsafe entry.pointee.upperBound == range.upperBound,
            unsafe entry.pointee.lowerBound == range.lowerBound
        else { return false }
        let old = unsafe entry.pointee.count
        let new = old &+ change
        if old > 0, new > 0 {
            unsafe entry.pointee.count = new
            return true
        }
        guard new >= 0, unsafe entry.pointee.coveredIn == generation else { return false }
        unsafe entry.pointee.count = new
        self.rangeCount &+= Int(change)
        return true
    }

    /// Adds one mark to a range that has some, or is remembered.
    @inline(__always)
    internal mutating func increment(_ place: Place) {
        let entry = unsafe self.entries + place.index
        let count = unsafe entry.pointee.count
        unsafe entry.pointee.count = count + 1
        unsafe self.recent = entry
        if count == 0 { self.rangeCount += 1 }
    }

    /// Takes one mark away, and, unless it is to be remembered, the range with its last one.
    @inline(__always)
    internal mutating func decrement(_ place: Place, generation: UInt32) {
        let count = unsafe self.entries[place.index].count - 1
        unsafe self.entries[place.index].count = count
        guard count == 0 else { return }
        self.rangeCount -= 1
        if unsafe self.entries[place.index].coveredIn != generation { self.remove(at: place.index) }
    }

    /// Adds one mark to a range, whether or not it has any. There must be room.
    ///
    /// - Parameter generation: The generation of the tree when it has a mark on every page of the range; else another.
    @inline(__always)
    internal mutating func add(_ range: PageRange, coveredIn generation: UInt32) {
        precondition(self.hasRoom, "places are reserved before they are taken")
        let index = self.firstIndex(of: range)
        let entry = unsafe self.entries + index
        unsafe self.recent = entry
        if unsafe entry.pointee.count > 0 {
            unsafe entry.pointee.count += 1
            return
        }
        if unsafe entry.pointee.upperBound == 0 {
            self.takenCount += 1
            self.firstTaken = min(self.firstTaken, index)
            unsafe entry.pointee.lowerBound = range.lowerBound
            unsafe entry.pointee.upperBound = range.upperBound
        }
        unsafe entry.pointee.count = 1
        unsafe entry.pointee.coveredIn = generation
        self.rangeCount += 1
    }

    /// Calls `body` with each range and its number of marks, and forgets them.
    internal mutating func drain(_ body: (PageRange, Int32) -> Void) {
        var index = self.firstTaken
        while self.takenCount > 0 {
            let entry = unsafe self.entries[index]
            if entry.upperBound != 0 {
                if entry.count > 0 {
                    body(PageRange(lowerBound: entry.lowerBound, upperBound: entry.upperBound), entry.count)
                }
                unsafe self.entries[index] = Self.emptyEntry
                self.takenCount -= 1
            }
            index += 1
        }
        self.firstTaken = self.capacity
        self.rangeCount = 0
    }

    /// Closes the gap that a removed entry leaves, so that no search ends in it.
    private mutating func remove(at index: Int) {
        let mask = self.capacity - 1
        var gap = index
        var next = (gap + 1) & mask
        while true {
            let entry = unsafe self.entries[next]
            guard entry.upperBound != 0 else { break }
            // An entry may move back into the gap unless its own place lies behind the gap.
            let home = self.home(lowerBound: entry.lowerBound, upperBound: entry.upperBound)
            if (next &- home) & mask >= (next &- gap) & mask {
                unsafe self.entries[gap] = entry
                gap = next
            }
            next = (next + 1) & mask
        }
        unsafe self.entries[gap] = Self.emptyEntry
        self.takenCount -= 1
    }
}

// MARK: - Memory

extension ExactMarks {
    /// Whether another range fits without more memory.
    private var hasRoom: Bool { 2 * self.takenCount < self.capacity }

    /// Makes room for another range. False, and nothing changed, when there is no memory.
    @inline(__always)
    internal mutating func reserve(from kernel: some MemoryKernel) -> Bool {
        self.hasRoom || self.rebuild(from: kernel)
    }

    /// Moves the ranges that have marks into a new table, which is larger if they are many.
    @inline(never)
    private mutating func rebuild(from kernel: some MemoryKernel) -> Bool {
        let isCrowded = 4 * self.rangeCount >= self.capacity
        let newCapacity = max(Self.capacityMin, isCrowded ? 2 * self.capacity : self.capacity)
        let byteCount = newCapacity * MemoryLayout<Entry>.stride
        guard let memory = unsafe kernel.allocate(byteCount: byteCount) else { return false }
        // The kernel's memory is zeroed: every place is empty.
        let new = unsafe memory.bindMemory(to: Entry.self, capacity: newCapacity)
        let (old, oldCapacity) = unsafe (self.base, self.capacity)
        unsafe self.base = new
        unsafe self.recent = nil
        self.capacity = newCapacity
        self.takenCount = self.rangeCount
        self.firstTaken = self.isEmpty ? newCapacity : 0
        guard let old = unsafe old else { return true }
        for index in 0..<oldCapacity {
            let entry = unsafe old[index]
            guard entry.count > 0 else { continue }
            let range = PageRange(lowerBound: entry.lowerBound, upperBound: entry.upperBound)
            unsafe self.entries[self.firstIndex(of: range)] = entry
        }
        unsafe kernel.free(old, byteCount: oldCapacity * MemoryLayout<Entry>.stride)
        return true
    }

    /// Gives memory back if it is much. There must be no ranges.
    internal mutating func compact(to kernel: some MemoryKernel) {
        assert(self.isEmpty)
        if self.capacity > Self.idleCapacityMax { self.discardAll(to: kernel) }
    }

    /// Gives all memory back, and forgets all marks.
    internal mutating func discardAll(to kernel: some MemoryKernel) {
        if let base = unsafe self.base {
            unsafe kernel.free(base, byteCount: self.capacity * MemoryLayout<Entry>.stride)
        }
        unsafe self.base = nil
        unsafe self.recent = nil
        self.capacity = 0
        self.rangeCount = 0
        self.takenCount = 0
        self.firstTaken = 0
    }
}

// MARK: - Search

extension ExactMarks {
    private var entries: UnsafeMutablePointer<Entry> {
        // SAFETY: only called while there is a table.
        @inline(__always) get { unsafe self.base.unsafelyUnwrapped }
    }

    /// The place of the range, or the empty place where it would be.
    @inline(__always)
    private func firstIndex(of range: PageRange) -> Int {
        let mask = self.capacity - 1
        var index = self.home(lowerBound: range.lowerBound, upperBound: range.upperBound)
        while true {
            let entry = unsafe self.entries[index]
            if entry.upperBound == range.upperBound, entry.lowerBound == range.lowerBound { return index }
            // At most half of the places are taken, so this ends.
            if entry.upperBound == 0 { return index }
            index = (index + 1) & mask
        }
    }

    /// Where the search for a range begins. Ranges of one length that begin on neighbouring pages lie side by side, eight at
    /// a time, because programs register them one after the other; the rest is the upper bits of a product.
    @inline(__always)
    private func home(lowerBound: UInt, upperBound: UInt) -> Int {
        let page = lowerBound / PageRange.pageByteCount
        let byteCount = upperBound &- lowerBound
        let mixed = ((page >> 3) ^ byteCount &* 0x9E37_79B9_7F4A_7C15) &* 0xD6E8_FEB8_6659_FD93
        return Int(truncatingIfNeeded: ((mixed >> 24) << 3) | (page & 7)) & (self.capacity - 1)
    }
}
