/// How many marks lie on each page of the address space.
///
/// The counts are a step function of the address, kept as its steps: one node for each address where the count changes,
/// with the *change* there. A mark is one step up and one step down, whatever lies between, and ranges that adjoin leave
/// no step, so a node costs no more than a mark does and merging is free. The nodes form an AVL tree in which each
/// subtree knows the sum of its steps and the lowest count within, which finds the next page with a count of 0 in
/// logarithmic time. Decision 0020 compares it with the alternatives.
///
/// Not responsible for locks, for system calls, or for what a count means. Nothing here allocates but `reserve`.
package struct PageCounts: ~Copyable {
    internal var nodes = NodePool()
    /// The node at the top; `NodePool.none` while every count is 0.
    internal var root = NodePool.none
    /// The way from the top to the node that is being changed.
    internal var path = InlineArray<64, UInt32>(repeating: NodePool.none)

    package init() {}

    package var isEmpty: Bool { self.root == NodePool.none }

    /// How many addresses there are at which the count changes.
    package var stepCount: Int { self.nodes.count }
}

// MARK: - Changes

extension PageCounts {
    /// Makes room for `stepCountMax` steps, so that `add` cannot fail until there are more.
    ///
    /// - Returns: false, and nothing changed, when there is no memory.
    package mutating func reserve(stepCountMax: Int, from kernel: some MemoryKernel) -> Bool {
        self.nodes.reserve(stepCountMax, from: kernel)
    }

    /// Gives the memory back. The counts must be 0, or lost with a parent process.
    package mutating func discardAll(to kernel: some MemoryKernel) {
        self.nodes.discardAll(to: kernel)
        self.root = NodePool.none
    }

    /// Forgets where nodes were, and gives memory back if it is much. Every count must be 0.
    package mutating func compact(to kernel: some MemoryKernel) {
        assert(self.isEmpty)
        self.nodes.compact(to: kernel)
    }

    /// Adds `change` to the count of every page in `range`. There must be room for two more steps.
    package mutating func add(_ change: Int32, to range: PageRange) {
        self.addStep(change, at: range.lowerBound)
        self.addStep(-change, at: range.upperBound)
    }
}

// MARK: - Questions

extension PageCounts {
    /// The number of marks on the page at `address`.
    package func count(at address: UInt) -> Int32 {
        var count: Int32 = 0
        var index = self.root
        while index != NodePool.none {
            let node = self.nodes[index]
            if address < node.address {
                index = node.left
            } else {
                count += self.nodes[node.left].sum + node.step
                index = node.right
            }
        }
        return count
    }

    /// The first page of `range` with at most `limit` marks; nil when every page has more.
    package func firstPage(of range: PageRange, withCountAtMost limit: Int32) -> UInt? {
        if self.count(at: range.lowerBound) <= limit { return range.lowerBound }
        let index = self.firstStep(after: range.lowerBound, to: limit, in: self.root, startingCount: 0)
        guard index != NodePool.none else { return nil }
        let address = self.nodes[index].address
        return address < range.upperBound ? address : nil
    }

    /// The first longest run of pages in `range` whose count is exactly `limit`, when no page there has fewer.
    package func firstRun(of range: PageRange, withCount limit: Int32) -> PageRange? {
        guard let start = self.firstPage(of: range, withCountAtMost: limit) else { return nil }
        let end = self.nextStep(after: start) ?? range.upperBound
        return PageRange(lowerBound: start, upperBound: min(end, range.upperBound))
    }

    /// The first longest run of pages with any marks that ends behind `address`. It may begin before.
    package func firstMarkedRun(endingAfter address: UInt) -> PageRange? {
        guard let start = self.count(at: address) > 0 ? address : self.nextStep(after: address) else { return nil }
        let index = self.firstStep(after: start, to: 0, in: self.root, startingCount: 0)
        assert(index != NodePool.none, "the last step leads down to 0")
        return PageRange(lowerBound: start, upperBound: self.nodes[index].address)
    }

    /// Whether a page from `lowerBound` to `upperBound` has a mark.
    package func hasMark(from lowerBound: UInt, to upperBound: UInt) -> Bool {
        guard lowerBound < upperBound else { return false }
        if self.count(at: lowerBound) > 0 { return true }
        guard let step = self.nextStep(after: lowerBound) else { return false }
        return step < upperBound
    }

    /// The number of marks on the page that has most. Linear in the number of steps.
    package var highestCount: Int32 {
        var highest: Int32 = 0
        var count: Int32 = 0
        self.accumulate(self.root, into: &count, highest: &highest)
        return highest
    }

    private func accumulate(_ index: UInt32, into count: inout Int32, highest: inout Int32) {
        guard index != NodePool.none else { return }
        let node = self.nodes[index]
        self.accumulate(node.left, into: &count, highest: &highest)
        count += node.step
        highest = max(highest, count)
        self.accumulate(node.right, into: &count, highest: &highest)
    }

    /// The lowest address above `address` at which the count changes.
    private func nextStep(after address: UInt) -> UInt? {
        var next: UInt?
        var index = self.root
        while index != NodePool.none {
            let node = self.nodes[index]
            if address < node.address {
                next = node.address
                index = node.left
            } else {
                index = node.right
            }
        }
        return next
    }

    /// The first step above `address` that leads to a count of at most `limit`.
    ///
    /// A subtree whose lowest count is higher is not entered, so this goes down at most twice.
    private func firstStep(
        after address: UInt,
        to limit: Int32,
        in index: UInt32,
        startingCount: Int32
    ) -> UInt32 {
        guard index != NodePool.none else { return NodePool.none }
        let node = self.nodes[index]
        guard startingCount + node.lowest <= limit else { return NodePool.none }
        let count = startingCount + self.nodes[node.left].sum + node.step
        if address < node.address {
            let found = self.firstStep(after: address, to: limit, in: node.left, startingCount: startingCount)
            if found != NodePool.none { return found }
            if count <= limit { return index }
        }
        return self.firstStep(after: address, to: limit, in: node.right, startingCount: count)
    }
}
