import Transport

/// What happened in a run, to see that the seeds really meet what they are meant to meet.
package struct SimulationSummary: Hashable, Sendable {
    package var stepCount = 0
    package var packetCount = 0
    package var lostCount = 0
    package var messageCount = 0
    package var failedCount = 0
    package var timeouts: UInt64 = 0
    package var sequenceNAKs: UInt64 = 0
    package var impliedNAKs: UInt64 = 0
    package var rnrNAKs: UInt64 = 0
    package var duplicates: UInt64 = 0
    package var outOfSequence: UInt64 = 0

    package init() {}

    package mutating func add(_ other: SimulationSummary) {
        self.stepCount += other.stepCount
        self.packetCount += other.packetCount
        self.lostCount += other.lostCount
        self.messageCount += other.messageCount
        self.failedCount += other.failedCount
        self.timeouts += other.timeouts
        self.sequenceNAKs += other.sequenceNAKs
        self.impliedNAKs += other.impliedNAKs
        self.rnrNAKs += other.rnrNAKs
        self.duplicates += other.duplicates
        self.outOfSequence += other.outOfSequence
    }

    mutating func add(_ endpoint: RCEndpoint) {
        self.messageCount += endpoint.completedCount
        self.failedCount += endpoint.firstFailure == nil ? 0 : 1
        let requester = endpoint.requester.counters
        self.timeouts += requester.timeouts
        self.sequenceNAKs += requester.sequenceNAKs
        self.impliedNAKs += requester.impliedNAKs
        self.rnrNAKs += requester.rnrNAKs
        let responder = endpoint.responder.counters
        self.duplicates += responder.duplicates
        self.outOfSequence += responder.outOfSequence
    }
}
