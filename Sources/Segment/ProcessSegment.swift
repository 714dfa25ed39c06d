package import SystemIO

/// The memory of one process that other processes may touch: the memory table, queue pairs, and the rings of completion
/// and receive queues.
///
/// It owns the mapping and hands out entries of the tables and pages for the rings. It contains no pointers: everything
/// in it is an offset from its start. What the entries mean is left to their views.
package final class ProcessSegment {
    package let mapping: SharedMapping
    package let layout: SegmentLayout
    package let view: SegmentView
    package let header: SegmentHeader
    package let memory: MemoryTable
    package let queuePairs: QueuePairTable
    /// Which processes live.
    package let liveness = ProcessLiveness()

    /// Threads of this process that put payloads in place.
    package let placers = Placers()

    // SAFETY: what follows is read and written under `lock` only.
    internal let lock = Lock()
    internal var freeExtents: FreeExtents
    internal var freeCompletions: FreeSlots
    internal var freeReceives: FreeSlots
    internal var freeMemory = FreeMemorySlots()
    /// Slots of the memory table that hold windows, bound or not.
    internal var windowSlots: Set<UInt32> = []

    /// Makes the segment of this process, as large as the address space lets it be.
    ///
    /// - Throws: `ENOMEM` when not even the smallest fits, `EMFILE`.
    package convenience init(name: String = "verbena") throws(Errno) {
        var failure = Errno.noMemory
        for layout in SegmentLayout.candidates {
            do throws(Errno) {
                try self.init(name: name, layout: layout)
                return
            } catch {
                failure = error
            }
        }
        throw failure
    }

    package init(name: String = "verbena", layout: SegmentLayout) throws(Errno) {
        self.mapping = try SharedMapping(name: name, byteCount: layout.byteCount)
        self.layout = layout
        // SAFETY: the mapping is a stored property and lives as long as every view of it here.
        let header = unsafe SegmentHeader(at: self.mapping.base)
        let secret = (Random.uint64, Random.uint64)
        header.initialize(layout, processID: UInt32(bitPattern: ProcessIdentity.pid), secret: secret)
        try header.initializeLocks()
        unsafe self.view = SegmentView(
            base: self.mapping.base,
            layout: layout,
            holder: .owner,
            liveness: .passUnretained(self.liveness)
        )
        self.header = header
        self.memory = self.view.memory
        self.queuePairs = self.view.queuePairs
        self.freeExtents = FreeExtents(
            Extent(byteOffset: layout.extentsOffset, byteCount: layout.byteCount - layout.extentsOffset)
        )
        self.freeCompletions = FreeSlots(count: layout.completionCount)
        self.freeReceives = FreeSlots(count: layout.receiveCount)
    }
}

// SAFETY: the views are atomic, and the bookkeeping is guarded by `lock`.
extension ProcessSegment: @unchecked Sendable {}

// MARK: - Addresses

extension ProcessSegment {
    /// Whether an address of this process lies in the segment.
    package func contains(address: UInt64) -> Bool {
        address &- self.header.ownerAddress.relaxed < UInt64(self.layout.byteCount)
    }
}

// MARK: - Memory for the parts

extension ProcessSegment {
    /// The byte at `offset` from the start.
    // SAFETY: callers stay inside the part that they were given, for as long as it is theirs.
    @unsafe
    internal func address(_ offset: Int) -> UnsafeMutableRawPointer {
        unsafe self.mapping.base + offset
    }

    /// Pages for a ring or for device memory, zero-filled.
    ///
    /// - Throws: `ENOMEM`.
    package func allocateExtent(byteCount: Int) throws(Errno) -> Extent {
        try self.lock.withLock { () throws(Errno) in try self.freeExtents.allocate(byteCount: byteCount) }
    }

    /// Takes pages back and returns their memory to the kernel.
    package func freeExtent(_ extent: Extent) {
        // Before anyone else can be given them.
        self.mapping.discard(byteOffset: extent.byteOffset, byteCount: extent.byteCount)
        self.lock.withLock { self.freeExtents.free(extent) }
    }

    /// - Throws: `ENOMEM` when all are in use.
    internal func allocateCompletionSlot() throws(Errno) -> Int {
        guard let index = self.lock.withLock({ self.freeCompletions.allocate() }) else { throw .noMemory }
        return index
    }

    internal func freeCompletionSlot(_ index: Int) {
        self.lock.withLock { self.freeCompletions.free(index) }
    }

    /// - Throws: `ENOMEM` when all are in use.
    internal func allocateReceiveSlot() throws(Errno) -> Int {
        guard let index = self.lock.withLock({ self.freeReceives.allocate() }) else { throw .noMemory }
        return index
    }

    internal func freeReceiveSlot(_ index: Int) {
        self.lock.withLock { self.freeReceives.free(index) }
    }

    /// Bytes that rings could still take.
    package var freeByteCount: Int { self.lock.withLock { self.freeExtents.freeByteCount } }
}
