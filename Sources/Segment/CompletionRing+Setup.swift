package import SystemIO

// MARK: - Making and freeing

extension CompletionRing {
    /// Makes an empty ring in the segment of this process.
    ///
    /// - Parameter capacity: At least 1; rounded up to a power of two.
    /// - Throws: `ENOMEM`.
    package init(in segment: ProcessSegment, capacity: Int) throws(Errno) {
        let rounded = Self.roundedCapacity(capacity)
        let index = try segment.allocateCompletionSlot()
        self.init(in: segment.view, index: index)
        do throws(Errno) {
            let extent = try segment.allocateExtent(byteCount: rounded * Self.entryByteCount)
            self.reset(Geometry(rounded, at: extent))
        } catch {
            segment.freeCompletionSlot(index)
            throw error
        }
    }

    /// Gives the memory back. Nobody may use the ring any more.
    package func close(in segment: ProcessSegment) {
        segment.freeExtent(self.geometry.extent)
        segment.freeCompletionSlot(self.index)
    }

    package static func roundedCapacity(_ capacity: Int) -> Int {
        precondition(capacity > 0 && capacity <= 1 << 30, "the caller checks the limits")
        return 1 << (Int.bitWidth - (capacity - 1).leadingZeroBitCount)
    }

    private func reset(_ geometry: Geometry) {
        // A slot that was used before is used again: nothing of its last life may stay.
        unsafe self.head.initializeMemory(
            as: UInt8.self,
            repeating: 0,
            count: SegmentLayout.completionEntryByteCount
        )
        self.geometry = geometry
    }
}

extension CompletionRing.Geometry {
    fileprivate init(_ capacity: Int, at extent: Extent) {
        self.word = UInt64(extent.byteOffset / SegmentLayout.pageByteCount) << 32 | UInt64(capacity)
    }
}

// MARK: - Changing

extension CompletionRing {
    /// Changes the capacity and keeps what is queued.
    ///
    /// - Throws: `EINVAL` when more completions are queued than would fit; `ENOMEM`.
    package func resize(to capacity: Int, in segment: ProcessSegment) throws(Errno) {
        let rounded = Self.roundedCapacity(capacity)
        let extent = try segment.allocateExtent(byteCount: rounded * Self.entryByteCount)
        guard self.move(to: Geometry(rounded, at: extent), unlessMoreThan: capacity, in: segment) else {
            segment.freeExtent(extent)
            throw .invalidArgument
        }
    }

    private func move(to new: Geometry, unlessMoreThan limit: Int, in segment: ProcessSegment) -> Bool {
        self.consumerLock.lock()
        defer { self.consumerLock.unlock() }
        guard self.acquireProducing() else { return false }
        let old = self.geometry
        let first = self.consumed.relaxed
        let end = self.produced.relaxed
        guard end &- first <= UInt64(limit) else {
            self.producerLock.unlock()
            return false
        }
        var index = first
        while index != end {
            unsafe self.slot(index, in: new).pointee = self.slot(index, in: old).pointee
            index &+= 1
        }
        self.geometry = new
        self.producerLock.unlock()
        // Whoever looks without a lock may still look at the old place for a moment: it stays mapped, and reads as empty.
        segment.freeExtent(old.extent)
        return true
    }

    /// Removes the completions of a queue pair that is reset or destroyed, and keeps the order of the others.
    package func removeCompletions(ofQueuePair number: UInt32) {
        self.consumerLock.lock()
        defer { self.consumerLock.unlock() }
        guard self.acquireProducing() else { return }
        defer { self.producerLock.unlock() }
        let geometry = self.geometry
        let first = self.consumed.relaxed
        // From the newest to the oldest, so that the places that become free are the oldest.
        var source = self.produced.relaxed
        var target = source
        while source != first {
            source &-= 1
            let isKept = unsafe self.slot(source, in: geometry).pointee.qpNumber != number
            guard isKept else { continue }
            target &-= 1
            unsafe self.slot(target, in: geometry).pointee = self.slot(source, in: geometry).pointee
            self.sequence(target, in: geometry).storeReleasing(UInt32(truncatingIfNeeded: target &+ 1))
        }
        self.consumed.storeReleasing(target)
    }
}
