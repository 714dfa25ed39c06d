// The B+ tree below `PageCounts`: a change goes down once, notes its path, and comes up as far as what nodes are told of
// their children changes.

extension PageCounts {
    /// Adds `change`, which is not 0, to the count of every page in `range`. There must be room for two more steps.
    @inline(__always)
    package mutating func add(_ change: Int32, to range: PageRange) {
        if self.root == StepPool.none { self.root = self.nodes.take(height: 0) }
        let (level, leafEnd) = self.descend(to: range.lowerBound)
        let leaf = self.nodes[self.path[level]]
        let isCalm =
            leaf.count + 2 <= StepNode.capacity && (level == 0 || leaf.count >= StepNode.countMin + 2)
        if range.upperBound < leafEnd, isCalm {
            // Both steps are the leaf's, which neither overflows nor runs dry.
            self.addStep(change, at: range.lowerBound, toLeaf: leaf)
            self.addStep(-change, at: range.upperBound, toLeaf: leaf)
            self.finish(level)
        } else {
            self.addStep(change, at: range.lowerBound, level)
            self.addStep(-change, at: range.upperBound)
        }
    }

    private mutating func addStep(_ change: Int32, at address: UInt) {
        if self.root == StepPool.none { self.root = self.nodes.take(height: 0) }
        let (level, _) = self.descend(to: address)
        self.addStep(change, at: address, level)
    }

    /// Notes the way to the leaf for `address`.
    ///
    /// - Returns: How many levels lie above the leaf, and the first address that is not the leaf's.
    @inline(__always)
    private mutating func descend(to address: UInt) -> (level: Int, leafEnd: UInt) {
        var (level, leafEnd) = (0, UInt.max)
        var index = self.root
        while true {
            self.path[level] = index
            let node = self.nodes[index]
            if node.isLeaf { return (level, leafEnd) }
            let slot = node.childIndex(for: address)
            self.slots[level] = slot
            if slot + 1 < node.count { leafEnd = node[slot + 1].address }
            index = node[slot].child
            level += 1
        }
    }

    /// Adds to a step of the leaf at the end of the path; a step that becomes 0 disappears.
    private mutating func addStep(_ change: Int32, at address: UInt, _ level: Int) {
        let leaf = self.nodes[self.path[level]]
        let index = leaf.countOfEntries(upTo: address)
        if index > 0, leaf[index - 1].address == address {
            self.addToStep(change, at: index - 1, of: leaf)
            self.finish(level)
        } else {
            self.stepCount += 1
            self.insert(StepNode.Entry(step: change, at: address), at: index, level)
        }
    }

    /// The same without a look at the rest of the tree. There is room in the leaf.
    @inline(__always)
    private mutating func addStep(_ change: Int32, at address: UInt, toLeaf leaf: StepNode) {
        let index = leaf.countOfEntries(upTo: address)
        guard index > 0, leaf[index - 1].address == address else {
            self.stepCount += 1
            leaf.insert(StepNode.Entry(step: change, at: address), at: index)
            return
        }
        self.addToStep(change, at: index - 1, of: leaf)
    }

    @inline(__always)
    private mutating func addToStep(_ change: Int32, at index: Int, of leaf: StepNode) {
        let step = leaf[index].sum + change
        if step == 0 {
            self.stepCount -= 1
            leaf.remove(at: index)
        } else {
            leaf[index].sum = step
            leaf[index].lowest = step
        }
    }
}

// MARK: - Growing

extension PageCounts {
    /// Inserts an entry into the node of the path at `level`, and splits the node when it is full.
    private mutating func insert(_ entry: StepNode.Entry, at index: Int, _ level: Int) {
        let left = self.nodes[self.path[level]]
        guard left.count == StepNode.capacity else {
            left.insert(entry, at: index)
            self.renewPath(level)
            return
        }
        let rightIndex = self.nodes.take(height: left.height)
        let right = self.nodes[rightIndex]
        left.moveTail(StepNode.countMin, to: right)
        let leftCount = left.count
        if index <= leftCount {
            left.insert(entry, at: index)
        } else {
            right.insert(entry, at: index - leftCount)
        }
        guard level > 0 else {
            let top = self.nodes.take(height: left.height + 1)
            self.nodes[top].insert(StepNode.Entry(self.root, left), at: 0)
            self.nodes[top].insert(StepNode.Entry(rightIndex, right), at: 1)
            self.root = top
            return
        }
        let slot = self.slots[level - 1]
        _ = self.nodes[self.path[level - 1]].renew(slot, from: left)
        self.insert(StepNode.Entry(rightIndex, right), at: slot + 1, level - 1)
    }
}

