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

    /// How many entries of a leaf are at `address` or below, and their sum.
    @inline(__always)
    internal func steps(upTo address: UInt) -> (count: Int, sum: Int32) {
        let count = self.count
        var (index, sum) = (0, Int32(0))
        while index < count, self[index].address <= address {
            sum &+= self[index].sum
            index += 1
        }
        return (index, sum)
    }

    /// Which child holds what is at `address`, and the sum of those before it. The first one holds all that lies below the
    /// second, also below its own address, which was right only when the entry was made.
    @inline(__always)
    internal func child(for address: UInt) -> (index: Int, sum: Int32) {
        let last = self.count - 1
        var (index, sum) = (0, Int32(0))
        while index < last, self[index + 1].address <= address {
            sum &+= self[index].sum
            index += 1
        }
        return (index, sum)
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
        assert(self.count < Self.capacity)
        self.moveEntries(from: index, by: 1)
        self[index] = entry
    }

    @inline(__always)
    internal func remove(at index: Int) {
        assert(index < self.count)
        self.moveEntries(from: index + 1, by: -1)
    }

    /// Moves the entries from `index` on, so that there are `distance` more, or fewer if it is negative, before them.
    @inline(__always)
    internal func moveEntries(from index: Int, by distance: Int) {
        let count = self.count
        assert(index <= count && index + distance >= 0 && count + distance <= Self.capacity)
        let tail = unsafe self.entries + index
        if distance != 0, index < count { unsafe (tail + distance).update(from: tail, count: count - index) }
        self.count = count + distance
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
