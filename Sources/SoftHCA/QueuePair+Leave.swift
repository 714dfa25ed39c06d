internal import SystemIO
internal import Transport

// The end of a reliable connection on a network that loses packets.

extension QueuePair {
    /// How often the last acknowledge is repeated. Where one packet in twenty is lost, all four are in 160,000.
    private static var partingCount: Int { 3 }

    /// Acknowledges once more what was received, before the queue pair goes.
    ///
    /// The program that had its last message ends, and with it whoever could repeat an acknowledge. Were that lost, the
    /// peer would send the message again to nobody, and fail although everything had arrived. The caller holds the
    /// engine's lock.
    internal func takeLeave() {
        // A peer that is reached directly hears of everything at once.
        guard self.type.isReliable, self.direct == nil, self.state == .readyToSend || self.state == .sendDrained
        else { return }
        let now = Timestamp(nanoseconds: MonotonicClock.now)
        for _ in 0..<Self.partingCount {
            self.rcResponder?.repeatAcknowledge()
            self.transmitResponses(now: now)
            // Each by itself: what travels in one train is lost in one.
            self.engine.flush()
        }
    }
}
