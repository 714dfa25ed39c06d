import Verbs

/// Operations of the thin level between two queue pairs of this process.
struct ThinWork: ~Copyable {
    private let domain: ProtectionDomain
    private let queue: CompletionQueue
    private let pair: QueuePair<RC, ReadyToSend>
    private let peer: QueuePair<RC, ReadyToSend>
    private let region: MemoryRegion

    init() throws {
        let context = try VerbsLibrary.embedded.device().open()
        let domain = try ProtectionDomain(on: context)
        let queue = try CompletionQueue(capacity: 256, on: context)
        let pair = try QueuePair<RC, Initialized>(in: domain, completions: queue)
        let peer = try QueuePair<RC, Initialized>(in: domain, completions: queue)
        let (address, peerAddress) = (pair.address, peer.address)
        let connected = try pair.connect(to: peerAddress)
        let peerConnected = try peer.connect(to: address)
        let region = try MemoryRegion(byteCount: 4096, in: domain, remoteAccess: [.read, .write])
        self.domain = domain
        self.queue = queue
        self.pair = connected
        self.peer = peerConnected
        self.region = region
    }

    /// `count` rounds of a SEND, a WRITE and a READ, each alone, and a batch of two WRITEs.
    func run(count: Int) throws {
        let remote = self.region.remote
        var batch = SendBatch<RC>(capacity: 2)
        var completions = InlineArray<8, WorkCompletion>(repeating: WorkCompletion())
        for _ in 0..<count {
            try self.peer.postReceive(into: self.region[320..<328], id: 0)
            try self.pair.post(.send(self.region[64..<72]), id: 1)
            try self.pair.post(.write(self.region[64..<72], to: remote[128..<136]), id: 2)
            try self.pair.post(.read(into: self.region[256..<264], from: remote[128..<136]), id: 3)
            batch.removeAll()
            batch.append(.write(self.region[64..<72], to: remote[128..<136]), id: 4, options: [])
            batch.append(.write(self.region[64..<72], to: remote[136..<144]), id: 5)
            try self.pair.post(batch)
            var endedCount = 0
            while endedCount < 5 {
                let polled = try self.queue.poll(into: completions.mutableSpan)
                for index in 0..<polled { try completions[index].requireSuccess() }
                endedCount += polled
            }
        }
    }
}
