internal import Segment

/// Which way a connection takes, and why.
package enum PathChoice: CaseIterable, Sendable {
    /// The peer is this process, or one of this host that may be reached.
    case direct
    /// `VERBENA_PATH=wire`, here or at the peer.
    case wireByPolicy
    case otherHost
    /// The kernel forbids looking into the peer, or hides it.
    case forbidden
    /// The peer has no segment that this process understands.
    case otherLayout
    /// The number of the peer's process means somebody else here, or nobody.
    case otherNamespace
    /// The peer has just ended.
    case absent

    internal var counter: SegmentCounter {
        switch self {
        case .direct: .directPaths
        case .wireByPolicy: .wirePathsByPolicy
        case .otherHost: .wirePathsToOtherHosts
        case .forbidden: .wirePathsForbidden
        case .otherLayout: .wirePathsByLayout
        case .otherNamespace: .wirePathsToOtherNamespaces
        case .absent: .wirePathsToAbsent
        }
    }

    internal var explanation: String {
        switch self {
        case .direct: "directly"
        case .wireByPolicy: "over the wire, because VERBENA_PATH asks for it here or at the peer"
        case .otherHost: "over the wire: the address is none of this host, or the number none of this user's processes"
        case .forbidden:
            "over the wire, because the kernel forbids copying between the two processes (see `verbena doctor`)"
        case .otherLayout: "over the wire, because the peer is another version of Verbena"
        case .otherNamespace: "over the wire, because the peer is in another PID namespace"
        case .absent: "over the wire, because the peer is gone"
        }
    }
}
