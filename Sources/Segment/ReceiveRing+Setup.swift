package import SystemIO

// MARK: - Making and freeing

extension ReceiveRing {
    /// Makes an empty ring in the segment of this process.
    ///
    /// - Parameters:
    ///   - capacity: At least 1; rounded up to a power of two.
    ///   - scatterMax: Elements that a request may have.
    ///   - isShared: Whether several queue pairs take from it.
    /// - Throws: `ENOMEM`.
    package init(in segment: ProcessSegment, capacity: Int, scatterMax: Int, isShared: Bool = false) throws(Errno) {
        let rounded = CompletionRing.roundedCapacity(capacity)
        let index = try segment.allocateReceiveSlot()
        self.init(in: segment.view, index: index)
        do throws(Errno) {
            let byteCount = rounded * Self.requestByteCount(scatterMax: scatterMax)
            let extent = try segment.allocateExtent(byteCount: byteCount)
            self.reset(Geometry(rounded, at: extent), scatterMax: scatterMax)
            self.sharedWord.storeRelaxed(isShared ? 1 : 0)
        } catch {
            segment.freeReceiveSlot(index)
            throw error
        }
    }

    /// Gives the memory back. Nobody may use the ring any more.
    package func close(in segment: ProcessSegment) {
        segment.freeExtent(self.extent(of: self.geometry))
        segment.freeReceiveSlot(self.index)
    }

    private func reset(_ geometry: Geometry, scatterMax: Int) {
        // A slot that was used before is used again: nothing of its last life may stay.
        unsafe self.head.initializeMemory(as: UInt8.self, repeating: 0, count: SegmentLayout.receiveEntryByteCount)
        self.geometry = geometry
        self.scatterMaxWord.storeRelaxed(UInt32(scatterMax))
    }

    private func extent(of geometry: Geometry) -> Extent {
        let page = SegmentLayout.pageByteCount
        let byteCount = Int(geometry.capacity) * Self.requestByteCount(scatterMax: self.scatterMax)
        return Extent(byteOffset: geometry.byteOffset, byteCount: (byteCount + page - 1) / page * page)
    }
}

extension ReceiveRing.Geometry {
    fileprivate init(_ capacity: Int, at extent: Extent) {
        self.word = UInt64(extent.byteOffset / SegmentLayout.pageByteCount) << 32 | UInt64(capacity)
    }
}

// MARK: - Changing

extension ReceiveRing {
    /// Forgets all requests, as the reset of a queue pair does.
    package func removeAll() {
        guard self.acquireTaking() else { return }
        self.taken.storeReleasing(self.posted.acquired)
        self.takeLock.unlock()
    }

    /// Changes the capacity of a shared receive queue, and keeps what is queued.
    ///
    /// - Throws: `EINVAL` when more requests are queued than would fit; `ENOMEM`.
    package func resize(to capacity: Int, in segment: ProcessSegment) throws(Errno) {
        precondition(self.sharedWord.relaxed != 0, "takers without a lock may be reading the old pages")
        let rounded = CompletionRing.roundedCapacity(capacity)
        let byteCount = rounded * Self.requestByteCount(scatterMax: self.scatterMax)
        let extent = try segment.allocateExtent(byteCount: byteCount)
        guard self.move(to: Geometry(rounded, at: extent), unlessMoreThan: capacity, in: segment) else {
            segment.freeExtent(extent)
            throw .invalidArgument
        }
    }

    private func move(to new: Geometry, unlessMoreThan limit: Int, in segment: ProcessSegment) -> Bool {
        self.postLock.lock()
        defer { self.postLock.unlock() }
        guard self.acquireTaking() else { return false }
        let old = self.geometry
        let first = self.taken.relaxed
        let end = self.posted.relaxed
        guard end &- first <= UInt64(limit) else {
            self.takeLock.unlock()
            return false
        }
        let byteCount = Self.requestByteCount(scatterMax: self.scatterMax)
        var index = first
        while index != end {
            unsafe self.slot(index, in: new).copyMemory(from: self.slot(index, in: old), byteCount: byteCount)
            index &+= 1
        }
        self.geometry = new
        self.takeLock.unlock()
        segment.freeExtent(self.extent(of: old))
        return true
    }
}
