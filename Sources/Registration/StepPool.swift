/// The nodes of `PageCounts`, in one piece of memory of their own, named by small numbers.
///
/// Own memory, so that `malloc` is not entered while a fork is being prepared; numbers, so that the memory may move when it
/// grows. Number 0 is no node; its memory holds the path to the leaf that is being changed.
@safe
internal struct StepPool: ~Copyable {
    internal static var none: UInt32 { 0 }

    /// Memory is taken in multiples of this many nodes: one page.
    private static var nodesPerPage: Int { Int(PageRange.pageByteCount) / StepNode.byteCount }

    /// How many nodes may be filled less than to the minimum, and the one that is none.
    private static var spareCount: Int { 16 }

    /// More nodes than this, 8 MiB, are not kept while none is needed. It is what as many isolated ranges need as the kernel
    /// usually allows mappings for; to take that much anew costs a page fault for every few nodes.
    private static var idleCapacityMax: Int { 1 << 14 }

    // SAFETY: memory for `capacity` nodes, those below `used` initialised, while `capacity` is above 0.
    private var base: UnsafeMutableRawPointer?
    private var capacity = 0
    /// For how many steps that is enough in any case.
    internal private(set) var stepCapacity = 0
    private var used = 1
    /// The first of the nodes that were given back.
    private var freeHead = StepPool.none

    internal init() {
        unsafe self.base = nil
    }

    internal subscript(index: UInt32) -> StepNode {
        @inline(__always) get {
            assert(index != Self.none && index < self.used)
            // SAFETY: numbers come from `take` alone, so this one is below `used`.
            return unsafe StepNode(at: self.base.unsafelyUnwrapped + Int(index) * StepNode.byteCount)
        }
    }

    /// One node of the path.
    internal struct Way: BitwiseCopyable {
        /// Number of the node.
        internal var node: UInt32
        /// Which child of it is the next.
        internal var slot: UInt32
    }

    /// The node of the path that lies `level` levels below the top. There must be memory; no tree has more levels than
    /// fit, because each multiplies the steps by ten.
    internal subscript(level level: Int) -> Way {
        @inline(__always) get {
            // SAFETY: node 0 lies at the base, and is initialised with the first memory.
            unsafe self.base.unsafelyUnwrapped.load(fromByteOffset: level * MemoryLayout<Way>.stride, as: Way.self)
        }
        @inline(__always) nonmutating set {
            // SAFETY: as above.
            unsafe self.base.unsafelyUnwrapped.storeBytes(
                of: newValue,
                toByteOffset: level * MemoryLayout<Way>.stride,
                as: Way.self
            )
        }
    }

    /// Makes room for as many nodes as `stepCount` steps may need. False, and nothing changed, when there is no memory.
    @inline(__always)
    internal mutating func reserve(stepCount: Int, from kernel: some MemoryKernel) -> Bool {
        stepCount <= self.stepCapacity || self.grow(toHold: stepCount, from: kernel)
    }

    @inline(never)
    private mutating func grow(toHold stepCount: Int, from kernel: some MemoryKernel) -> Bool {
        // All but one node of each level are filled to the minimum at least; the missing node counts too.
        let nodeCount = stepCount / (StepNode.countMin - 1) + Self.spareCount
        guard nodeCount < Int(Int32.max) else { return false }
        let wanted = max(nodeCount, 2 * self.capacity)
        let newCapacity = (wanted + Self.nodesPerPage - 1) / Self.nodesPerPage * Self.nodesPerPage
        guard let new = unsafe kernel.allocate(byteCount: newCapacity * StepNode.byteCount) else { return false }
        if let old = unsafe self.base {
            unsafe new.copyMemory(from: old, byteCount: self.used * StepNode.byteCount)
            unsafe kernel.free(old, byteCount: self.capacity * StepNode.byteCount)
        }
        unsafe self.base = new
        self.capacity = newCapacity
        self.stepCapacity = (newCapacity - Self.spareCount) * (StepNode.countMin - 1)
        return true
    }

    /// A node for the tree, without entries.
    internal mutating func take(height: UInt32) -> UInt32 {
        let index: UInt32
        if self.freeHead != Self.none {
            index = self.freeHead
            self.freeHead = self[index].height
        } else {
            precondition(self.used < self.capacity, "steps are reserved before they are added")
            index = UInt32(self.used)
            self.used += 1
        }
        self[index].reset(height: height)
        return index
    }

    internal mutating func give(back index: UInt32) {
        self[index].height = self.freeHead
        self.freeHead = index
    }

    /// Whether there is more memory than should be kept while none is needed.
    internal var isLarge: Bool { self.capacity > Self.idleCapacityMax }

    /// Gives all memory back, and forgets all nodes.
    internal mutating func discardAll(to kernel: some MemoryKernel) {
        if let base = unsafe self.base {
            unsafe kernel.free(base, byteCount: self.capacity * StepNode.byteCount)
        }
        unsafe self.base = nil
        self.capacity = 0
        self.stepCapacity = 0
        self.used = 1
        self.freeHead = Self.none
    }
}
