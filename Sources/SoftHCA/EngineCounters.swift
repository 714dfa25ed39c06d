internal import SystemIO

/// What happened to packets of this process. Only ever counted up, under the engine's lock.
package struct EngineCounters: Sendable {
    package var sentPackets: UInt64 = 0
    package var receivedPackets: UInt64 = 0
    /// Times the socket failed to give what it has.
    package var refusedReceives: UInt64 = 0
    /// Packets that the kernel refused to send.
    package var refusedPackets: UInt64 = 0
    /// Too short, unknown opcode, or lengths that contradict each other.
    package var malformedPackets: UInt64 = 0
    package var wrongICRC: UInt64 = 0
    /// For a number that belongs to this process but to no queue pair.
    package var unknownQueuePair: UInt64 = 0
    /// For another process of this host; handed on.
    package var strayPackets: UInt64 = 0
    /// From an address that the queue pair does not talk to, or with the wrong Q_Key or P_Key.
    package var wrongSender: UInt64 = 0
    /// Packets of reliable connections that arrived with a congestion mark.
    package var markedPackets: UInt64 = 0
    package var sentCongestionNotifications: UInt64 = 0
    package var receivedCongestionNotifications: UInt64 = 0
    /// Unreliable datagrams that found no receive request.
    package var droppedDatagrams: UInt64 = 0
    /// Messages of connection management that nobody here waits for, and that were answered so.
    package var connectionRefusals: UInt64 = 0
    /// Management datagrams that got no answer: they ask for none, or too many came.
    package var unansweredManagement: UInt64 = 0

    package init() {}
}

extension Engine {
    /// The counters at one moment.
    package var countersNow: EngineCounters { self.lock.withLock { self.counters } }
}
