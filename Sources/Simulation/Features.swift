/// Which faults a run knows. Each seed turns some on and others off (swarm testing): with all of them at once, the common
/// ones would hide what the rare ones do together.
struct Features: Sendable {
    /// Nothing happens to packets or hosts, so nothing may be sent twice.
    let isClean: Bool
    let losesPackets: Bool
    let copiesPackets: Bool
    let reordersPackets: Bool
    let corruptsPackets: Bool
    /// Links have a rate and a queue that overflows.
    let hasNarrowLinks: Bool
    /// Their queues mark packets before they overflow.
    let marksPackets: Bool
    /// The two directions of a link have their own rates.
    let isAsymmetric: Bool
    let cutsLinks: Bool
    let pausesHosts: Bool
    let killsHosts: Bool
    /// Programs and their memory fail.
    let breaksPrograms: Bool
    /// Requesters give up after the seven retries that a queue pair can have at most, and not after many more.
    let isImpatient: Bool
    /// Connections of a host contend for words of memory by atomics.
    let sharesAtomics: Bool
    /// Queue pairs of a host take from one receive queue.
    let sharesReceives: Bool
    /// All packets pass the codecs, and not only those that are damaged.
    let encodesAll: Bool

    init(using random: inout SeededGenerator) {
        let isClean = random.chance(20)
        func draw(_ percent: UInt64, _ random: inout SeededGenerator) -> Bool {
            let isDrawn = random.chance(percent)
            return isDrawn && !isClean
        }
        self.isClean = isClean
        self.losesPackets = draw(60, &random)
        self.copiesPackets = draw(40, &random)
        self.reordersPackets = draw(40, &random)
        self.corruptsPackets = draw(30, &random)
        self.hasNarrowLinks = draw(35, &random)
        self.marksPackets = draw(60, &random)
        self.isAsymmetric = draw(50, &random)
        self.cutsLinks = draw(25, &random)
        self.pausesHosts = draw(25, &random)
        self.killsHosts = draw(20, &random)
        self.breaksPrograms = random.chance(35)
        self.isImpatient = draw(35, &random)
        self.sharesAtomics = random.chance(50)
        self.sharesReceives = random.chance(30)
        self.encodesAll = random.chance(10)
    }
}
