/// Tells whether the process that had a block of QPNs, and started at some time, is alive. The registry knows; the engine says how
/// to ask it.
package final class ProcessLiveness {
    // SAFETY: set once by the engine, before the segment is shared.
    package var isAlive: (@Sendable (_ block: UInt32, _ incarnation: UInt64) -> Bool)?

    package init() {}
}

// SAFETY: see `isAlive`.
extension ProcessLiveness: @unchecked Sendable {}
