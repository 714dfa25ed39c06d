/// What happened to a requester. Each wraps.
package struct RequesterCounters: Hashable, Sendable {
    /// Acknowledges and responses of what is done already, or of what was never sent.
    package var stale: UInt64 = 0
    /// Packets that do not fit the request that they answer.
    package var invalid: UInt64 = 0
    package var sequenceNAKs: UInt64 = 0
    /// Responses that show an earlier one lost.
    package var impliedNAKs: UInt64 = 0
    package var rnrNAKs: UInt64 = 0
    package var timeouts: UInt64 = 0
    /// Packets sent again before the timeout, because the silence was long for this path.
    package var probes: UInt64 = 0
    /// Reports of a congested network, while something was under way.
    package var congestionMarks: UInt64 = 0
    /// Packets sent again.
    package var retransmittedPackets: UInt64 = 0

    package init() {}
}
