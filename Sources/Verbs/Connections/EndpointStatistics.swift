internal import Synchronization

/// What the connections of an endpoint have done so far. Only ever counted up.
public final class EndpointStatistics: Sendable {
    private let counters = Counters()

    private struct Counters: ~Copyable, Sendable {
        let connectionsOpened = Atomic<UInt64>(0)
        let connectionsFailed = Atomic<UInt64>(0)
        let messagesSent = Atomic<UInt64>(0)
        let messagesReceived = Atomic<UInt64>(0)
        let bytesSent = Atomic<UInt64>(0)
        let bytesReceived = Atomic<UInt64>(0)
        let waitsForCredit = Atomic<UInt64>(0)
    }

    /// The numbers at one moment.
    public struct Snapshot: Sendable, Hashable {
        /// Connections that were made, by either side.
        public var connectionsOpened: UInt64
        /// Connections that ended with an error.
        public var connectionsFailed: UInt64
        public var messagesSent: UInt64
        public var messagesReceived: UInt64
        /// Bytes of messages.
        public var bytesSent: UInt64
        public var bytesReceived: UInt64
        /// Times a message had to wait until the peer had room.
        public var waitsForCredit: UInt64

        /// Each number with its name, as metrics show them.
        public var named: [(name: String, value: UInt64)] {
            [
                ("connections_opened", self.connectionsOpened), ("connections_failed", self.connectionsFailed),
                ("messages_sent", self.messagesSent), ("messages_received", self.messagesReceived),
                ("bytes_sent", self.bytesSent), ("bytes_received", self.bytesReceived),
                ("waits_for_credit", self.waitsForCredit),
            ]
        }
    }

    public var snapshot: Snapshot {
        Snapshot(
            connectionsOpened: self.counters.connectionsOpened.load(ordering: .relaxed),
            connectionsFailed: self.counters.connectionsFailed.load(ordering: .relaxed),
            messagesSent: self.counters.messagesSent.load(ordering: .relaxed),
            messagesReceived: self.counters.messagesReceived.load(ordering: .relaxed),
            bytesSent: self.counters.bytesSent.load(ordering: .relaxed),
            bytesReceived: self.counters.bytesReceived.load(ordering: .relaxed),
            waitsForCredit: self.counters.waitsForCredit.load(ordering: .relaxed)
        )
    }

    internal func countOpened() { self.counters.connectionsOpened.add(1, ordering: .relaxed) }
    internal func countFailed() { self.counters.connectionsFailed.add(1, ordering: .relaxed) }
    internal func countWait() { self.counters.waitsForCredit.add(1, ordering: .relaxed) }

    internal func countSent(byteCount: Int, endsMessage: Bool) {
        self.counters.bytesSent.add(UInt64(byteCount), ordering: .relaxed)
        if endsMessage { self.counters.messagesSent.add(1, ordering: .relaxed) }
    }

    internal func countReceived(byteCount: Int, endsMessage: Bool) {
        self.counters.bytesReceived.add(UInt64(byteCount), ordering: .relaxed)
        if endsMessage { self.counters.messagesReceived.add(1, ordering: .relaxed) }
    }
}
