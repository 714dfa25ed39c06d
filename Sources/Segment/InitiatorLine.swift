/// Where a process says, in the segment of another one, that it is working there. A view over 64 bytes, which only that
/// process writes.
///
/// | Bytes | Contents                                                             |
/// |-------|----------------------------------------------------------------------|
/// | 0-7   | sequence: odd while the process works on the segment                 |
/// | 8-15  | when the process started, so that its line is not taken for another's |
/// | 16-19 | how often a process with this block has attached itself               |
///
/// This is what the owner waits for before it takes something away: it changes the entry, and then waits until every
/// process that was inside at that moment has been outside. Nothing is counted, so a process that dies inside leaves
/// nothing to repair, and an access costs no write to a line that others write.
@safe
public struct InitiatorLine {
    public let sequence: SharedUInt64
    public let incarnation: SharedUInt64
    internal let attachment: SharedUInt32

    @unsafe
    internal init(at base: UnsafeMutableRawPointer) {
        unsafe self.sequence = SharedUInt64(at: base)
        unsafe self.incarnation = SharedUInt64(at: base + 8)
        unsafe self.attachment = SharedUInt32(at: base + 16)
    }

    /// The line of the process that has this block of QPNs.
    @unsafe
    internal init(block: UInt32, segmentBase: UnsafeMutableRawPointer) {
        // SAFETY: the mask keeps the index inside the table.
        let index = Int(block) & (SegmentLayout.initiatorCount - 1)
        unsafe self.init(at: segmentBase + SegmentLayout.initiatorsOffset + index * SegmentLayout.initiatorByteCount)
    }

    /// The process begins to work on the segment. Before it reads anything there, `fullFence` must follow.
    @inlinable @inline(always)
    public func enter() {
        self.sequence.storeRelaxed(self.sequence.relaxed | 1)
    }

    /// The process has read and written what it wanted.
    @inlinable @inline(always)
    public func leave() {
        self.sequence.storeReleasing((self.sequence.relaxed | 1) &+ 1)
    }
}

// SAFETY: both words are reached through atomics.
extension InitiatorLine: @unchecked Sendable {}
