internal import SystemIO

// After how many completions, or after how long, an armed ring raises its event. See ibv_modify_cq(3). Only the first of both
// limits that is met counts; a limit of 0 is none. The period runs from the first completion that waits.
//
// | Bytes   | Contents, all changed under the producers' lock                                          |
// |---------|------------------------------------------------------------------------------------------|
// | 276-279 | 1 (high half) while events wait; after how many completions they come at last (low half) |
// | 280-283 | completions that wait                                                                    |
// | 284-287 | 1 when one of them is solicited                                                          |
// | 288-295 | the period, in nanoseconds                                                               |
// | 296-303 | when the first of them came, in nanoseconds of the monotonic clock                       |

extension CompletionRing {
    private static var activeBit: UInt32 { 1 << 16 }

    @inlinable @inline(always) internal var moderation: SharedUInt32 { unsafe SharedUInt32(at: self.head + 276) }
    private var waitingCount: SharedUInt32 { unsafe SharedUInt32(at: self.head + 280) }
    private var hasSolicited: SharedUInt32 { unsafe SharedUInt32(at: self.head + 284) }
    private var period: SharedUInt64 { unsafe SharedUInt64(at: self.head + 288) }
    private var waitingSince: SharedUInt64 { unsafe SharedUInt64(at: self.head + 296) }

    /// What becomes of the event for a completion.
    @usableFromInline internal enum ModerationVerdict {
        /// The event is due, for all that has waited.
        case due(isSolicited: Bool)
        case wait
        /// As `wait`; and the owner has to know when the period ends.
        case waitFromNowOn
    }

    /// Whether completions may have to wait for their event.
    @inlinable @inline(always) public var isModerated: Bool { self.moderation.relaxed != 0 }

    /// Sets the limits. What waits under the old ones is forgotten: the caller raises its event before. For the owner.
    package func moderate(countMax: UInt16, periodNanoseconds: UInt64) {
        guard self.acquireProducing() else { return }
        let isActive = countMax > 1 || (countMax == 0 && periodNanoseconds > 0)
        self.moderation.storeRelaxed(isActive ? Self.activeBit | UInt32(countMax) : 0)
        self.period.storeRelaxed(periodNanoseconds)
        self.waitingCount.storeRelaxed(0)
        self.hasSolicited.storeRelaxed(0)
        self.producerLock.unlock()
    }

    /// When what waits is due, in nanoseconds of the monotonic clock; `nil` when nothing waits, or there is no period.
    package var moderationDeadline: UInt64? {
        let period = self.period.relaxed
        guard self.isModerated, period > 0, self.waitingCount.relaxed > 0 else { return nil }
        return self.waitingSince.relaxed &+ period
    }

    /// A completion was appended. Under the producers' lock.
    @usableFromInline internal func countForModeration(isSolicited: Bool) -> ModerationVerdict {
        let countMax = self.moderation.relaxed & (Self.activeBit - 1)
        let count = self.waitingCount.relaxed &+ 1
        self.waitingCount.storeRelaxed(count)
        if isSolicited { self.hasSolicited.storeRelaxed(1) }
        if countMax > 0, count >= countMax { return .due(isSolicited: self.release()) }
        guard count == 1, self.period.relaxed > 0 else { return .wait }
        self.waitingSince.storeRelaxed(MonotonicClock.now)
        return .waitFromNowOn
    }

    /// Raises the event of what waits, if its time has come and the ring is armed for it. For the owner.
    ///
    /// - Returns: Whether an event is due now.
    package func endModeration(now: UInt64) -> Bool {
        guard let deadline = self.moderationDeadline, deadline <= now, self.acquireProducing() else { return false }
        defer { self.producerLock.unlock() }
        return self.disarmIfDue(isSolicited: self.release())
    }

    /// - Returns: Whether one of those that waited is solicited.
    private func release() -> Bool {
        let isSolicited = self.hasSolicited.relaxed != 0
        self.waitingCount.storeRelaxed(0)
        self.hasSolicited.storeRelaxed(0)
        return isSolicited
    }
}
