package import Segment

/// The attributes of a queue pair: `ibv_qp_attr`. Which of them count in a call is said by a ``QueuePairAttributeMask``.
///
/// Enumerations stay raw here, because a C caller may pass any number; `QueuePair.modify` checks them.
package struct QueuePairAttributes: Sendable {
    package var state: UInt32 = 0
    package var currentState: UInt32 = 0
    /// The code of `ibv_mtu`: 1 for 256 bytes to 5 for 4096.
    package var pathMTU: UInt32 = 0
    package var pathMigrationState: UInt32 = 0
    package var qKey: UInt32 = 0
    package var receivePSN: UInt32 = 0
    package var sendPSN: UInt32 = 0
    package var destinationQP: UInt32 = 0
    package var access: AccessFlags = []
    package var capabilities = QueuePairCapabilities()
    package var primaryPath = AddressAttributes()
    package var alternatePath = AddressAttributes()
    package var pKeyIndex: UInt16 = 0
    package var alternatePKeyIndex: UInt16 = 0
    package var enablesDrainedEvent = false
    package var isSendDraining = false
    /// READs and atomics under way as requester (`max_rd_atomic`).
    package var readsMax: UInt8 = 0
    /// READs and atomics under way as responder (`max_dest_rd_atomic`).
    package var readsMaxDestination: UInt8 = 0
    /// The 5-bit code of IBTA table 45 (`min_rnr_timer`).
    package var rnrTimer: UInt8 = 0
    package var port: UInt8 = 0
    /// The local ACK timeout is 4.096 us * 2^timeout; 0 waits for ever.
    package var timeout: UInt8 = 0
    package var retryCount: UInt8 = 0
    /// 7 retries for ever.
    package var rnrRetryCount: UInt8 = 0
    package var alternatePort: UInt8 = 0
    package var alternateTimeout: UInt8 = 0
    /// Kilobits a second; 0 is no limit.
    package var rateLimit: UInt32 = 0

    package init() {}
}
