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
    internal let lock = Lock()
    /// Told whenever a claim or a fork ends.
    internal let released = ConditionVariable()
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
    package func mark(_ range: PageRange, isKnownMapped: Bool = false) throws(Errno) {
        try self.change(range, by: 1, isKnownMapped: isKnownMapped)
    }

    /// Takes one mark away from each page of `range`, which need not be a range that was marked as a whole.
    ///
    /// - Throws: `EINVAL` when a page of the range has no mark; `ENOMEM` when there is no memory for the account, which
    ///   cannot be when the range was marked as a whole, or no mapping to split. Nothing has changed then.
    package func unmark(_ range: PageRange) throws(Errno) {
        try self.change(range, by: -1, isKnownMapped: true)
    }

    /// The same for the end of a registration, which must not fail: when the kernel cannot clear the flags now, the count
    /// goes down nevertheless, and the flags are cleared by a later call.
    package func unmarkForcibly(_ range: PageRange) {
        do {
            try self.change(range, by: -1, isKnownMapped: true, isForced: true)
        } catch {
            // Somebody took away marks that were not theirs, through `mark_nocopy`: nothing is left to take.
        }
    }

    /// The number of marks on the page at `address`.
    package func count(at address: UInt) -> Int32 {
        self.adoptInChild()
        return self.lock.withLock { self.counts.count(at: address) }
    }

    /// Whether no page has a mark.
    package var isEmpty: Bool {
        self.adoptInChild()
        return self.lock.withLock { self.counts.isEmpty }
    }

    /// Changes in every forked child, where marks made before are gone.
    package var epoch: UInt32 {
        self.adoptInChild()
        return self.lock.withLock { self.epochStorage }
    }

    /// Calls `body` with each longest run of pages that have marks, in the order of addresses, under the lock.
    package func forEachMarkedRun(_ body: (PageRange) -> Void) {
        self.adoptInChild()
        self.lock.withLock {
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
    /// Adds `change`, 1 or -1, to the count of each page of `range`, and makes the kernel's flags follow.
    private func change(
        _ range: PageRange,
        by change: Int32,
        isKnownMapped: Bool,
        isForced: Bool = false
    ) throws(Errno) {
        self.adoptInChild()
        var reach = Reach(named: range)
        while true {
            self.lock.lock()
            self.waitUntilFree(reach.claimed)
            if self.damage != nil { self.healDamage() }
            if let error = self.obstacle(to: change, on: range) {
                self.lock.unlock()
                throw error
            }
            let needsKernel = self.needsKernel(for: change, on: range, isKnownMapped: isKnownMapped)
            if !needsKernel {
                self.commit(change, on: range)
                self.lock.unlock()
                return
            }
            guard self.budgetAllows(change) else {
                self.lock.unlock()
                MappingWarning.tell(limit: self.kernel.mappingLimit)
                throw .noMemory
            }
            self.claims.insert(reach.claimed)
            self.lock.unlock()

            let error = self.apply(change, to: reach)

            self.lock.lock()
            self.claims.remove(reach.claimed)
            let isFinal = error != .invalidArgument || reach.isPerMapping
            if error == nil || isForced && isFinal { self.commit(change, on: range) }
            if error != nil, isForced, isFinal { self.noteDamage(reach.claimed) }
            if self.waiterCount > 0 { self.released.broadcast() }
            self.lock.unlock()
            guard let error, !isFinal || !isForced else { return }
            if isFinal { throw Self.documented(error) }
            // An end cuts a huge page, or device memory is in the way: once more, with care.
            reach = Reach(named: range, claimed: self.widened(range))
        }
    }

    /// Sleeps until no other call is in the kernel with a page of `range`, and no fork is under way.
    private func waitUntilFree(_ range: PageRange) {
        while self.isForking || self.claims.isFull || self.claims.overlaps(range) {
            self.waiterCount += 1
            self.released.wait(for: self.lock)
            self.waiterCount -= 1
        }
    }

    /// Why the change cannot be made, if so. Makes room in the account when it can.
    private func obstacle(to change: Int32, on range: PageRange) -> Errno? {
        if change < 0 {
            if self.counts.firstPage(of: range, withCountAtMost: 0) != nil { return .invalidArgument }
        } else if self.countBound >= Self.countMax {
            self.countBound = self.counts.highestCount
            if self.countBound >= Self.countMax { return .noMemory }
        }
        // Every mark needs at most two steps, so a range that was marked as a whole can always be unmarked.
        let stepCountMax = max(self.counts.stepCount, 2 * self.outstandingMarkCount) + 2 * (self.claims.count + 1)
        return self.counts.reserve(stepCountMax: stepCountMax, from: self.kernel) ? nil : .noMemory
    }

    /// Whether the change turns a flag, or must ask whether the range is mapped.
    private func needsKernel(for change: Int32, on range: PageRange, isKnownMapped: Bool) -> Bool {
        switch self.policy {
        case .eager: self.counts.firstPage(of: range, withCountAtMost: change > 0 ? 0 : 1) != nil
        case .atFork, .off: !isKnownMapped && self.counts.firstPage(of: range, withCountAtMost: 0) != nil
        }
    }

    private func budgetAllows(_ change: Int32) -> Bool {
        guard self.policy == .eager else { return true }
        if change > 0 { return self.budget.take(2, from: self.kernel) }
        self.budget.noteRelease(splitCount: 2)
        return true
    }

    private func commit(_ change: Int32, on range: PageRange) {
        self.counts.add(change, to: range)
        if change > 0 {
            self.countBound += 1
            self.outstandingMarkCount += 1
        } else {
            self.outstandingMarkCount = max(0, self.outstandingMarkCount - 1)
            if self.counts.isEmpty { self.becomeEmpty() }
        }
    }

    /// Gives memory back when the last mark is gone, if it is more than a program that registers little ever needs.
    private func becomeEmpty() {
        self.outstandingMarkCount = 0
        self.countBound = 0
        if self.claims.count == 0 { self.counts.compact(to: self.kernel) }
    }

    /// The documented error for what the kernel said.
    private static func documented(_ error: Errno) -> Errno {
        // madvise says EAGAIN when no mapping can be split.
        error == .wouldBlock ? .noMemory : error
    }
}
