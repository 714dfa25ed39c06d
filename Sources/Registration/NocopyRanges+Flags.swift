import SystemIO

// How the kernel's flags follow the counts. The functions here run while the range is claimed and, unless they say
// otherwise, without the lock, which they take for each look at the tree.

extension NocopyRanges {
    /// Sets or clears the flags that a change of the named range by `change` turns; on failure they are as before.
    ///
    /// - Parameter span: To mark: from the first page without a mark to the last. To unmark: the first run of pages with
    ///   one mark.
    @inline(__always)
    internal func apply(_ change: Int32, to reach: Reach, startingWith span: PageRange?) -> Errno? {
        guard let span else { return nil }
        return change > 0 ? self.setFlags(reach, span) : self.clearFlags(reach, span)
    }

    /// One call sets the flags of the span; pages between that have a mark keep theirs.
    @inline(__always)
    private func setFlags(_ reach: Reach, _ span: PageRange) -> Errno? {
        let target = reach.isPerMapping ? self.widened(span) : span
        guard let error = self.kernel.advise(.doNotCopy, target) else { return nil }
        self.forEachRun(of: reach.named, withCount: 0) { run in
            if self.clear(run, isPerMapping: true) != nil { self.lock.withLock { self.noteDamage(run) } }
            return true
        }
        return error
    }

    @inline(__always)
    private func clearFlags(_ reach: Reach, _ firstRun: PageRange) -> Errno? {
        if firstRun == reach.named, !reach.isPerMapping {
            guard let error = self.clear(firstRun, isPerMapping: false) else { return nil }
            self.restore(firstRun, isPerMapping: false)
            return error
        }
        var failure: Errno?
        self.forEachRun(of: reach.named, withCount: 1, startingWith: firstRun) { run in
            failure = self.clear(run, isPerMapping: reach.isPerMapping)
            guard failure != nil else { return true }
            let touched = PageRange(lowerBound: firstRun.lowerBound, upperBound: run.upperBound)
            self.restore(touched, isPerMapping: reach.isPerMapping)
            return false
        }
        return failure
    }

    /// Clears the flag of a run in which no page keeps a mark.
    ///
    /// - Returns: Why not; holes are no reason.
    private func clear(_ run: PageRange, isPerMapping: Bool) -> Errno? {
        guard isPerMapping else {
            let error = self.kernel.advise(.copy, run)
            return error == .noMemory ? nil : error
        }
        guard let target = self.lockedUnneeded(around: run) else { return nil }
        return self.clearWhereAllowed(target)
    }

    /// Sets the flags of `range` again after they could not all be cleared.
    private func restore(_ range: PageRange, isPerMapping: Bool) {
        switch self.kernel.advise(.doNotCopy, isPerMapping ? self.widened(range) : range) {
        case nil, Errno.noMemory?: return
        // The kernel stopped here before too, and changed nothing from here on.
        case Errno.invalidArgument? where !isPerMapping: return
        default: self.lock.withLock { self.noteDamage(range) }
        }
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
        var (lowerBound, upperBound) = (reach.lowerBound, reach.upperBound)
        if self.counts.hasMark(from: lowerBound, to: run.lowerBound) {
            let mask = self.pageByteCount(at: run.lowerBound) - 1
            lowerBound = (run.lowerBound + mask) & ~mask
        }
        if self.counts.hasMark(from: run.upperBound, to: upperBound) {
            let mask = self.pageByteCount(at: run.upperBound - PageRange.pageByteCount) - 1
            upperBound = run.upperBound & ~mask
        }
        return lowerBound < upperBound ? PageRange(lowerBound: lowerBound, upperBound: upperBound) : nil
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

    /// Calls `body`, without the lock, with each run of `range` whose count is `count`, the lowest there, until it returns
    /// false.
    private func forEachRun(
        of range: PageRange,
        withCount count: Int32,
        startingWith firstRun: PageRange? = nil,
        _ body: (PageRange) -> Bool
    ) {
        var next = firstRun ?? self.lock.withLock { self.counts.firstRun(of: range, withCountAtMost: count)?.range }
        while let run = next {
            guard body(run), run.upperBound < range.upperBound else { return }
            let rest = PageRange(lowerBound: run.upperBound, upperBound: range.upperBound)
            next = self.lock.withLock { self.counts.firstRun(of: rest, withCountAtMost: count)?.range }
        }
    }
}
