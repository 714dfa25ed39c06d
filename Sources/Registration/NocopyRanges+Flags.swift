import SystemIO

// How the kernel's flags follow the counts. The functions here run while the range is claimed and, unless they say
// otherwise, without the lock, which they take for each look at the tree.

extension NocopyRanges {
    /// Sets the flags from the first page that had no mark to the last; pages between that had one have theirs.
    @inline(always)
    internal func setFlags(of span: PageRange, isPerMapping: Bool) -> Errno? {
        self.kernel.advise(.doNotCopy, isPerMapping ? self.widened(span) : span)
    }

    /// Clears the flags of the pages of `range` that have no mark any more. Stops when that fails.
    ///
    /// - Parameter firstRun: The first run of such pages.
    /// - Returns: Why it failed; holes are no reason.
    @inline(always)
    internal func clearFlags(of range: PageRange, startingWith firstRun: PageRange, isPerMapping: Bool) -> Errno? {
        if firstRun == range, !isPerMapping { return self.clearFlags(of: range) }
        return self.clearRuns(of: range, startingWith: firstRun, isPerMapping: isPerMapping)
    }

    @inline(always)
    private func clearFlags(of run: PageRange) -> Errno? {
        let error = self.kernel.advise(.copy, run)
        return error == .noMemory ? nil : error
    }

    @inline(never)
    private func clearRuns(of range: PageRange, startingWith firstRun: PageRange, isPerMapping: Bool) -> Errno? {
        var failure: Errno?
        self.forEachUnmarkedRun(of: range, startingWith: firstRun) { run in
            if !isPerMapping {
                failure = self.clearFlags(of: run)
            } else if let target = self.lockedUnneeded(around: run) {
                failure = self.clearWhereAllowed(target)
            }
            return failure == nil
        }
        return failure
    }

    /// Makes flags and counts what they were before a change whose flags did not follow wholly.
    ///
    /// - Parameters:
    ///   - turning: What `setFlags` or `clearFlags` was given.
    ///   - keepsCounts: Leaves the counts as they are. The flags, which are not what the counts say then, are healed later.
    @inline(never)
    internal func undo(
        _ change: Int32,
        on range: PageRange,
        _ turning: PageRange,
        isPerMapping: Bool,
        keepsCounts: Bool
    ) {
        self.lock.withLock {
            if keepsCounts { self.noteDamage(range) } else { self.commit(-change, on: range) }
        }
        guard change > 0 else {
            let touched = PageRange(lowerBound: turning.lowerBound, upperBound: range.upperBound)
            return self.restore(isPerMapping ? self.widened(touched) : touched)
        }
        self.forEachUnmarkedRun(of: range) { run in
            // The first attempt set no flag of a huge page that the range cuts, and claims no more than the range. Whether
            // such a page may lose its flag depends on marks outside.
            let target = isPerMapping ? self.lockedUnneeded(around: run) : self.narrowed(run)
            if let target, self.clearWhereAllowed(target) != nil { self.lock.withLock { self.noteDamage(run) } }
            return true
        }
    }

    /// Sets the flags of `range` again after they could not all be cleared. The kernel passes over what has them still.
    private func restore(_ range: PageRange) {
        guard let error = self.kernel.advise(.doNotCopy, range), error != .noMemory else { return }
        self.lock.withLock { self.noteDamage(range) }
    }

    /// Clears the flags of `range`, passing over device memory, from which the kernel does not take the flag.
    internal func clearWhereAllowed(_ range: PageRange) -> Errno? {
        let error = self.kernel.advise(.copy, range)
        guard error == .invalidArgument else { return error == .noMemory ? nil : error }
        var address = range.lowerBound
        while address < range.upperBound, let mapping = self.kernel.mapping(atOrAbove: address) {
            let lowerBound = max(address, mapping.lowerBound)
            let upperBound = min(range.upperBound, mapping.upperBound)
            guard lowerBound < upperBound else { break }
            let error = self.kernel.advise(.copy, PageRange(lowerBound: lowerBound, upperBound: upperBound))
            guard error == nil || error == .invalidArgument || error == .noMemory else { return error }
            address = upperBound
        }
        return nil
    }

