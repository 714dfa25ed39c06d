/// A view of one node of `PageCounts`: 512 bytes with up to 21 entries in the order of their addresses.
///
/// In a leaf an entry is a step: by how much the count changes at an address. Above, it stands for a child: `sum` and
/// `lowest` tell of all steps below it, and no step of an earlier child is at `address` or higher.
@safe
internal struct StepNode {
    internal struct Entry: BitwiseCopyable {
        internal var address: UInt
        internal var sum: Int32
        /// The lowest count right behind a step, counted from before the first one.
        internal var lowest: Int32
        /// Number of the child; 0 in a leaf.
        internal var child: UInt32

        internal init(step: Int32, at address: UInt) {
            self.address = address
            self.sum = step
            self.lowest = step
            self.child = StepPool.none
        }

        internal init(_ child: UInt32, _ node: StepNode) {
            self.address = node[0].address
            (self.sum, self.lowest) = node.summary
            self.child = child
        }
    }

    internal static var byteCount: Int { 512 }
    internal static var capacity: Int { 21 }
    /// No node but the topmost has fewer entries.
    internal static var countMin: Int { 10 }

    /// More than any real count, and far from overflow.
    internal static var unreached: Int32 { 1 << 30 }

    // SAFETY: `byteCount` bytes of a pool, which the pool has initialised and keeps while the view is used: two numbers,
    // then room for `capacity` entries. Indices are below `count`, or at it when an entry is added.
    private let base: UnsafeMutableRawPointer

    @unsafe
    internal init(at base: UnsafeMutableRawPointer) {
        unsafe self.base = base
    }

    /// Empties the node.
    @inline(__always)
    internal func reset(height: UInt32) {
        unsafe self.base.storeBytes(of: 0, as: UInt32.self)
        unsafe self.base.storeBytes(of: height, toByteOffset: 4, as: UInt32.self)
    }

    internal var count: Int {
        @inline(__always) get { Int(unsafe self.base.load(as: UInt32.self)) }
        @inline(__always)
        nonmutating set { unsafe self.base.storeBytes(of: UInt32(truncatingIfNeeded: newValue), as: UInt32.self) }
    }

    /// 0 for a leaf. For a free node, the number of the next one.
    internal var height: UInt32 {
        @inline(__always) get { unsafe self.base.load(fromByteOffset: 4, as: UInt32.self) }
        @inline(__always)
        nonmutating set { unsafe self.base.storeBytes(of: newValue, toByteOffset: 4, as: UInt32.self) }
    }

    private var entries: UnsafeMutablePointer<Entry> {
        @inline(__always) get { unsafe (self.base + 8).assumingMemoryBound(to: Entry.self) }
    }

    internal subscript(index: Int) -> Entry {
        @inline(__always) get { unsafe self.entries[index] }
        @inline(__always) nonmutating _modify { yield unsafe &self.entries[index] }
    }
}

// MARK: - Questions

extension StepNode {
    internal var isLeaf: Bool {
        @inline(__always) get { self.height == 0 }
    }

    /// How many entries begin at `address` or below.
    @inline(__always)
    internal func countOfEntries(upTo address: UInt) -> Int {
        let count = self.count
        var index = 0
        while index < count, self[index].address <= address { index += 1 }
        return index
    }

    /// Which child holds what is at `address`. The first one holds all that lies below the second, also below its own
    /// address, which was right only when the entry was made.
    @inline(__always)
    internal func childIndex(for address: UInt) -> Int {
        let count = self.count
        var index = 1
        while index < count, self[index].address <= address { index += 1 }
        return index - 1
    }

    /// Sum of the first `count` entries.
    @inline(__always)
    internal func sum(ofFirst count: Int) -> Int32 {
        var sum: Int32 = 0
        for index in 0..<count { sum &+= self[index].sum }
        return sum
    }

    /// What an entry above says of this node.
    internal var summary: (sum: Int32, lowest: Int32) {
        var (sum, lowest) = (Int32(0), Self.unreached)
        for index in 0..<self.count {
            let entry = self[index]
            lowest = min(lowest, sum &+ entry.lowest)
            sum &+= entry.sum
        }
        return (sum, lowest)
    }
}

// MARK: - Changes

extension StepNode {
    /// Makes room at `index`.
    @inline(__always)
    internal func insert(_ entry: Entry, at index: Int) {
        let count = self.count
        assert(count < Self.capacity && index <= count)
        let place = unsafe self.entries + index
        unsafe (place + 1).update(from: place, count: count - index)
        unsafe place.pointee = entry
        self.count = count + 1
    }

    @inline(__always)
    internal func remove(at index: Int) {
        let count = self.count
        assert(index < count)
        let place = unsafe self.entries + index
        unsafe place.update(from: place + 1, count: count - index - 1)
        self.count = count - 1
    }

    /// Moves the last `moveCount` entries to the front of the next node.
    internal func moveTail(_ moveCount: Int, to next: StepNode) {
        let (count, nextCount) = (self.count, next.count)
        unsafe (next.entries + moveCount).update(from: next.entries, count: nextCount)
        unsafe next.entries.update(from: self.entries + (count - moveCount), count: moveCount)
        next.count = nextCount + moveCount
        self.count = count - moveCount
    }

    /// Takes the first `moveCount` entries of the next node as its last ones.
    internal func takeHead(_ moveCount: Int, of next: StepNode) {
        let (count, nextCount) = (self.count, next.count)
        unsafe (self.entries + count).update(from: next.entries, count: moveCount)
        unsafe next.entries.update(from: next.entries + moveCount, count: nextCount - moveCount)
        next.count = nextCount - moveCount
        self.count = count + moveCount
    }

    /// Renews what the entry says of its child. Whether it said something else before.
    internal func renew(_ index: Int, from child: StepNode) -> Bool {
        let (sum, lowest) = child.summary
        guard self[index].sum != sum || self[index].lowest != lowest else { return false }
        self[index].sum = sum
        self[index].lowest = lowest
        return true
    }
}
