import SystemIO

// One change from its beginning to its end: what it waits for, when it asks the kernel, and what becomes of it then.

extension NocopyRanges {
    /// Adds `change`, 1 or -1, to the count of each page of `range`, and makes the kernel's flags follow. See `mark`, `unmark`
    /// and `unmarkForcibly`.
    ///
    /// - Returns: 0, or -1 with the error in `errno`, so that callers have nothing left to do.
    @inline(always)
    internal func change(
        _ range: PageRange,
        by change: Int32,
        isKnownMapped: Bool = false,
        isForced: Bool = false
    ) -> CInt {
        self.adoptInChild()
        self.lock.lock()
        guard _fastPath(self.isQuiet) else {
            return Self.changeLater(self, range, by: change, isKnownMapped: isKnownMapped, isForced: isForced)
        }
        if self.countRecent(range, by: change) {
            self.lock.unlock()
            return 0
        }
        return Self.changeWithCare(self, range, by: change, isKnownMapped: isKnownMapped, isForced: isForced)
    }

    /// The same once nobody is in the way. The lock is held when it begins, and free when it ends.
    @inline(never)
    private static func changeLater(
        _ ranges: NocopyRanges,
        _ range: PageRange,
        by change: Int32,
        isKnownMapped: Bool,
        isForced: Bool
    ) -> CInt {
        ranges.becomeQuiet(for: range)
        return Self.changeWithCare(ranges, range, by: change, isKnownMapped: isKnownMapped, isForced: isForced)
    }

    /// The same for what is no repetition of the last change, when nobody is in the way. The lock is held when it begins, and
    /// free when it ends.
    ///
    /// Not a method, for which the caller would keep a register until it returns: behind a system call each return from a
    /// function is predicted wrongly, and there is one less without.
    @inline(never)
    private static func changeWithCare(
        _ ranges: NocopyRanges,
        _ range: PageRange,
        by change: Int32,
        isKnownMapped: Bool,
        isForced: Bool
    ) -> CInt {
        if !ranges.exact.isUnused, ranges.countAgain(range, by: change) {
            ranges.lock.unlock()
            return 0
        }
        do throws(Errno) {
            if change > 0, ranges.policy != .eager {
                try ranges.markWithoutFlags(range, isKnownMapped: isKnownMapped)
            } else if try !ranges.attempt(change, on: range, claiming: range, isPerMapping: false, isForced: isForced) {
                try ranges.changePerMapping(range, by: change, isForced: isForced)
            }
            return 0
        } catch {
            return error.told()
        }
    }

    /// The same when an end cuts a huge page, or device memory is in the way. The lock is free.
    @inline(never)
    private func changePerMapping(_ range: PageRange, by change: Int32, isForced: Bool) throws(Errno) {
        let claimed = self.widened(range)
        self.lock.lock()
        if !self.isQuiet { self.becomeQuiet(for: claimed) }
        _ = try self.attempt(change, on: range, claiming: claimed, isPerMapping: true, isForced: isForced)
    }

    /// Makes a change. Nobody is in the kernel with what is claimed. The lock is held when it begins, and free when it ends.
    ///
    /// The counts change first, so that the account is entered once; where the flags do not follow, they change back. The
    /// claim keeps everybody from what is between.
    ///
    /// - Parameters:
    ///   - claimed: The pages that no other call may touch meanwhile: those of `range`, and the rest of huge pages that it
    ///     cuts.
    ///   - isPerMapping: Each mapping's own page size counts, and mappings that refuse the advice are passed over.
    /// - Returns: Whether it is made; if not, the kernel wants it to be made for each mapping, and nothing has changed.
    @inline(always)
    private func attempt(
        _ change: Int32,
        on range: PageRange,
        claiming claimed: PageRange,
        isPerMapping: Bool,
        isForced: Bool
    ) throws(Errno) -> Bool {
        let place = self.counts.place(of: range.lowerBound)
        var turning: PageRange? = range
        if _slowPath(!self.turnAll(of: range, by: change, at: place)) {
            do throws(Errno) {
                turning = change > 0 ? try self.addMark(range, at: place) : try self.removeMark(range, at: place)
            } catch {
                self.lock.unlock()
                throw error
            }
        }
        guard let turning else {
            self.lock.unlock()
            return true
        }
        self.claims.insert(claimed)
        self.lock.unlock()

        let error =
            change > 0
            ? self.setFlags(of: turning, isPerMapping: isPerMapping)
            : self.clearFlags(of: range, startingWith: turning, isPerMapping: isPerMapping)
        let isFinal = error != .invalidArgument || isPerMapping
        if _slowPath(error != nil) {
            self.undo(change, on: range, turning, isPerMapping: isPerMapping, keepsCounts: isForced && isFinal)
        }

        self.lock.lock()
        self.claims.remove(claimed)
        if change < 0 { self.noteEmptiness() }
        if _slowPath(self.waiterCount > 0) { self.released.broadcast() }
        self.lock.unlock()
        guard let error else { return true }
        guard isFinal else { return false }
        if isForced { return true }
        throw Self.documented(error)
    }

    /// Whether no call is in the kernel, no fork is under way and nothing is to be healed.
    @inline(always)
    private var isQuiet: Bool { self.claims.count == 0 && !self.isForking && self.damage == nil }

    /// Waits, and heals what is to be healed.
    @inline(never)
    private func becomeQuiet(for range: PageRange) {
        self.waitUntilFree(range)
        if self.damage != nil { self.healDamage() }
    }

    /// Sleeps until no other call is in the kernel with a page of `range`, and no fork is under way.
    private func waitUntilFree(_ range: PageRange) {
        while self.isForking || self.claims.isFull || self.claims.overlaps(range) {
            self.waiterCount += 1
            self.released.wait(for: self.lock)
            self.waiterCount -= 1
        }
    }

    /// Marks a range where the policy sets no flags before a fork. The lock is held when it begins, and free when it ends.
    ///
    /// Nothing is claimed meanwhile: to ask the kernel whether memory is mapped changes nothing.
    @inline(__always)
    private func markWithoutFlags(_ range: PageRange, isKnownMapped: Bool) throws(Errno) {
        defer { self.lock.unlock() }
        var isMapped = isKnownMapped
        while true {
            try self.boundCount()
            // The tree need not be asked for what is mapped in any case.
            let isCovered = !isMapped && self.counts.firstPage(of: range, withCountAtMost: 0) == nil
            if isMapped || isCovered {
                try self.reserveForMark()
                // Larger ranges that were asked for go to the tree, where ranges inside of them find that they are covered.
                let isForTree = !isKnownMapped && !isCovered && !range.isOnePage
                return isForTree ? self.commit(1, on: range) : self.addExactly(range, isCovered: isCovered)
            }
            self.lock.unlock()
            isMapped = self.kernel.isMapped(range)
            self.lock.lock()
            guard isMapped else { throw .noMemory }
            self.waitUntilFree(range)
            if self.countAgain(range, by: 1) { return }
        }
    }

    /// The documented error for what the kernel said.
    private static func documented(_ error: Errno) -> Errno {
        // madvise says EAGAIN when no mapping can be split.
        error == .wouldBlock ? .noMemory : error
    }
}
