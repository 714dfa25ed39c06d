import SystemIO

/// The pages on which registrations begin or end in the middle. What else lies there is not registered: objects of the
/// program, or of this library. The parent keeps such a page to itself, as it must, and the child gets a copy of it.
///
/// Not responsible for the marks, which keep the pages themselves out of children.
internal final class EdgePages: @unchecked Sendable {
    // SAFETY (unchecked): the stored variables are touched under `lock` only, and by the child of a fork, which has one thread.
    private let lock = Lock()
    private let kernel = LinuxMemoryKernel()
    /// How many registrations begin or end in the middle of each page.
    private var counts = PageCounts()
    private var outstandingCount = 0

    deinit {
        self.counts.discardAll(to: self.kernel)
    }
}

// MARK: - Registering

extension EdgePages {
    /// Notes the pages of `pages` that hold bytes beside the `byteCount` ones from `address` on.
    ///
    /// - Returns: What `remove` must be given.
    /// - Throws: `ENOMEM`; nothing has changed then.
    internal func add(_ pages: PageRange, address: UInt, byteCount: UInt) throws(Errno) -> Edges {
        var edges = Edges()
        let size = PageRange.pageByteCount
        if address > pages.lowerBound {
            edges.first = PageRange(lowerBound: pages.lowerBound, upperBound: pages.lowerBound + size)
        }
        let last = PageRange(lowerBound: pages.upperBound - size, upperBound: pages.upperBound)
        if address + byteCount < pages.upperBound, edges.first != last { edges.last = last }
        guard edges != Edges() else { return edges }
        self.lock.lock()
        defer { self.lock.unlock() }
        // Each edge needs two steps, and there must be room for the way back.
        let stepCountMax = max(self.counts.stepCount, 4 * self.outstandingCount) + 4
        guard self.counts.reserve(stepCountMax: stepCountMax, from: self.kernel) else { throw .noMemory }
        self.outstandingCount += 1
        self.change(edges, by: 1)
        return edges
    }

    internal func remove(_ edges: Edges) {
        guard edges != Edges() else { return }
        self.lock.lock()
        defer { self.lock.unlock() }
        self.outstandingCount -= 1
        self.change(edges, by: -1)
        if self.counts.isEmpty { self.counts.compact(to: self.kernel) }
    }

    private func change(_ edges: Edges, by change: Int32) {
        if let first = edges.first { self.counts.add(change, to: first) }
        if let last = edges.last { self.counts.add(change, to: last) }
    }
}

// MARK: - Around a fork

extension EdgePages {
    /// Copies the pages for the child; the last thing before the fork, so that the child finds all locks as they are then.
    internal func prepareForFork() {
        self.lock.lock()
        guard self.counts.stepCount > Self.queriedStepCountMax else { return self.copyByQueries() }
        self.kernel.forEachMapping { mapping in
            self.copyPages(of: mapping)
            return true
        }
    }

    /// With more steps than this, to read the list of all mappings once is cheaper than to ask for each.
    private static var queriedStepCountMax: Int { 32 }

    private func copyByQueries() {
        var address: UInt = 0
        while let run = self.counts.firstMarkedRun(endingAfter: address),
            let mapping = self.kernel.mapping(atOrAbove: max(address, run.lowerBound))
        {
            self.copyPages(of: mapping)
            address = mapping.upperBound
        }
    }

    /// A page of shared memory would be another memory in the child, and a part of a huge page cannot be mapped: these are
    /// left to the parent alone.
    private func copyPages(of mapping: MemoryMapping) {
        guard mapping.isPrivate, mapping.isWritable, mapping.pageByteCount <= PageRange.pageByteCount else { return }
        var address = mapping.lowerBound
        while let run = self.counts.firstMarkedRun(endingAfter: address), run.lowerBound < mapping.upperBound {
            let end = min(run.upperBound, mapping.upperBound)
            address = max(address, run.lowerBound)
            while address < end {
                PageCopies.add(address)
                address += PageRange.pageByteCount
            }
        }
    }

    internal func parentAfterFork() {
        PageCopies.discard()
        self.lock.unlock()
    }

    /// What was registered before is not in the child's account.
    internal func childAfterFork() {
        self.lock.reinitializeAfterFork()
        self.counts.discardAll(to: self.kernel)
        self.outstandingCount = 0
    }
}
