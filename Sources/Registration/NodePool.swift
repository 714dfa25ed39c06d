/// The nodes of `PageCounts`, in one piece of memory of their own, named by small numbers.
///
/// Own memory, so that `malloc` is not entered while a fork is being prepared; numbers, so that a node has 32 bytes and the
/// memory may move when it grows. Number 0 is the missing node: it has no children, height 0 and sum 0.
@safe
internal struct NodePool: ~Copyable {
    internal struct Node: BitwiseCopyable {
        internal var address: UInt
        internal var left: UInt32
        internal var right: UInt32
        /// By how much the count changes at `address`.
        internal var step: Int32
        /// Sum of the steps of the subtree.
        internal var sum: Int32
        /// The lowest count right behind a step of the subtree, counted from before its first one.
        internal var lowest: Int32
        internal var height: Int32
    }

    internal static let none: UInt32 = 0

    /// What the missing node looks like. Its lowest count is higher than any real one, and far from overflow.
    private static let missing = Node(address: 0, left: 0, right: 0, step: 0, sum: 0, lowest: 1 << 30, height: 0)

    /// Memory is taken in multiples of this many nodes: one page.
    private static let nodesPerPage = Int(PageRange.pageByteCount) / MemoryLayout<Node>.stride

    /// An empty pool of more nodes than this gives its memory back.
    private static let idleCapacityMax = 1 << 12

    // SAFETY: memory for `capacity` nodes, the first `used` of which are initialised, while `capacity` is above 0.
    private var base: UnsafeMutablePointer<Node>?
    private var capacity = 0
    private var used = 0
    /// The first of the nodes that were given back; they are chained through `left`.
    private var freeHead = NodePool.none

    /// How many nodes are in the tree.
    internal private(set) var count = 0

    internal init() {
        unsafe self.base = nil
    }

    internal subscript(index: UInt32) -> Node {
        @inline(__always) get {
            guard index != Self.none else { return Self.missing }
            assert(index < self.used)
            // SAFETY: numbers come from `take` alone, so this one is below `used`.
            return unsafe self.base.unsafelyUnwrapped[Int(index)]
        }
        @inline(__always) _modify {
            assert(index != Self.none && index < self.used)
            // SAFETY: as above; the missing node is never written.
            yield unsafe &self.base.unsafelyUnwrapped[Int(index)]
        }
    }

    /// Makes room for `nodeCount` nodes in all. False, and nothing changed, when there is no memory.
    internal mutating func reserve(_ nodeCount: Int, from kernel: some MemoryKernel) -> Bool {
        // One more for the missing node.
        guard nodeCount >= self.capacity else { return true }
        guard nodeCount < Int(Int32.max) else { return false }
        let wanted = max(nodeCount + 1, 2 * self.capacity)
        let newCapacity = (wanted + Self.nodesPerPage - 1) / Self.nodesPerPage * Self.nodesPerPage
        let byteCount = newCapacity * MemoryLayout<Node>.stride
        guard let memory = unsafe kernel.allocate(byteCount: byteCount) else { return false }
        let new = unsafe memory.bindMemory(to: Node.self, capacity: newCapacity)
        if let old = unsafe self.base {
            unsafe new.initialize(from: old, count: self.used)
            unsafe kernel.free(old, byteCount: self.capacity * MemoryLayout<Node>.stride)
        } else {
            unsafe new.initialize(to: Self.missing)
            self.used = 1
        }
        unsafe self.base = new
        self.capacity = newCapacity
        return true
    }

    /// A node for the tree, without children.
    internal mutating func take(address: UInt, step: Int32) -> UInt32 {
        let node = Node(address: address, left: 0, right: 0, step: step, sum: step, lowest: step, height: 1)
        self.count += 1
        if self.freeHead != Self.none {
            let index = self.freeHead
            self.freeHead = self[index].left
            self[index] = node
            return index
        }
        precondition(self.used < self.capacity, "steps are reserved before they are added")
        let index = UInt32(self.used)
        // SAFETY: `used` is below `capacity`.
        unsafe (self.base.unsafelyUnwrapped + self.used).initialize(to: node)
        self.used += 1
        return index
    }

    internal mutating func give(back index: UInt32) {
        self[index].left = self.freeHead
        self.freeHead = index
        self.count -= 1
    }

    /// Starts over with no node in use, and gives memory back if it is much.
    internal mutating func compact(to kernel: some MemoryKernel) {
        assert(self.count == 0)
        if self.capacity > Self.idleCapacityMax {
            self.discardAll(to: kernel)
        } else {
            self.used = min(self.used, 1)
            self.freeHead = Self.none
        }
    }

    /// Gives all memory back, and forgets all nodes.
    internal mutating func discardAll(to kernel: some MemoryKernel) {
        if let base = unsafe self.base {
            unsafe kernel.free(base, byteCount: self.capacity * MemoryLayout<Node>.stride)
        }
        unsafe self.base = nil
        self.capacity = 0
        self.used = 0
        self.freeHead = Self.none
        self.count = 0
    }
}
