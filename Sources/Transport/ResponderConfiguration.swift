package import Wire

/// What a responder has to know of its connection. Whether the queue pair allows WRITE, READ and atomics is not here:
/// the host's checks know it.
package struct ResponderConfiguration: Sendable {
    package var pathMTU: PathMTU
    /// `min_rnr_timer`: how long the requester shall wait when no receive request is there.
    package var rnrTimer = RNRTimer(truncating: 12)
    /// `max_dest_rd_atomic`: how many READs and atomics may wait for their answer, 0 … `RequesterConfiguration.readsLimit`.
    package var readsMax: Int = 1

    package init(pathMTU: PathMTU) {
        self.pathMTU = pathMTU
    }
}
