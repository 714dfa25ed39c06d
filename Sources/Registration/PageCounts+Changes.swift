// The B+ tree below `PageCounts`: a change goes down once, notes its path, and comes up as far as what nodes are told of
// their children changes.

extension PageCounts {
    /// Adds `change`, which is not 0, to the count of every page in `range`. There must be room for two more steps.
    package mutating func add(_ change: Int32, to range: PageRange) {
        let place = self.place(of: range.lowerBound)
        self.add(change, to: range, at: place)
    }

    /// The same when the place of the lower bound is known.
    @inline(always)
    internal mutating func add(_ change: Int32, to range: PageRange, at place: Place) {
        if _fastPath(place.end >= range.upperBound && range.upperBound < place.leafEnd),
            self.addInLeaf(change, to: range, at: place)
        {
            return
        }
        self.addStep(change, at: range.lowerBound)
        self.addStep(-change, at: range.upperBound)
    }

    /// Changes both steps in one leaf, between which there is none. False, and nothing changed, when the leaf would overflow
    /// or run dry.
    @inline(always)
    private mutating func addInLeaf(_ change: Int32, to range: PageRange, at place: Place) -> Bool {
        if _slowPath(self.root == StepPool.none) { self.root = self.nodes.take(height: 0) }
        let leaf = self.nodes[place.level > 0 ? place.leaf : self.root]
        let count = leaf.count
        var (first, end) = (place.index, place.index)
        var (up, down) = (change, -change)
        if first > 0, leaf[first - 1].address == range.lowerBound {
            first -= 1
            up &+= leaf[first].sum
        }
        if end < count, leaf[end].address == range.upperBound {
            down &+= leaf[end].sum
            end += 1
        }
        let growth = (up == 0 ? 0 : 1) + (down == 0 ? 0 : 1) - (end - first)
        let countMin = place.level == 0 ? 0 : StepNode.countMin
        guard _fastPath(count + growth <= StepNode.capacity && count + growth >= countMin) else { return false }
        leaf.moveEntries(from: end, by: growth)
        if up != 0 { leaf[first] = StepNode.Entry(step: up, at: range.lowerBound) }
        if down != 0 { leaf[up == 0 ? first : first + 1] = StepNode.Entry(step: down, at: range.upperBound) }
        self.stepCount += growth
        guard place.level > 0 else { return true }
        // A step before the range tells a count that is no higher than the one within, before and after: the lowest stays.
        let isLowestKept = first > 0 && up >= 0 && up >= change
        if !isLowestKept { self.renewPath(place.level) }
        return true
    }

    /// Adds to the step at `address`; a step that becomes 0 disappears.
    private mutating func addStep(_ change: Int32, at address: UInt) {
        if self.root == StepPool.none { self.root = self.nodes.take(height: 0) }
        let place = self.place(of: address)
        let leaf = self.nodes[place.leaf]
        let index = place.index - 1
        guard index >= 0, leaf[index].address == address else {
            self.stepCount += 1
            self.insert(StepNode.Entry(step: change, at: address), at: place.index, place.level)
            return
        }
        let step = leaf[index].sum + change
        if step == 0 {
            self.stepCount -= 1
            leaf.remove(at: index)
        } else {
            leaf[index] = StepNode.Entry(step: step, at: address)
        }
        self.finish(place.level)
    }
}

// MARK: - Growing

extension PageCounts {
    /// Inserts an entry into the node of the path at `level`, and splits the node when it is full.
    private mutating func insert(_ entry: StepNode.Entry, at index: Int, _ level: Int) {
        let left = self.nodes[self.nodes[level: level].node]
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
        let slot = Int(self.nodes[level: level - 1].slot)
        _ = self.nodes[self.nodes[level: level - 1].node].renew(slot, from: left)
        self.insert(StepNode.Entry(rightIndex, right), at: slot + 1, level - 1)
    }
}

// MARK: - Shrinking

extension PageCounts {
    /// After a change of the leaf at `level`: fills nodes that have too few entries, and renews the path.
    private mutating func finish(_ leafLevel: Int) {
        var level = leafLevel
        while level > 0, self.nodes[self.nodes[level: level].node].count < StepNode.countMin {
            self.fill(level)
            level -= 1
        }
        self.renewPath(level)
        while true {
            let top = self.nodes[self.root]
            guard !top.isLeaf, top.count < 2 else { return }
            let child = top[0].child
            self.nodes.give(back: self.root)
            self.root = child
        }
    }

    /// Joins a node of the path with a neighbour, or takes entries from it.
    private mutating func fill(_ level: Int) {
        let parent = self.nodes[self.nodes[level: level - 1].node]
        let slot = max(Int(self.nodes[level: level - 1].slot) - 1, 0)
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
            let child = self.nodes[self.nodes[level: level].node]
            guard
                self.nodes[self.nodes[level: level - 1].node].renew(Int(self.nodes[level: level - 1].slot), from: child)
            else { return }
            level -= 1
        }
    }
}

// MARK: - Invariants

extension PageCounts {
    /// Asserts the order, the filling and the sums of the whole tree, in debug builds. Linear in the number of steps.
    package func checkInvariants() {
        guard !self.isEmpty else { return assert(self.root == StepPool.none || self.nodes[self.root].count == 0) }
        let top = self.nodes[self.root]
        assert(self.checkedStepCount(of: top, from: 0, to: .max) == self.stepCount)
        assert(top.summary.sum == 0, "every mark ends somewhere")
        assert(top.summary.lowest == 0, "a count is negative")
        assert(top.isLeaf || top.count >= 2)
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
