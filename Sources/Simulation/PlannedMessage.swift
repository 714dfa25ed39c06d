import Transport

/// One request of a workload, and what must come of it.
struct PlannedMessage: Sendable {
    /// What the checker looks at when the request completes.
    enum Expectation: Sendable {
        /// The receiver completed its receive request with this number.
        case received(ordinal: Int)
        /// The pattern stands in the peer's memory.
        case written(offset: Int)
        /// Both.
        case writtenAndReceived(offset: Int, ordinal: Int)
        /// The place is written again by later requests: only the end of the run tells.
        case overwritten
        /// This part of a pattern was read.
        case read(pattern: UInt64, patternOffset: Int)
        /// This stood in the peer's memory before.
        case original(UInt64)
        /// It was executed once on a word that other connections work on too.
        case shared
        /// It ran on this side.
        case local
    }

    var request: SendRequest
    /// The contents of SENDs and WRITEs.
    var pattern: UInt64
    var expectation: Expectation
}
