import TestSupport
import Verbs

/// Two connected queue pairs of one process, each with memory and a completion queue of its own.
struct Loopback<Service: ConnectedService>: ~Copyable {
    let context: Context
    let domain: ProtectionDomain
    let queue: CompletionQueue
    let peerQueue: CompletionQueue
    let pair: QueuePair<Service, ReadyToSend>
    let peer: QueuePair<Service, ReadyToSend>
    let region: MemoryRegion
    let peerRegion: MemoryRegion

    init(
        _ library: VerbsLibrary = .embedded,
        byteCount: Int = 64 << 10,
        capacity: QueueCapacity = QueueCapacity(inlineByteCount: 64),
        _ options: PathOptions = PathOptions()
    ) throws {
        let context = try library.device().open()
        let domain = try ProtectionDomain(on: context)
        let queue = try CompletionQueue(capacity: 256, on: context)
        let peerQueue = try CompletionQueue(capacity: 256, on: context)
        let pair = try QueuePair<Service, Initialized>(in: domain, completions: queue, capacity: capacity)
        let peer = try QueuePair<Service, Initialized>(in: domain, completions: peerQueue, capacity: capacity)
        let (address, peerAddress) = (pair.address, peer.address)
        let connected = try pair.connect(to: peerAddress, options)
        let peerConnected = try peer.connect(to: address, options)
        let region = try MemoryRegion(byteCount: byteCount, in: domain)
        let peerRegion = try MemoryRegion(byteCount: byteCount, in: domain, remoteAccess: [.read, .write, .atomic])
        self.context = context
        self.domain = domain
        self.queue = queue
        self.peerQueue = peerQueue
        self.pair = connected
        self.peer = peerConnected
        self.region = region
        self.peerRegion = peerRegion
    }
}

/// Polls until a completion comes; fails when that takes long.
func awaitCompletion(_ queue: borrowing CompletionQueue) throws -> WorkCompletion {
    let deadline = MonotonicSeconds.now + 20
    while MonotonicSeconds.now < deadline {
        if let completion = try queue.poll() { return completion }
    }
    throw TestFailure("no completion came within 20 s")
}

/// What a body threw, if it was a `VerbsError`.
func verbsError(_ body: () throws -> Void) -> VerbsError? {
    do {
        try body()
        return nil
    } catch {
        return error as? VerbsError
    }
}
