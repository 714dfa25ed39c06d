import SystemIO

// What a change does to the counts. Everything here runs under the lock, and makes no system call but for memory.

extension NocopyRanges {
    /// Makes the change in the account if it turns the flags of all pages and one look at the tree tells so, which is usual
    /// with `eager`. False, and nothing changed, otherwise.
    @inline(always)
    internal func turnAll(of range: PageRange, by change: Int32, at place: PageCounts.Place) -> Bool {
        guard place.end >= range.upperBound, place.count == (change > 0 ? 0 : 1), self.policy == .eager,
            change > 0 || self.exact.isEmpty, self.countBound < Self.countMax,
            self.stepCountMax(isMarking: change > 0) <= self.counts.stepCapacity, self.budget.spend(2)
        else { return false }
        self.commit(change, on: range, at: place)
        return true
    }

    /// Adds a mark to the account, with `eager`.
    ///
    /// - Returns: The range from the first page that had no mark to the last; nil when there is none.
    @inline(never)
    internal func addMark(_ range: PageRange, at place: PageCounts.Place) throws(Errno) -> PageRange? {
        var place = place
        if self.countBound >= Self.countMax {
            try self.boundCount()
            place = self.counts.place(of: range.lowerBound)
        }
        try self.reserveForMark()
        guard let run = self.counts.firstRun(of: range, withCountAtMost: 0, from: place) else {
            // A range that comes back is served from beside the tree. The first time the tree is nearer: its place is known,
            // and its marks need not move there when a mark below them ends.
            if self.seen.isSeenAgain(range) {
                self.addExactly(range, isCovered: true)
            } else {
                self.commit(1, on: range, at: place)
            }
            return nil
        }
        guard self.budget.take(2, from: self.kernel) else {
            // Nothing has changed, and the lock is not held while the warning is written.
            self.lock.unlock()
            MappingWarning.tell(limit: self.kernel.mappingLimit)
            self.lock.lock()
            throw .noMemory
        }
        let turning = run.range == range ? range : self.hull(of: range, startingWith: run.range)
        self.commit(1, on: range, at: place)
        return turning
    }

    /// Makes sure that no page can get more marks than it may have.
    @inline(__always)
    internal func boundCount() throws(Errno) {
        guard self.countBound >= Self.countMax else { return }
        self.moveExactMarksIntoTree()
        self.countBound = self.counts.highestCount
        if self.countBound >= Self.countMax { throw .noMemory }
    }

    /// Makes room for one more mark, and for the end of every mark.
    @inline(__always)
    internal func reserveForMark() throws(Errno) {
        guard self.counts.reserve(stepCountMax: self.stepCountMax(isMarking: true), from: self.kernel),
            self.exact.reserve(from: self.kernel)
        else { throw .noMemory }
    }

    /// For how many steps there must be room before a mark, or before one is taken away: for those of the tree, of the marks
    /// that are not in it yet, of this call, and of those that are in the kernel or may come there, which may be taken back.
    /// Every mark needs at most two steps, so a range that was marked as a whole can always be unmarked.
    @inline(__always)
    private func stepCountMax(isMarking: Bool) -> Int {
        let inTree = isMarking ? max(self.counts.stepCount, 2 * self.treeMarkCount) &+ 2 : self.counts.stepCount
        return inTree &+ 2 &* (self.exact.rangeCount &+ 1 &+ ClaimList.capacity)
    }