    internal func noteDamage(_ range: PageRange) {
        let lowerBound = min(range.lowerBound, self.damage?.lowerBound ?? .max)
        let upperBound = max(range.upperBound, self.damage?.upperBound ?? 0)
        self.damage = PageRange(lowerBound: lowerBound, upperBound: upperBound)
    }
}

// MARK: - Huge pages

extension NocopyRanges {
    /// `range` with both ends moved outwards to where their mappings' pages end.
    internal func widened(_ range: PageRange) -> PageRange {
        PageRange(
            lowerBound: range.lowerBound & ~(self.pageByteCount(at: range.lowerBound) - 1),
            upperBound: self.roundedUp(range.upperBound)
        )
    }

    private func roundedUp(_ upperBound: UInt) -> UInt {
        let mask = self.pageByteCount(at: upperBound - PageRange.pageByteCount) - 1
        return (upperBound + mask) & ~mask
    }

    /// `range` with both ends moved inwards to where their mappings' pages end; nil when nothing is left.
    private func narrowed(_ range: PageRange) -> PageRange? {
        self.narrowed(range, within: range, atStart: true, atEnd: true)
    }

    /// `reach` with those ends moved inwards of `range` that are said.
    private func narrowed(_ range: PageRange, within reach: PageRange, atStart: Bool, atEnd: Bool) -> PageRange? {
        var (lowerBound, upperBound) = (reach.lowerBound, reach.upperBound)
        if atStart {
            let mask = self.pageByteCount(at: range.lowerBound) - 1
            lowerBound = (range.lowerBound + mask) & ~mask
        }
        if atEnd {
            let mask = self.pageByteCount(at: range.upperBound - PageRange.pageByteCount) - 1
            upperBound = range.upperBound & ~mask
        }
        return lowerBound < upperBound ? PageRange(lowerBound: lowerBound, upperBound: upperBound) : nil
    }

    /// The size of the kernel's page at `address`, in bytes; the smallest one where nothing is mapped.
    private func pageByteCount(at address: UInt) -> UInt {
        guard let mapping = self.kernel.mapping(atOrAbove: address), mapping.lowerBound <= address else {
            return PageRange.pageByteCount
        }
        return max(mapping.pageByteCount, PageRange.pageByteCount)
    }

    private func lockedUnneeded(around run: PageRange) -> PageRange? {
        let reach = self.widened(run)
        return self.lock.withLock { self.unneeded(around: run, within: reach) }
    }

    /// The part of `reach` whose flags can go when those of `run` can: a huge page keeps its flag while a page beside the
    /// run has a mark. Under the lock.
    ///
    /// - Parameter reach: `run` with its ends moved outwards to the ends of the kernel's pages.
    internal func unneeded(around run: PageRange, within reach: PageRange) -> PageRange? {
        self.narrowed(
            run,
            within: reach,
            atStart: self.counts.hasMark(from: reach.lowerBound, to: run.lowerBound),
            atEnd: self.counts.hasMark(from: run.upperBound, to: reach.upperBound)
        )
    }
}

// MARK: - Runs

extension NocopyRanges {
    /// The range from the first page of `range` without a mark, where `run` begins, to the last. Under the lock.
    internal func hull(of range: PageRange, startingWith run: PageRange) -> PageRange {
        var last = run
        while last.upperBound < range.upperBound {
            let rest = PageRange(lowerBound: last.upperBound, upperBound: range.upperBound)
            guard let next = self.counts.firstRun(of: rest, withCountAtMost: 0) else { break }
            last = next.range
        }
        return PageRange(lowerBound: run.lowerBound, upperBound: last.upperBound)
    }

    /// Calls `body`, without the lock, with each run of pages of `range` that have no mark until it returns false.
    private func forEachUnmarkedRun(
        of range: PageRange,
        startingWith firstRun: PageRange? = nil,
        _ body: (PageRange) -> Bool
    ) {
        var next = firstRun ?? self.lock.withLock { self.counts.firstRun(of: range, withCountAtMost: 0)?.range }
        while let run = next {
            guard body(run), run.upperBound < range.upperBound else { return }
            let rest = PageRange(lowerBound: run.upperBound, upperBound: range.upperBound)
            next = self.lock.withLock { self.counts.firstRun(of: rest, withCountAtMost: 0)?.range }
        }
    }
}
