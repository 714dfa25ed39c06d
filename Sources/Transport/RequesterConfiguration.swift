/// What a requester has to know of its connection. The values come from the attributes of the queue pair.
package struct RequesterConfiguration: Sendable {
    package var pathMTU: PathMTU
    /// `retry_cnt`: how often in a row a request is sent again without an answer, 0 … 7. Seven means seven.
    package var retryCount: UInt8 = 7
    /// `rnr_retry`: how often in a row a request is sent again after "receiver not ready", 0 … 7. Seven means endlessly.
    package var rnrRetryCount: UInt8 = 7
    /// Time without progress after which everything unacknowledged is sent again; 0 is never.
    package var ackTimeoutNanoseconds: UInt64 = 0
    /// The shortest silence after which the oldest packet is sent once more; with a shorter timeout, that comes first. A
    /// peer that has to wait for a processor must not look like a loss.
    package var probeNanosecondsMin: UInt64 = 1_000_000
    /// `max_rd_atomic`: how many READs and atomics may be unanswered, 0 … `readsLimit`. With 0 none can be sent.
    package var readsMax: Int = 1
    /// How many packets may be unacknowledged, 1 … `windowLimit`.
    package var windowPackets: UInt32 = 128
    /// How many payload bytes may be unacknowledged; at least one packet always may. What the peer's socket cannot
    /// buffer is lost, so a driver whose own socket got a small buffer should expect the same of the peer.
    package var windowBytes: UInt32 = 1 << 19
    /// How many packets may follow each other without a request for an acknowledge, 1 … 64.
    package var ackRequestInterval: UInt32 = 32
    /// A longer READ is asked for in parts of this many packets, or of half the window if that is less, so that its
    /// answers have a window too. A power of two, 1 … `windowLimit`.
    package var readRequestPackets: UInt32 = 128

    package init(pathMTU: PathMTU) {
        self.pathMTU = pathMTU
    }
}

extension RequesterConfiguration {
    /// The most READs and atomics that either side keeps state for.
    package static var readsLimit: Int { 128 }
    /// Far below half of the PSN space, which no window may exceed.
    package static var windowLimit: UInt32 { 1 << 16 }
    /// The `rnrRetryCount` that never runs out.
    package static var rnrRetryEndless: UInt8 { 7 }
}
