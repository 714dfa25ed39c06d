/// What a process still has to do for the steering of all.
internal struct RepairState {
    /// An index that a probe told, and that could not be entered yet because another process held the guard.
    var pending: Pending?
    /// When a round that this process began ends, on the monotonic clock; whoever has not answered by then stays where
    /// bookkeeping has him.
    var roundDeadlineNanoseconds: UInt64?
    /// Whether a stray datagram showed that the table may be wrong.
    var isRequested = false

    struct Pending {
        var round: UInt32
        var index: UInt32
    }

    var isIdle: Bool { self.pending == nil && self.roundDeadlineNanoseconds == nil && !self.isRequested }
}
