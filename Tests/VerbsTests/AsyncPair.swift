import TestSupport
import Verbs

/// Two connected queue pairs of one process whose operations are awaited.
struct AsyncPair<Service: ConnectedService>: Sendable {
    let completions: AsyncCompletionQueue
    let one: AsyncQueuePair<Service>
    let other: AsyncQueuePair<Service>
    let region: SharedRegion
    let otherRegion: SharedRegion

    init(
        _ completions: AsyncCompletionQueue,
        in domain: borrowing ProtectionDomain,
        byteCount: Int = 4096,
        capacity: QueueCapacity = QueueCapacity()
    ) throws {
        self.completions = completions
        let one = try completions.queuePair(Service.self, in: domain, capacity: capacity)
        let other = try completions.queuePair(Service.self, in: domain, capacity: capacity)
        let (address, otherAddress) = (one.address, other.address)
        self.one = try AsyncQueuePair(one.connect(to: otherAddress), completions)
        self.other = try AsyncQueuePair(other.connect(to: address), completions)
        self.region = try SharedRegion(byteCount: byteCount, in: domain)
        self.otherRegion = try SharedRegion(byteCount: byteCount, in: domain, remoteAccess: [.read, .write, .atomic])
    }

    static func make(byteCount: Int = 4096, capacity: QueueCapacity = QueueCapacity()) throws -> AsyncPair {
        let context = try VerbsLibrary.embedded.device().open()
        let domain = try ProtectionDomain(on: context)
        let completions = try AsyncCompletionQueue(on: context)
        return try AsyncPair(completions, in: domain, byteCount: byteCount, capacity: capacity)
    }
}
