/// How many marks lie on each page of the address space.
///
/// The counts are a step function of the address, kept as its steps: one for each address where the count changes, with the
/// *change* there. A mark is one step up and one step down, whatever lies between, and ranges that adjoin leave no step, so
/// a mark costs at most two steps and merging is free. The steps lie in the leaves of a B+ tree in which each node is told
/// the sum of the steps below each child and the lowest count within, which finds the next page with a count of 0 in
/// logarithmic time. Decision 0020 compares it with the alternatives.
///
/// Not responsible for locks, for system calls, or for what a count means. Nothing here allocates but `reserve`.
package struct PageCounts: ~Copyable {
    internal var nodes = StepPool()
    /// The node at the top; `StepPool.none` before there is one.
    internal var root = StepPool.none
    /// How many addresses there are at which the count changes.
    package internal(set) var stepCount = 0

    package init() {}

    /// Whether every count is 0.
    package var isEmpty: Bool { self.stepCount == 0 }
}

// MARK: - Memory

extension PageCounts {
    /// Makes room for `stepCountMax` steps, so that `add` cannot fail until there are more.
    ///
    /// - Returns: false, and nothing changed, when there is no memory.
    package mutating func reserve(stepCountMax: Int, from kernel: some MemoryKernel) -> Bool {
        self.nodes.reserve(stepCount: stepCountMax, from: kernel)
    }

    /// For how many steps there is room.
    @inline(__always)
    internal var stepCapacity: Int { self.nodes.stepCapacity }

    /// Gives the memory back. The counts must be 0, or lost with a parent process.
    package mutating func discardAll(to kernel: some MemoryKernel) {
        self.nodes.discardAll(to: kernel)
        self.root = StepPool.none
        self.stepCount = 0
    }

    /// Gives memory back if it is much. Every count must be 0.
    @inline(__always)
    package mutating func compact(to kernel: some MemoryKernel) {
        assert(self.isEmpty)
        if self.nodes.isLarge { self.discardAll(to: kernel) }
    }
}

// MARK: - Questions

extension PageCounts {
    /// Where an address lies among the steps; true until the next change.
    internal struct Place {
        /// Number of the leaf.
        internal var leaf = StepPool.none
        /// How many levels lie above the leaf.
        internal var level = 0
        /// How many steps of the leaf are at the address or below.
        internal var index = 0
        /// The number of marks on the page at the address.
        internal var count: Int32 = 0
        /// No step lies between the address and this one.
        internal var end = UInt.max
        /// The first address above that is not the leaf's.
        internal var leafEnd = UInt.max
    }

    /// Goes down to the leaf of `address`, and notes the path to it.
    @inline(always)
    internal func place(of address: UInt) -> Place {
        var place = Place()
        place.leaf = self.root
        guard place.leaf != StepPool.none else { return place }
        var node = self.nodes[place.leaf]
        while !node.isLeaf {
            let (index, sum) = node.child(for: address)
            place.count &+= sum
            if index + 1 < node.count { place.leafEnd = node[index + 1].address }
            self.nodes[level: place.level] = StepPool.Way(node: place.leaf, slot: UInt32(truncatingIfNeeded: index))
            place.level += 1
            place.leaf = node[index].child
            node = self.nodes[place.leaf]
        }
        self.nodes[level: place.level] = StepPool.Way(node: place.leaf, slot: 0)
        let (index, sum) = node.steps(upTo: address)
        place.index = index
        place.count &+= sum
        place.end = index < node.count ? node[index].address : place.leafEnd
        return place
    }

    /// The number of marks on the page at `address`.
    package func count(at address: UInt) -> Int32 {
        guard self.root != StepPool.none else { return 0 }
        var node = self.nodes[self.root]
        var count: Int32 = 0
        while !node.isLeaf {
            let (index, sum) = node.child(for: address)
            count &+= sum
            node = self.nodes[node[index].child]
        }
        return count &+ node.steps(upTo: address).sum
    }

    /// The first page of `range` with at most `limit` marks; nil when every page has more.
    package func firstPage(of range: PageRange, withCountAtMost limit: Int32) -> UInt? {
        self.firstAddress(from: range.lowerBound, to: range.upperBound, withCountAtMost: limit)
    }

    /// The first longest run of pages in `range` that have equal counts of at most `limit`, and that count; nil when every
    /// page has more.
    package func firstRun(of range: PageRange, withCountAtMost limit: Int32) -> (range: PageRange, count: Int32)? {
        let place = self.place(of: range.lowerBound)
        return self.firstRun(of: range, withCountAtMost: limit, from: place)
    }

    /// The same when the place of the lower bound is known. Needs no more looks where the range has one count, which is usual.
    @inline(__always)
    internal func firstRun(
        of range: PageRange,
        withCountAtMost limit: Int32,
        from place: Place
    ) -> (range: PageRange, count: Int32)? {
        if place.end >= range.upperBound { return place.count <= limit ? (range, place.count) : nil }
        return self.firstOfRuns(of: range, withCountAtMost: limit, from: place)
    }

