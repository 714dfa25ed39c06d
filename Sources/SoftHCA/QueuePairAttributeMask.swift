/// Which attributes a call names. Raw values are those of `ibv_qp_attr_mask`.
package struct QueuePairAttributeMask: OptionSet, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    private init(bit: UInt32) {
        self.rawValue = 1 << bit
    }

    package static var state: QueuePairAttributeMask { QueuePairAttributeMask(bit: 0) }
    package static var currentState: QueuePairAttributeMask { QueuePairAttributeMask(bit: 1) }
    package static var enablesDrainedEvent: QueuePairAttributeMask { QueuePairAttributeMask(bit: 2) }
    package static var access: QueuePairAttributeMask { QueuePairAttributeMask(bit: 3) }
    package static var pKeyIndex: QueuePairAttributeMask { QueuePairAttributeMask(bit: 4) }
    package static var port: QueuePairAttributeMask { QueuePairAttributeMask(bit: 5) }
    package static var qKey: QueuePairAttributeMask { QueuePairAttributeMask(bit: 6) }
    package static var addressVector: QueuePairAttributeMask { QueuePairAttributeMask(bit: 7) }
    package static var pathMTU: QueuePairAttributeMask { QueuePairAttributeMask(bit: 8) }
    package static var timeout: QueuePairAttributeMask { QueuePairAttributeMask(bit: 9) }
    package static var retryCount: QueuePairAttributeMask { QueuePairAttributeMask(bit: 10) }
    package static var rnrRetryCount: QueuePairAttributeMask { QueuePairAttributeMask(bit: 11) }
    package static var receivePSN: QueuePairAttributeMask { QueuePairAttributeMask(bit: 12) }
    package static var readsMax: QueuePairAttributeMask { QueuePairAttributeMask(bit: 13) }
    package static var alternatePath: QueuePairAttributeMask { QueuePairAttributeMask(bit: 14) }
    package static var rnrTimer: QueuePairAttributeMask { QueuePairAttributeMask(bit: 15) }
    package static var sendPSN: QueuePairAttributeMask { QueuePairAttributeMask(bit: 16) }
    package static var readsMaxDestination: QueuePairAttributeMask { QueuePairAttributeMask(bit: 17) }
    package static var pathMigrationState: QueuePairAttributeMask { QueuePairAttributeMask(bit: 18) }
    package static var capabilities: QueuePairAttributeMask { QueuePairAttributeMask(bit: 19) }
    package static var destinationQP: QueuePairAttributeMask { QueuePairAttributeMask(bit: 20) }
    package static var rateLimit: QueuePairAttributeMask { QueuePairAttributeMask(bit: 25) }
}
