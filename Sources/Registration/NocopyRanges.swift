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
