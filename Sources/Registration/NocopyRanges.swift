package import SystemIO

/// The account of the pages that must not be copied by `fork`: how many marks lie on each, and the kernel's flag
/// (`VM_DONTCOPY`) that follows from it.
///
/// A device, or the kernel for an io_uring, holds *physical* pages. After a fork the first write to such a page makes
/// copy-on-write give the writer another page, and the device goes on with the old one. A page that the child does not
/// have cannot be exchanged.
///
/// - A call applies wholly or changes nothing: what can fail is allocated before the first system call, and what was done
///   is undone when a later step fails.
/// - Counts are kept for the pages that a caller named. Where the kernel's pages are huge, a huge page carries the flag
///   while any part of it has a mark; this is found out when the kernel refuses to cut one, and never looked up before.
/// - Calls on unrelated ranges do not wait for each other's system calls: a call *claims* its range while it is in the
///   kernel.
/// - Safe against `fork` at any time from any thread, given that `prepareForFork` and its siblings run around it. A child
///   starts with an empty account.
///
/// Not responsible for pins, for keys, or for who registered what.
@safe
package final class NocopyRanges<Kernel: MemoryKernel> {
    internal let kernel: Kernel
    package let policy: ForkPolicy
    internal let lock = WordLock()
    /// Told whenever a claim or a fork ends.
    internal let released = WordSignal()
    internal let sentinel = ForkSentinel()

    // SAFETY: allocated and initialised from `init` until `deinit`, and touched under `lock` only. It lies outside of the
    // object, because each access to a variable of an object is checked for overlap at run time, which costs more than
    // the work itself.
    internal let state: UnsafeMutablePointer<NocopyState>

    /// No page may have more marks than this.
    internal static var countMax: Int32 { 1 << 29 }

    package init(policy: ForkPolicy, kernel: Kernel) {
        self.policy = policy
        self.kernel = kernel
        unsafe self.state = .allocate(capacity: 1)
        unsafe self.state.initialize(to: NocopyState())
    }

    deinit {
        self.exact.discardAll(to: self.kernel)
        self.counts.discardAll(to: self.kernel)
        unsafe self.state.deinitialize(count: 1)
        unsafe self.state.deallocate()
    }
}

// SAFETY: the state is touched under `lock` only, and by the child of a fork, which has one thread.
extension NocopyRanges: @unchecked Sendable {}

// MARK: - Marks

extension NocopyRanges {
    /// Adds one mark to each page of `range`.
    ///
    /// - Parameter isKnownMapped: The caller has seen that all of `range` is mapped; the policies that make no other
    ///   system call do not ask the kernel then.
    /// - Throws: `ENOMEM` when a part is not mapped, when there is no memory for the account, or when the process has
    ///   nearly as many mappings as the kernel allows. Nothing has changed then.
    @inline(__always)
    package func mark(_ range: PageRange, isKnownMapped: Bool = false) throws(Errno) {
        try Self.check(self.change(range, by: 1, isKnownMapped: isKnownMapped))
    }

    /// Takes one mark away from each page of `range`, which need not be a range that was marked as a whole.
    ///
    /// - Throws: `EINVAL` when a page of the range has no mark; `ENOMEM` when there is no memory for the account, which
    ///   cannot be when the range was marked as a whole, or no mapping to split. Nothing has changed then.
    @inline(__always)
    package func unmark(_ range: PageRange) throws(Errno) {
        try Self.check(self.change(range, by: -1))
    }

    /// The same for the end of a registration, which must not fail: when the kernel cannot clear the flags now, the count
    /// goes down nevertheless, and the flags are cleared by a later call.
    package func unmarkForcibly(_ range: PageRange) {
        // It fails when somebody took away marks that were not theirs, through `mark_nocopy`: nothing is left to take.
        _ = self.change(range, by: -1, isForced: true)
    }

    private static func check(_ status: CInt) throws(Errno) {
        if status != 0 { throw .last }
    }