// MARK: - Shrinking

extension PageCounts {
    /// After a change of the leaf at `level`: fills nodes that have too few entries, and renews the path.
    private mutating func finish(_ leafLevel: Int) {
        var level = leafLevel
        while level > 0, self.nodes[self.path[level]].count < StepNode.countMin {
            self.fill(level)
            level -= 1
        }
        self.renewPath(level)
        while self.root != StepPool.none {
            let top = self.nodes[self.root]
            guard top.count < (top.isLeaf ? 1 : 2) else { return }
            let child = top.isLeaf ? StepPool.none : top[0].child
            self.nodes.give(back: self.root)
            self.root = child
        }
    }

    /// Joins a node of the path with a neighbour, or takes entries from it.
    private mutating func fill(_ level: Int) {
        let parent = self.nodes[self.path[level - 1]]
        let slot = max(self.slots[level - 1] - 1, 0)
        let (leftIndex, rightIndex) = (parent[slot].child, parent[slot + 1].child)
        let (left, right) = (self.nodes[leftIndex], self.nodes[rightIndex])
        // The first address of a node above the leaves may have been too high; the parent knows better.
        if !right.isLeaf { right[0].address = parent[slot + 1].address }
        let count = left.count + right.count
        if count <= StepNode.capacity {
            left.takeHead(right.count, of: right)
            parent.remove(at: slot + 1)
            self.nodes.give(back: rightIndex)
        } else {
            if left.count > count / 2 {
                left.moveTail(left.count - count / 2, to: right)
            } else {
                left.takeHead(count / 2 - left.count, of: right)
            }
            parent[slot + 1] = StepNode.Entry(rightIndex, right)
        }
        _ = parent.renew(slot, from: left)
    }

    /// Renews what the nodes above `level` are told, up to the first that is told nothing new.
    private mutating func renewPath(_ level: Int) {
        var level = level
        while level > 0 {
            let child = self.nodes[self.path[level]]
            guard self.nodes[self.path[level - 1]].renew(self.slots[level - 1], from: child) else { return }
            level -= 1
        }
    }
}

// MARK: - Invariants

extension PageCounts {
    /// Asserts the order, the filling and the sums of the whole tree, in debug builds. Linear in the number of steps.
    package func checkInvariants() {
        guard self.root != StepPool.none else { return assert(self.stepCount == 0) }
        let top = self.nodes[self.root]
        assert(self.checkedStepCount(of: top, from: 0, to: .max) == self.stepCount)
        assert(top.summary.sum == 0, "every mark ends somewhere")
        assert(top.summary.lowest == 0, "a count is negative")
        assert(top.count >= (top.isLeaf ? 1 : 2))
    }

    private func checkedStepCount(of node: StepNode, from lowerBound: UInt, to upperBound: UInt) -> Int {
        var stepCount = node.isLeaf ? node.count : 0
        for index in 0..<node.count {
            let entry = node[index]
            let end = index + 1 < node.count ? node[index + 1].address : upperBound
            if node.isLeaf {
                assert(entry.address >= lowerBound && entry.address < end)
                assert(entry.sum != 0 && entry.lowest == entry.sum)
                continue
            }
            let child = self.nodes[entry.child]
            assert(child.height + 1 == node.height)
            assert(child.count >= StepNode.countMin)
            assert((entry.sum, entry.lowest) == child.summary)
            stepCount += self.checkedStepCount(of: child, from: index == 0 ? lowerBound : entry.address, to: end)
        }
        return stepCount
    }
}
