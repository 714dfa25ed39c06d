/// How many packets a requester may have under way, as the network bears it: more while acknowledges come, less when
/// packets are lost or marked (additive increase, multiplicative decrease, as TCP does; see docs/decisions/0060).
///
/// The specification has no such window. It decides when packets leave, never what is in them.
struct CongestionWindow: BitwiseCopyable, Sendable {
    /// It never grows beyond this.
    let packetsMax: UInt32
    /// 1 … `packetsMax`.
    private(set) var packets: UInt32
    /// Below, it grows by each packet that is acknowledged; from here on by one for each window.
    private var threshold: UInt32
    /// Acknowledged packets that have not made it grow yet.
    private var credit: UInt32 = 0
    /// One decrease answers for all packets that were sent before it.
    private var recoveryEnd: SequencePosition?

    /// - Parameter packetsInitial: where it begins, unless `packetsMax` is less. It doubles twice; then it grows slowly, or
    ///   whoever comes first to a narrow link would take it all.
    init(packetsMax: UInt32, packetsInitial: UInt32) {
        self.packetsMax = packetsMax
        self.packets = max(1, min(packetsMax, packetsInitial))
        self.threshold = min(packetsMax, 4 * self.packets)
    }

    /// `count` packets were acknowledged, all before `position`; `inFlightCount` were under way until then.
    mutating func noteProgress(_ count: UInt32, upTo position: SequencePosition, inFlightCount: UInt32) {
        if let recoveryEnd = self.recoveryEnd, position >= recoveryEnd { self.recoveryEnd = nil }
        // What was not used was not tried.
        guard self.packets < self.packetsMax, UInt64(inFlightCount) * 2 >= UInt64(self.packets) else { return }
        if self.packets < self.threshold {
            self.packets = min(self.packets + min(count, self.packets), self.packetsMax)
            return
        }
        self.credit += count
        while self.credit >= self.packets, self.packets < self.packetsMax {
            self.credit -= self.packets
            self.packets += 1
        }
    }

    /// A packet was lost; `sentEnd` is behind the last that was sent.
    ///
    /// - Returns: whether the window became smaller for it.
    @discardableResult
    mutating func noteLoss(sentEnd: SequencePosition) -> Bool {
        self.shrink(to: self.packets / 2, sentEnd: sentEnd)
    }

    /// The network marked a packet: a queue on the way is long, but nothing is lost yet.
    @discardableResult
    mutating func noteMark(sentEnd: SequencePosition) -> Bool {
        self.shrink(to: self.packets - (self.packets + 3) / 4, sentEnd: sentEnd)
    }

    /// Nothing was heard for so long that what is under way is lost, or the network is full to the brim.
    mutating func noteTimeout(sentEnd: SequencePosition) {
        self.threshold = max(2, self.packets / 2)
        self.packets = 1
        self.credit = 0
        self.recoveryEnd = sentEnd
    }

    private mutating func shrink(to packets: UInt32, sentEnd: SequencePosition) -> Bool {
        guard self.recoveryEnd == nil else { return false }
        self.packets = max(1, packets)
        self.threshold = self.packets
        self.credit = 0
        self.recoveryEnd = sentEnd
        return true
    }
}
