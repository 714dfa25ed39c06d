/// After how many completions, or after how long, an armed queue raises its event. See ibv_modify_cq(3).
///
/// It counts and keeps a deadline, and knows neither ring nor clock. Without limits every completion is due at once. Only
/// the first of both limits that is met counts; a limit of 0 is none. The period runs from the first completion that
/// waits.
package struct CompletionModeration: Sendable {
    private let countMax: UInt16
    private let periodNanoseconds: UInt64
    private var waitingCount: UInt16 = 0
    private var hasSolicited = false
    /// When what waits is due, in nanoseconds of the monotonic clock; `nil` when nothing waits, or there is no period.
    package private(set) var deadline: UInt64?

    package init(countMax: UInt16 = 0, periodMicroseconds: UInt16 = 0) {
        self.countMax = countMax
        self.periodNanoseconds = UInt64(periodMicroseconds) * 1_000
    }

    /// Whether completions may have to wait at all.
    package var isActive: Bool { self.countMax > 1 || (self.countMax == 0 && self.periodNanoseconds > 0) }

    /// What becomes of the event for a completion.
    package enum Verdict: Equatable, Sendable {
        case wait
        /// The event is due, for all that has waited.
        case due(isSolicited: Bool)
    }

    /// A completion was appended.
    package mutating func count(isSolicited: Bool, now: UInt64) -> Verdict {
        self.waitingCount += 1
        self.hasSolicited = self.hasSolicited || isSolicited
        if self.countMax > 0, self.waitingCount >= self.countMax { return self.release() }
        if self.deadline == nil, self.periodNanoseconds > 0 { self.deadline = now &+ self.periodNanoseconds }
        return .wait
    }

    /// Time has passed.
    package mutating func handleTimeout(now: UInt64) -> Verdict {
        guard let deadline, deadline <= now else { return .wait }
        return self.release()
    }

    private mutating func release() -> Verdict {
        let isSolicited = self.hasSolicited
        self.waitingCount = 0
        self.hasSolicited = false
        self.deadline = nil
        return .due(isSolicited: isSolicited)
    }
}
