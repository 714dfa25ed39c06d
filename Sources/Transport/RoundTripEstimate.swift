/// How long an acknowledge takes, from samples (the estimate of RFC 6298).
struct RoundTripEstimate: BitwiseCopyable, Sendable {
    /// 0 before the first sample.
    private var smoothedNanoseconds: UInt64 = 0
    private var variationNanoseconds: UInt64 = 0
    /// The packet that is timed, and when it was sent.
    private var sample: Sample?

    private struct Sample: BitwiseCopyable {
        var position: SequencePosition
        var sentAt: Timestamp
    }

    init() {}

    /// A packet was sent for the first time, and asks for an acknowledge. One is timed at a time.
    mutating func noteSent(_ position: SequencePosition, now: Timestamp) {
        if self.sample == nil { self.sample = Sample(position: position, sentAt: now) }
    }

    /// Everything before `end` was acknowledged.
    ///
    /// - Returns: whether the packet that was timed is among it.
    mutating func noteAcknowledged(before end: SequencePosition, now: Timestamp) -> Bool {
        guard let sample = self.sample, sample.position < end else { return false }
        self.sample = nil
        let nanoseconds = max(1, now.nanoseconds - sample.sentAt.nanoseconds)
        guard self.smoothedNanoseconds > 0 else {
            self.smoothedNanoseconds = nanoseconds
            self.variationNanoseconds = nanoseconds / 2
            return true
        }
        let smoothed = self.smoothedNanoseconds
        let difference = max(smoothed, nanoseconds) - min(smoothed, nanoseconds)
        self.variationNanoseconds = (3 * self.variationNanoseconds + difference) / 4
        self.smoothedNanoseconds = (7 * smoothed + nanoseconds) / 8
        return true
    }

    /// Packets are sent again: which of them an acknowledge will be for, nobody knows.
    mutating func abandonSample() {
        self.sample = nil
    }

    /// Silence that is longer than this means a loss; `nil` before the first sample.
    var patienceNanoseconds: UInt64? {
        self.smoothedNanoseconds > 0 ? self.smoothedNanoseconds + 4 * self.variationNanoseconds : nil
    }
}
