import Transport

/// One direction of a network that loses, copies, overtakes, damages, marks and delays. The rates come from the seed.
struct FaultyLink: Sendable {
    /// A packet that will arrive.
    struct Arrival: Sendable {
        var time: Timestamp
        var isCorrupted = false
        /// Whether it bears the congestion mark.
        var isMarked = false
    }

    /// What becomes of a packet: it arrives once, twice or not at all.
    struct Transfer: Sendable {
        var first: Arrival?
        var second: Arrival?
    }

    /// Nothing passes.
    var isCut = false
    /// The faults have stopped. What the link is made of stays.
    var isCalm = false
    private let lossPercent: UInt64
    private let copyPercent: UInt64
    private let detourPercent: UInt64
    private let corruptionPercent: UInt64
    private let delayNanoseconds: ClosedRange<UInt64>
    private let detourNanoseconds: ClosedRange<UInt64>
    /// Losing a packet, it loses the following too with this chance.
    private let burstPercent: UInt64
    private var isInBurst = false
    /// Packets of the straight way do not overtake each other.
    private var lastArrival = Timestamp(nanoseconds: 0)
    private var queue: NarrowQueue?

    init(_ features: Features, using random: inout SeededGenerator) {
        self.lossPercent = features.losesPackets ? random.unsigned(in: 1...25) : 0
        self.copyPercent = features.copiesPackets ? random.unsigned(in: 1...15) : 0
        self.detourPercent = features.reordersPackets ? random.unsigned(in: 1...20) : 0
        self.corruptionPercent = features.corruptsPackets ? random.unsigned(in: 1...15) : 0
        self.burstPercent = features.losesPackets ? random.unsigned(in: 0...60) : 0
        let base = random.unsigned(in: 500...20_000)
        self.delayNanoseconds = base...(base + random.unsigned(in: 0...5_000))
        self.detourNanoseconds = 1_000...random.unsigned(in: 2_000...200_000)
        if features.hasNarrowLinks {
            self.queue = NarrowQueue(
                nanosecondsPerByte: random.unsigned(in: 1...20),
                limitNanoseconds: random.unsigned(in: 5_000...300_000),
                isMarking: features.marksPackets
            )
        }
    }

    /// Sends a packet that takes `byteCount` bytes.
    mutating func send(
        byteCount: Int,
        at now: Timestamp,
        counts: inout FaultCounts,
        using random: inout SeededGenerator
    ) -> Transfer {
        if self.isCut {
            counts.cutOff += 1
            return Transfer()
        }
        if !self.isCalm, random.chance(self.isInBurst ? self.burstPercent : self.lossPercent) {
            self.isInBurst = true
            counts.lost += 1
            return Transfer()
        }
        self.isInBurst = false
        var departure = (time: now, isMarked: false)
        if self.queue != nil {
            guard let place = self.queue?.enter(byteCount: byteCount, at: now) else {
                counts.overflowed += 1
                return Transfer()
            }
            departure = place
            if place.isMarked { counts.marked += 1 }
        }
        var transfer = Transfer(first: self.arrival(departure.time, counts: &counts, using: &random))
        transfer.first?.isMarked = departure.isMarked
        if !self.isCalm, random.chance(self.copyPercent) {
            counts.copied += 1
            transfer.second = self.arrival(departure.time, counts: &counts, using: &random)
            transfer.second?.isMarked = departure.isMarked
        }
        return transfer
    }

    private mutating func arrival(
        _ departure: Timestamp,
        counts: inout FaultCounts,
        using random: inout SeededGenerator
    ) -> Arrival {
        let isCorrupted = !self.isCalm && random.chance(self.corruptionPercent)
        let straight = departure.advanced(byNanoseconds: random.unsigned(in: self.delayNanoseconds))
        if !self.isCalm, random.chance(self.detourPercent) {
            counts.reordered += 1
            let time = straight.advanced(byNanoseconds: random.unsigned(in: self.detourNanoseconds))
            return Arrival(time: time, isCorrupted: isCorrupted)
        }
        self.lastArrival = max(self.lastArrival, straight)
        return Arrival(time: self.lastArrival, isCorrupted: isCorrupted)
    }
}
