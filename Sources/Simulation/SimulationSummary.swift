import Transport

/// What happened in runs, to see that the seeds really meet what they are meant to meet.
package struct SimulationSummary: Hashable, Sendable {
    package var stepCount = 0
    package var packetCount = 0
    package var faults = FaultCounts()
    package var messageCount = 0
    package var failedCount = 0
    package var timeouts: UInt64 = 0
    package var sequenceNAKs: UInt64 = 0
    package var impliedNAKs: UInt64 = 0
    package var rnrNAKs: UInt64 = 0
    package var retransmittedPackets: UInt64 = 0
    package var duplicates: UInt64 = 0
    package var outOfSequence: UInt64 = 0
    /// How many runs took each rare transition.
    package private(set) var reached: [String: Int] = [:]

    package init() {}

    package mutating func add(_ other: SimulationSummary) {
        self.stepCount += other.stepCount
        self.packetCount += other.packetCount
        self.faults.add(other.faults)
        self.messageCount += other.messageCount
        self.failedCount += other.failedCount
        self.timeouts += other.timeouts
        self.sequenceNAKs += other.sequenceNAKs
        self.impliedNAKs += other.impliedNAKs
        self.rnrNAKs += other.rnrNAKs
        self.retransmittedPackets += other.retransmittedPackets
        self.duplicates += other.duplicates
        self.outOfSequence += other.outOfSequence
        self.reached.merge(other.reached, uniquingKeysWith: +)
    }

    mutating func add(_ endpoint: RCEndpoint) {
        self.messageCount += endpoint.completedCount
        self.failedCount += endpoint.firstFailure == nil ? 0 : 1
        let requester = endpoint.requester.counters
        self.timeouts += requester.timeouts
        self.sequenceNAKs += requester.sequenceNAKs
        self.impliedNAKs += requester.impliedNAKs
        self.rnrNAKs += requester.rnrNAKs
        self.retransmittedPackets += requester.retransmittedPackets
        let responder = endpoint.responder.counters
        self.duplicates += responder.duplicates
        self.outOfSequence += responder.outOfSequence
        let marks = endpoint.requester.marks.union(endpoint.responder.marks)
        for (mark, name) in TransportMarks.names where marks.contains(mark) { self.reach(name) }
    }

    /// Notes that this run took a rare transition.
    mutating func reach(_ name: String) {
        self.reached[name] = 1
    }
}

// MARK: - Coverage

extension SimulationSummary {
    /// Transitions of hosts and programs; those of the protocol are `TransportMarks`.
    private static var hostMarks: [String] {
        [
            "contended atomics", "host died with requests outstanding", "packets for a paused host dropped",
            "shared receive queue empty", "survivor learnt of the death by the new connection",
        ]
    }

    /// Every mark, reached or not.
    package static var allMarks: [String] { TransportMarks.names.map(\.name) + self.hostMarks }

    /// A line for each mark: in how many runs it was reached.
    package var coverage: String {
        Self.allMarks.map { name in
            let count = String(self.reached[name] ?? 0)
            return String(repeating: " ", count: max(1, 8 - count.count)) + count + "  " + name
        }.joined(separator: "\n")
    }
}

extension SimulationSummary: CustomStringConvertible {
    package var description: String {
        """
        \(self.packetCount) packets in \(self.stepCount) steps carried \(self.messageCount) messages; \
        \(self.failedCount) queue pairs failed as they had to
        \(self.timeouts) timeouts, \(self.sequenceNAKs) sequence NAKs, \(self.impliedNAKs) lost answers noticed, \
        \(self.rnrNAKs) RNR NAKs, \(self.retransmittedPackets) packets sent again, \(self.duplicates) duplicates, \
        \(self.outOfSequence) out of sequence
        \(self.faults)
        """
    }
}
