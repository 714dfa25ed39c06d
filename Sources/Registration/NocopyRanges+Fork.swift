import SystemIO

// What runs around a fork. The account stays locked in between, so that the child finds it whole.

extension NocopyRanges {
    /// Before a fork, in the forking thread. Waits for calls that are in the kernel, then takes every marked page out of
    /// what the child inherits. `parentAfterFork` or `childAfterFork` must follow.
    ///
    /// With the policy `eager` the flags are there already; they are set once more, because a page that was unmapped and
    /// mapped again since has lost its flag. With `atFork`, when the kernel has too few mappings for all ranges, those at
    /// the lowest addresses are taken out, and the report says what the child will inherit.
    @discardableResult
    package func prepareForFork() -> ForkReport {
        self.adoptInChild()
        self.lock.lock()
        while self.isForking {
            self.waiterCount += 1
            self.released.wait(for: self.lock)
            self.waiterCount -= 1
        }
        self.isForking = true
        while self.claims.count > 0 {
            self.waiterCount += 1
            self.released.wait(for: self.lock)
            self.waiterCount -= 1
        }
        self.moveExactMarksIntoTree()
        if self.damage != nil { self.healDamage() }
        return self.policy == .off ? ForkReport() : self.shield()
    }

    /// After a fork, in the parent.
    package func parentAfterFork() {
        if self.policy == .atFork { self.unshield() }
        self.isForking = false
        if self.waiterCount > 0 { self.released.broadcast() }
        self.lock.unlock()
    }

    /// After a fork, in the child: the account is empty and unlocked, whatever other threads did in the parent.
    package func childAfterFork() {
        self.lock.reinitializeAfterFork()
        self.exact.discardAll(to: self.kernel)
        self.counts.discardAll(to: self.kernel)
        self.claims.removeAll()
        self.budget = MappingBudget()
        self.waiterCount = 0
        self.isForking = false
        self.treeMarkCount = 0
        self.countBound = 0
        self.damage = nil
        self.shieldedRangeCount = 0
        self.epochStorage &+= 1
        self.sentinel.acknowledge()
    }

    /// In a child of a bare `clone`, for which no handler ran, does what `childAfterFork` would have done.
    @inline(always)
    internal func adoptInChild() {
        if _slowPath(self.sentinel.isInChild) { self.childAfterFork() }
    }
}

// MARK: - The flags

extension NocopyRanges {
    /// Sets the flags of all marked pages, as far as there are mappings for it. Under the lock.
    private func shield() -> ForkReport {
        var report = ForkReport()
        let rangeCountMax = self.policy == .atFork ? self.shieldableRangeCount : .max
        var address: UInt = 0
        while let run = self.counts.firstMarkedRun(endingAfter: address) {
            if report.shieldedRangeCount < rangeCountMax, self.setFlags(of: run) {
                report.shieldedRangeCount += 1
            } else {
                report.exposedRangeCount += 1
                report.exposedByteCount += run.byteCount
            }
            address = run.upperBound
        }
        self.shieldedRangeCount = report.shieldedRangeCount + report.exposedRangeCount
        return report
    }

    /// For how many ranges there are mappings, when each splits two.
    private var shieldableRangeCount: Int {
        // Every range has two steps at least. Few ranges need no counting.
        guard self.counts.stepCount > self.kernel.mappingLimit / 8 else { return .max }
        return max(0, MappingBudget.freeMappingCount(of: self.kernel) / 2)
    }

    /// Clears the flags that `shield` set. Under the lock.
    private func unshield() {
        var address: UInt = 0
        while let run = self.counts.firstMarkedRun(endingAfter: address) {
            if let error = self.kernel.advise(.copy, run), error == .invalidArgument {
                if self.clearWhereAllowed(self.widened(run)) != nil { self.noteDamage(run) }
            }
            address = run.upperBound
        }
    }

    /// Sets the flags of a run. Holes are passed over. False when there is no mapping left to split.
    private func setFlags(of run: PageRange) -> Bool {
        switch self.kernel.advise(.doNotCopy, run) {
        case nil, Errno.noMemory?: return true
        case Errno.invalidArgument?:
            let error = self.kernel.advise(.doNotCopy, self.widened(run))
            return error == nil || error == .noMemory
        default: return false
        }
    }
}

// MARK: - Healing

extension NocopyRanges {
    /// Sets the flag of every marked page again: a page that was unmapped and mapped again while it was marked has lost
    /// it. The policy `eager` does this before each fork too.
    ///
    /// - Returns: How many pages had lost their flag. Always 0 with the other policies, which set no flag between forks.
    @discardableResult
    package func heal() -> Int {
        guard self.policy == .eager else { return 0 }
        self.adoptInChild()
        let lostPageCount = self.lock.withLock {
            self.moveExactMarksIntoTree()
            return self.lostPageCount
        }
        self.prepareForFork()
        self.parentAfterFork()
        return lostPageCount
    }

    /// How many marked pages the kernel would copy. Reads /proc/self/smaps. Under the lock.
    private var lostPageCount: Int {
        var count: UInt = 0
        self.kernel.forEachMapping { mapping in
            guard !mapping.isLeftOutOfChildren else { return true }
            var address = mapping.lowerBound
            while let run = self.counts.firstMarkedRun(endingAfter: address), run.lowerBound < mapping.upperBound {
                count += (min(mapping.upperBound, run.upperBound) - run.lowerBound) / PageRange.pageByteCount
                address = run.upperBound
            }
            return true
        }
        return Int(count)
    }

    /// Makes the flags of the damaged range what the counts say. Under the lock.
    internal func healDamage() {
        guard self.policy == .eager, let damage = self.damage else { return }
        // A call in the kernel has changed its counts and not the flags yet: its pages tell nothing.
        let range = self.widened(damage)
        guard !self.claims.overlaps(range) else { return }
        var isHealed = true
        var address = range.lowerBound
        while address < range.upperBound {
            let run = self.counts.firstMarkedRun(endingAfter: address)
            let gapEnd = max(address, min(run?.lowerBound ?? range.upperBound, range.upperBound))
            if gapEnd > address {
                let gap = PageRange(lowerBound: address, upperBound: gapEnd)
                if let target = self.unneeded(around: gap, within: self.widened(gap)),
                    self.clearWhereAllowed(target) != nil
                {
                    isHealed = false
                }
            }
            address = min(run?.upperBound ?? range.upperBound, range.upperBound)
            guard gapEnd < address else { continue }
            if !self.setFlags(of: PageRange(lowerBound: gapEnd, upperBound: address)) { isHealed = false }
        }
        if isHealed { self.damage = nil }
    }
}
