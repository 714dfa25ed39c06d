/// The statistics that a segment keeps of itself, in the order in which they lie there. At most 64.
package enum SegmentCounter: Int, Sendable, CaseIterable {
    case regionsRegistered
    case regionsDeregistered
    /// Completions that found their ring full.
    case completionOverruns
    /// Locks whose holder died.
    case locksRecovered
}
