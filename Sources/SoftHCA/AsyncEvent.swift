/// Something that happened to an object, or to the adapter, outside any work request. See ibv_get_async_event(3).
package struct AsyncEvent: Sendable {
    package let type: Kind
    package let source: Source

    package init(_ type: Kind, _ source: Source) {
        self.type = type
        self.source = source
    }

    /// Raw values are those of `ibv_event_type`.
    package enum Kind: UInt32, Sendable {
        case completionQueueError = 0
        case queuePairFatal = 1
        case queuePairRequestError = 2
        case queuePairAccessError = 3
        case communicationEstablished = 4
        case sendQueueDrained = 5
        case deviceFatal = 8
        case portActive = 9
        case portError = 10
        case sharedReceiveQueueError = 14
        case sharedReceiveQueueLimitReached = 15
        case lastRequestReached = 16
        case gidChange = 18
    }

    /// What it happened to.
    package enum Source: Sendable {
        case completionQueue(CompletionQueue)
        case queuePair(QueuePair)
        case sharedReceiveQueue(SharedReceiveQueue)
        case port(UInt8)
        case device
    }

    /// Where its delivery is noted, when it happened to an object.
    internal var account: EventAccount? {
        switch self.source {
        case .completionQueue(let queue): queue.asyncAccount
        case .queuePair(let pair): pair.asyncAccount
        case .sharedReceiveQueue(let queue): queue.asyncAccount
        case .port, .device: nil
        }
    }
}
