/// A place in the queue of a send queue's requests: how many were there before it, and the slot that it stands on.
struct SlotCursor: BitwiseCopyable, Sendable {
    /// Grows without end.
    private(set) var sequence: UInt64 = 0
    /// 0 ..< capacity.
    private(set) var slot: Int = 0

    mutating func advance(capacity: Int) {
        self.sequence += 1
        self.slot += 1
        if self.slot == capacity { self.slot = 0 }
    }

    func next(capacity: Int) -> SlotCursor {
        var cursor = self
        cursor.advance(capacity: capacity)
        return cursor
    }

    /// The place on `slot`, which is less than a turn away.
    func moved(to slot: Int, capacity: Int) -> SlotCursor {
        var cursor = self
        let distance = slot >= self.slot ? slot - self.slot : slot - self.slot + capacity
        cursor.sequence += UInt64(distance)
        cursor.slot = slot
        return cursor
    }
}
