import Verbs

/// Two connected queue pairs of this process whose operations are awaited.
struct Pairs: Sendable {
    let one: AsyncQueuePair<RC>
    let other: AsyncQueuePair<RC>

    init(_ completions: AsyncCompletionQueue, _ domain: borrowing ProtectionDomain, capacity: QueueCapacity) throws {
        let one = try completions.queuePair(RC.self, in: domain, capacity: capacity)
        let other = try completions.queuePair(RC.self, in: domain, capacity: capacity)
        let (address, otherAddress) = (one.address, other.address)
        self.one = try AsyncQueuePair(one.connect(to: otherAddress), completions)
        self.other = try AsyncQueuePair(other.connect(to: address), completions)
    }
}