    /// The number of marks on the page at `address`.
    package func count(at address: UInt) -> Int32 {
        self.adoptInChild()
        return self.lock.withLock {
            self.moveExactMarksIntoTree()
            return self.counts.count(at: address)
        }
    }

    /// Whether no page has a mark.
    package var isEmpty: Bool {
        self.adoptInChild()
        return self.lock.withLock { self.isEmptyLocked }
    }

    /// Changes in every forked child, where marks made before are gone.
    package var epoch: UInt32 {
        // Only written by a child that has one thread.
        self.adoptInChild()
        return self.epochStorage
    }

    /// Calls `body` with each longest run of pages that have marks, in the order of addresses, under the lock.
    package func forEachMarkedRun(_ body: (PageRange) -> Void) {
        self.adoptInChild()
        self.lock.withLock {
            self.moveExactMarksIntoTree()
            var address: UInt = 0
            while let run = self.counts.firstMarkedRun(endingAfter: address) {
                body(run)
                address = run.upperBound
            }
        }
    }

    /// Checks the tree in debug builds.
    package func checkInvariants() {
        self.lock.withLock { self.counts.checkInvariants() }
    }
}

// MARK: - One change

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
        guard self.isQuiet else {
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
        if !self.turnAll(of: range, by: change, at: place) {
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
        if error != nil {
            self.undo(change, on: range, turning, isPerMapping: isPerMapping, keepsCounts: isForced && isFinal)
        }

        self.lock.lock()
        self.claims.remove(claimed)
        if change < 0 { self.noteEmptiness() }
        if self.waiterCount > 0 { self.released.broadcast() }
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

    /// Makes the change in the account if it turns the flags of all pages and one look at the tree tells so, which is usual
    /// with `eager`. False, and nothing changed, otherwise.
    @inline(always)
    private func turnAll(of range: PageRange, by change: Int32, at place: PageCounts.Place) -> Bool {
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
    private func addMark(_ range: PageRange, at place: PageCounts.Place) throws(Errno) -> PageRange? {
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
    private func boundCount() throws(Errno) {
        guard self.countBound >= Self.countMax else { return }
        self.moveExactMarksIntoTree()
        self.countBound = self.counts.highestCount
        if self.countBound >= Self.countMax { throw .noMemory }
    }

    /// Makes room for one more mark, and for the end of every mark.
    @inline(__always)
    private func reserveForMark() throws(Errno) {
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
    private func removeMark(_ range: PageRange, at place: PageCounts.Place) throws(Errno) -> PageRange? {
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

    /// Changes the range that was changed last without a look at the tree, if it can be. Under the lock.
    @inline(__always)
    private func countRecent(_ range: PageRange, by change: Int32) -> Bool {
        guard change < 0 || self.countBound < Self.countMax,
            self.exact.changeRecent(range, by: change, generation: self.generation)
        else { return false }
        if change > 0 { self.countBound &+= 1 }
        return true
    }

    /// Changes the account without a look at the tree, if it can be. Under the lock.
    @inline(__always)
    private func countAgain(_ range: PageRange, by change: Int32) -> Bool {
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
    private func addExactly(_ range: PageRange, isCovered: Bool) {
        self.exact.add(range, coveredIn: isCovered ? self.generation : self.generation &- 1)
        self.countBound += 1
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
    private func commit(_ change: Int32, on range: PageRange, at place: PageCounts.Place) {
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
    private func noteEmptiness() {
        guard self.isEmptyLocked, self.claims.count == 0 else { return }
        self.treeMarkCount = 0
        self.countBound = 0
        self.generation &+= 1
        self.counts.compact(to: self.kernel)
        self.exact.compact(to: self.kernel)
    }

    /// The documented error for what the kernel said.
    private static func documented(_ error: Errno) -> Errno {
        // madvise says EAGAIN when no mapping can be split.
        error == .wouldBlock ? .noMemory : error
    }
}
