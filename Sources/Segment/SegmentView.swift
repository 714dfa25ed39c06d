/// The parts of a segment, of this process or of another one, as whoever works on it sees them.
///
/// Another process may write anything there: indices that it brings are checked before they are used.
@safe
public struct SegmentView {
    // SAFETY: start of a mapping of `layout.byteCount` bytes that outlives the view.
    @usableFromInline internal let base: UnsafeMutableRawPointer
    public let layout: SegmentLayout
    public let header: SegmentHeader
    /// Who works on the segment through this view.
    internal let holder: SegmentHolder
    // SAFETY: whoever has the mapping keeps it.
    internal let liveness: Unmanaged<ProcessLiveness>
    public let memory: MemoryTable
    public let queuePairs: QueuePairTable

    @unsafe
    internal init(
        base: UnsafeMutableRawPointer,
        layout: SegmentLayout,
        holder: SegmentHolder,
        liveness: Unmanaged<ProcessLiveness>
    ) {
        unsafe self.base = base
        self.layout = layout
        self.holder = holder
        unsafe self.liveness = liveness
        unsafe self.header = SegmentHeader(at: base)
        unsafe self.memory = MemoryTable(
            entries: base + layout.memoryOffset,
            count: layout.memoryCount,
            cipher: KeyCipher(secret: self.header.secret)
        )
        unsafe self.queuePairs = QueuePairTable(entries: base + layout.queuePairsOffset)
    }
}

// SAFETY: the views are atomic, or guarded by locks in the segment.
extension SegmentView: @unchecked Sendable {}

extension SegmentView {
    /// The completion ring with this place in the table; `nil` outside the table.
    public func completionRing(at index: UInt32) -> CompletionRing? {
        guard index < self.layout.completionCount else { return nil }
        return CompletionRing(in: self, index: Int(index))
    }

    /// The receive ring with this place in the table; `nil` outside the table.
    public func receiveRing(at index: UInt32) -> ReceiveRing? {
        guard index < self.layout.receiveCount else { return nil }
        return ReceiveRing(in: self, index: Int(index))
    }

    /// The line of the process that has this block of QPNs.
    public func initiator(_ block: UInt32) -> InitiatorLine {
        unsafe InitiatorLine(block: block, segmentBase: self.base)
    }

    /// The process that has this block of QPNs will work on the segment.
    ///
    /// - Returns: The view through which it does. The owner, who attaches himself, keeps his own.
    @discardableResult
    public func attach(_ block: UInt32, incarnation: UInt64) -> SegmentView {
        let line = self.initiator(block)
        let attachment = line.attachment.relaxed &+ 1
        line.sequence.storeRelaxed(0)
        line.attachment.storeReleasing(attachment)
        line.incarnation.storeReleasing(incarnation)
        self.header.initiators(Int(block) / 64).set(1 << UInt64(block & 63))
        let holder = SegmentHolder(block: block, attachment: attachment)
        return unsafe SegmentView(base: self.base, layout: self.layout, holder: holder, liveness: self.liveness)
    }

    /// The payload arena of a queue pair, of which the entry says where it lies; `nil` when that is nowhere inside.
    public func arena(of entry: QueuePairEntry) -> PayloadArena? {
        let byteOffset = Int(entry.arenaPage.relaxed) * SegmentLayout.pageByteCount
        let byteCount = Int(entry.arenaByteCount.relaxed)
        guard byteCount > 0, byteCount.nonzeroBitCount == 1, byteOffset >= self.layout.extentsOffset,
            byteOffset <= self.layout.byteCount - byteCount
        else { return nil }
        return unsafe PayloadArena(bytes: self.base + byteOffset, byteCount: byteCount, entry: entry)
    }

    /// Where a byte that the owner has at `address` is mapped here, if it lies in the segment's extents.
    @inlinable @inline(always)
    public func local(_ address: UInt64, byteCount: UInt64) -> UnsafeMutableRawPointer? {
        unsafe self.extent(at: address &- self.header.ownerAddress.relaxed, byteCount: byteCount)
    }

    /// What lies at an offset of the segment, if it lies in the extents.
    @inlinable @inline(always)
    public func extent(at offset: UInt64, byteCount: UInt64) -> UnsafeMutableRawPointer? {
        let end = UInt64(self.layout.byteCount)
        guard offset < end, offset >= UInt64(self.layout.extentsOffset), byteCount <= end - offset else { return nil }
        return unsafe self.base + Int(offset)
    }

    /// Asks the owner to look at a queue pair of its own.
    public func requestAttention(queuePair number: UInt32) {
        let index = Int(number) & (SegmentLayout.queuePairCount - 1)
        self.header.attention(index / 64).set(1 << UInt64(index & 63))
        _ = self.header.attention.exchange(1)
    }
}
