import Transport

/// One direction of a network that loses, copies, overtakes and delays. The rates come from the seed.
struct FaultyLink: Sendable {
    /// Loses, copies and overtakes nothing.
    let isClean: Bool
    private let lossPercent: UInt64
    private let copyPercent: UInt64
    private let detourPercent: UInt64
    private let delayNanoseconds: ClosedRange<UInt64>
    private let detourNanoseconds: ClosedRange<UInt64>
    /// Losing a packet, it loses the following too with this chance.
    private let burstPercent: UInt64
    private var isInBurst = false
    /// Packets of the straight way do not overtake each other.
    private var lastArrival = Timestamp(nanoseconds: 0)

    init(isClean: Bool, using random: inout SeededGenerator) {
        self.isClean = isClean
        self.lossPercent = isClean ? 0 : random.unsigned(in: 0...25)
        self.copyPercent = isClean ? 0 : random.unsigned(in: 0...15)
        self.detourPercent = isClean ? 0 : random.unsigned(in: 0...20)
        self.burstPercent = random.unsigned(in: 0...60)
        let base = random.unsigned(in: 500...20_000)
        self.delayNanoseconds = base...(base + random.unsigned(in: 0...5_000))
        self.detourNanoseconds = 1_000...random.unsigned(in: 2_000...200_000)
    }

    /// When the copies of a packet that is sent now arrive; none when it is lost.
    mutating func arrivals(at now: Timestamp, using random: inout SeededGenerator) -> [Timestamp] {
        self.isInBurst = random.chance(self.isInBurst ? self.burstPercent : self.lossPercent)
        if self.isInBurst { return [] }
        var arrivals = [self.arrival(at: now, using: &random)]
        if random.chance(self.copyPercent) { arrivals.append(self.arrival(at: now, using: &random)) }
        return arrivals
    }

    private mutating func arrival(at now: Timestamp, using random: inout SeededGenerator) -> Timestamp {
        let straight = now.advanced(byNanoseconds: random.unsigned(in: self.delayNanoseconds))
        if random.chance(self.detourPercent) {
            return straight.advanced(byNanoseconds: random.unsigned(in: self.detourNanoseconds))
        }
        self.lastArrival = max(self.lastArrival, straight)
        return self.lastArrival
    }
}