    /// The same where counts differ.
    @inline(never)
    private func firstOfRuns(
        of range: PageRange,
        withCountAtMost limit: Int32,
        from place: Place
    ) -> (range: PageRange, count: Int32)? {
        // Where no step of the leaf follows, the next leaf's first one may lie higher than is known here.
        let isEndExact = place.end < place.leafEnd
        var (start, count, end) = (range.lowerBound, place.count, isEndExact ? place.end : nil)
        if count > limit {
            guard let found = self.firstPage(of: range, withCountAtMost: limit) else { return nil }
            (start, count, end) = (found, limit > 0 ? self.count(at: found) : 0, nil)
        }
        let upperBound = end ?? self.nextStep(after: start) ?? .max
        return (PageRange(lowerBound: start, upperBound: min(upperBound, range.upperBound)), count)
    }

    /// The first longest run of pages with any marks that ends behind `address`. It may begin before.
    package func firstMarkedRun(endingAfter address: UInt) -> PageRange? {
        guard let start = self.count(at: address) > 0 ? address : self.nextStep(after: address) else { return nil }
        guard let end = self.firstAddress(from: start, to: .max, withCountAtMost: 0) else {
            preconditionFailure("the last step leads down to 0")
        }
        return PageRange(lowerBound: start, upperBound: end)
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
        var (count, highest) = (Int32(0), Int32(0))
        if self.root != StepPool.none { self.accumulate(self.nodes[self.root], into: &count, highest: &highest) }
        return highest
    }

    private func accumulate(_ node: StepNode, into count: inout Int32, highest: inout Int32) {
        for index in 0..<node.count {
            if node.isLeaf {
                count += node[index].sum
                highest = max(highest, count)
            } else {
                self.accumulate(self.nodes[node[index].child], into: &count, highest: &highest)
            }
        }
    }

    /// The lowest address above `address` at which the count changes.
    private func nextStep(after address: UInt) -> UInt? {
        guard self.root != StepPool.none else { return nil }
        var node = self.nodes[self.root]
        var next = StepPool.none
        while !node.isLeaf {
            let index = node.child(for: address).index
            if index + 1 < node.count { next = node[index + 1].child }
            node = self.nodes[node[index].child]
        }
        let index = node.steps(upTo: address).count
        if index < node.count { return node[index].address }
        guard next != StepPool.none else { return nil }
        node = self.nodes[next]
        while !node.isLeaf { node = self.nodes[node[0].child] }
        return node[0].address
    }

    /// The first address from `lowerBound` on, and below `upperBound`, where the count is at most `limit`.
    private func firstAddress(from lowerBound: UInt, to upperBound: UInt, withCountAtMost limit: Int32) -> UInt? {
        guard self.root != StepPool.none else { return limit >= 0 ? lowerBound : nil }
        var count: Int32 = 0
        let found = self.search(self.nodes[self.root], from: lowerBound, to: upperBound, limit: limit, count: &count)
        guard let found, found < upperBound else { return nil }
        return found
    }

    /// The same below one node, which holds `lowerBound`. The result may be too high when the search has passed
    /// `upperBound`.
    ///
    /// - Parameter count: What the count is before the node; and behind it, when nothing is found.
    private func search(
        _ node: StepNode,
        from lowerBound: UInt,
        to upperBound: UInt,
        limit: Int32,
        count: inout Int32
    ) -> UInt? {
        var index: Int
        if node.isLeaf {
            let steps = node.steps(upTo: lowerBound)
            index = steps.count
            count += steps.sum
            if count <= limit { return lowerBound }
        } else {
            let child = node.child(for: lowerBound)
            index = child.index
            count += child.sum
            let next = self.nodes[node[index].child]
            let found = self.search(next, from: lowerBound, to: upperBound, limit: limit, count: &count)
            if let found { return found }
            index += 1
        }
        while index < node.count {
            let entry = node[index]
            if entry.address >= upperBound { return entry.address }
            // A child whose lowest count is higher is not entered.
            if count + entry.lowest <= limit {
                return node.isLeaf ? entry.address : self.firstStep(below: entry.child, limit: limit, count: count)
            }
            count += entry.sum
            index += 1
        }
        return nil
    }

    /// The first step below the node `index` that leads to a count of at most `limit`. There is one.
    private func firstStep(below index: UInt32, limit: Int32, count: Int32) -> UInt {
        var (node, count, index) = (self.nodes[index], count, 0)
        while true {
            let entry = node[index]
            if count + entry.lowest > limit {
                count += entry.sum
                index += 1
                assert(index < node.count)
            } else if node.isLeaf {
                return entry.address
            } else {
                (node, index) = (self.nodes[entry.child], 0)
            }
        }
    }
}
