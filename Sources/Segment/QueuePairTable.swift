public import SystemIO

/// The queue pairs of one process. The low 14 bits of a QPN are the index of its entry, so nothing is searched.
@safe
public struct QueuePairTable {
    // SAFETY: `SegmentLayout.queuePairCount` entries in a mapping that outlives the view.
    @usableFromInline internal let entries: UnsafeMutableRawPointer

    @unsafe
    internal init(entries: UnsafeMutableRawPointer) {
        unsafe self.entries = entries
    }

    /// The place of a queue pair, whether or not it is there.
    @inlinable @inline(always)
    public func slot(_ number: UInt32) -> QueuePairEntry {
        let index = Int(number) & (SegmentLayout.queuePairCount - 1)
        return unsafe QueuePairEntry(at: self.entries + index * SegmentLayout.queuePairEntryByteCount)
    }

    /// Takes the entry of a QPN and zeroes it. For the owner of the segment only.
    ///
    /// - Throws: `ENOMEM` when a queue pair whose number ends in the same 14 bits holds the entry: take another number.
    public func allocate(number: UInt32) throws(Errno) -> QueuePairEntry {
        precondition(number != 0, "0 marks a free entry")
        let entry = self.slot(number)
        guard entry.number.replace(0, with: number) else { throw .noMemory }
        entry.clear()
        do throws(Errno) {
            try entry.deliveryLock.initialize()
        } catch {
            entry.number.storeReleasing(0)
            throw error
        }
        return entry
    }

    /// Gives an entry back. Nobody finds it from now on.
    public func free(_ entry: QueuePairEntry) {
        entry.state.storeRelaxed(0)
        entry.number.storeReleasing(0)
    }

    /// The entry of a queue pair, or `nil` when there is none of this number.
    @inlinable @inline(always)
    public func find(number: UInt32) -> QueuePairEntry? {
        let entry = self.slot(number)
        return number != 0 && entry.number.acquired == number ? entry : nil
    }
}

// SAFETY: everything in the table is reached through atomics.
extension QueuePairTable: @unchecked Sendable {}
