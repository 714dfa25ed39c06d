/// The statistics that a segment keeps of itself, in the order in which they lie there. At most 64.
public enum SegmentCounter: Int, Sendable, CaseIterable {
    case regionsRegistered
    case regionsDeregistered
    /// Completions that found their ring full.
    case completionOverruns
    /// Locks whose holder died.
    case locksRecovered
    /// Connections, and datagram receivers' processes, by the way that was chosen, and why.
    case directPaths
    case wirePathsByPolicy
    case wirePathsToOtherHosts
    case wirePathsForbidden
    case wirePathsByLayout
    case wirePathsToAbsent
    /// Requests that were executed on a peer's memory.
    case directRequests
    case directBytes
    case wirePathsToOtherNamespaces
}