    /// Takes a mark away from the account.
    ///
    /// - Returns: With `eager`, the first run of pages that have no mark any more; nil when there is none.
    @inline(never)
    internal func removeMark(_ range: PageRange, at place: PageCounts.Place) throws(Errno) -> PageRange? {
        let limit: Int32 = self.policy == .eager ? 1 : 0
        var place = place
        var run = self.counts.firstRun(of: range, withCountAtMost: limit, from: place)
        if run != nil, !self.exact.isEmpty {
            self.moveExactMarksIntoTree()
            place = self.counts.place(of: range.lowerBound)
            run = self.counts.firstRun(of: range, withCountAtMost: limit, from: place)
        }
        if let run, run.count == 0 || self.hasUnmarkedPage(in: range, behind: run.range) { throw .invalidArgument }
        guard self.counts.reserve(stepCountMax: self.stepCountMax(isMarking: false), from: self.kernel) else {
            throw .noMemory
        }
        self.commit(-1, on: range, at: place)
        if run == nil { self.noteEmptiness() }
        if limit > 0, run != nil { self.budget.noteRelease(splitCount: 2) }
        return run?.range
    }

    /// Whether the tree knows of no mark on a page of `range` that lies behind `run`.
    private func hasUnmarkedPage(in range: PageRange, behind run: PageRange) -> Bool {
        guard run.upperBound < range.upperBound else { return false }
        let rest = PageRange(lowerBound: run.upperBound, upperBound: range.upperBound)
        return self.counts.firstPage(of: rest, withCountAtMost: 0) != nil
    }

    /// Whether no page has a mark. Under the lock.
    @inline(__always)
    internal var isEmptyLocked: Bool { self.exact.isEmpty && self.counts.isEmpty }

    /// Makes the tree tell the whole truth. There is room for it. Under the lock.
    internal func moveExactMarksIntoTree() {
        guard !self.exact.isEmpty else { return }
        self.exact.drain { range, count in
            self.counts.add(count, to: range)
            self.treeMarkCount += Int(count)
        }
    }

    internal func commit(_ change: Int32, on range: PageRange) {
        self.commit(change, on: range, at: self.counts.place(of: range.lowerBound))
    }

    /// Changes the counts in the tree. There must be room.
    @inline(always)
    internal func commit(_ change: Int32, on range: PageRange, at place: PageCounts.Place) {
        self.counts.add(change, to: range, at: place)
        if change > 0 {
            self.countBound += 1
            self.treeMarkCount += 1
        } else {
            self.generation &+= 1
            self.treeMarkCount = max(0, self.treeMarkCount - 1)
        }
    }

    /// When the last mark is gone, starts over, and gives memory back if it is more than a program that registers little ever
    /// needs; but not while a call is in the kernel, whose change may be taken back.
    @inline(always)
    internal func noteEmptiness() {
        guard self.isEmptyLocked, self.claims.count == 0 else { return }
        self.treeMarkCount = 0
        self.countBound = 0
        self.generation &+= 1
        self.counts.compact(to: self.kernel)
        self.exact.compact(to: self.kernel)
    }
}

// MARK: - Beside the tree

extension NocopyRanges {
    /// Changes the range that was changed last without a look at the tree, if it can be. Under the lock.
    @inline(__always)
    internal func countRecent(_ range: PageRange, by change: Int32) -> Bool {
        guard change < 0 || self.countBound < Self.countMax,
            self.exact.changeRecent(range, by: change, generation: self.generation)
        else { return false }
        if change > 0 { self.countBound &+= 1 }
        return true
    }

    /// Changes the account without a look at the tree, if it can be. Under the lock.
    @inline(__always)
    internal func countAgain(_ range: PageRange, by change: Int32) -> Bool {
        if change > 0 {
            guard self.countBound < Self.countMax,
                let place = self.exact.place(of: range, generation: self.generation)
            else { return false }
            self.exact.increment(place)
            self.countBound &+= 1
        } else {
            guard let place = self.exact.place(of: range) else { return false }
            self.exact.decrement(place, generation: self.generation)
            self.noteEmptiness()
        }
        return true
    }

    /// Adds a mark beside the tree. There must be room.
    @inline(__always)
    internal func addExactly(_ range: PageRange, isCovered: Bool) {
        self.exact.add(range, coveredIn: isCovered ? self.generation : self.generation &- 1)
        self.countBound += 1
    }
}
