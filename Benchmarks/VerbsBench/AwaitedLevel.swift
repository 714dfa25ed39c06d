import Verbs

/// A WRITE of 8 bytes that is awaited, beside one that is polled for.
enum AwaitedLevel {
    static func measure() async throws {
        let context = try VerbsLibrary.embedded.device().open()
        let domain = try ProtectionDomain(on: context)
        try Self.thin(context, domain)
        let completions = try AsyncCompletionQueue(on: context)
        let one = try completions.queuePair(RC.self, in: domain)
        let other = try completions.queuePair(RC.self, in: domain)
        let (address, peerAddress) = (one.address, other.address)
        let pair = try AsyncQueuePair(one.connect(to: peerAddress), completions)
        let peer = try AsyncQueuePair(other.connect(to: address), completions)
        let region = try SharedRegion(byteCount: 4096, in: domain, remoteAccess: [.write])
        let remote = region.remote[64..<72]
        var start = Clock.nanoseconds
        for _ in 0..<ThinLevel.latencyCount { try await pair.write(region[0..<8], to: remote) }
        print("latency", (Clock.nanoseconds - start) / Double(ThinLevel.latencyCount))
        start = Clock.nanoseconds
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<32 {
                group.addTask {
                    for _ in 0..<ThinLevel.latencyCount / 32 { try await pair.write(region[0..<8], to: remote) }
                }
            }
            try await group.waitForAll()
        }
        print("each of 32 tasks at once", (Clock.nanoseconds - start) / Double(ThinLevel.latencyCount))
        peer.close()
    }

    private static func thin(_ context: borrowing Context, _ domain: borrowing ProtectionDomain) throws {
        let queue = try CompletionQueue(capacity: 256, on: context)
        let one = try QueuePair<RC, Initialized>(in: domain, completions: queue)
        let other = try QueuePair<RC, Initialized>(in: domain, completions: queue)
        let (address, peerAddress) = (one.address, other.address)
        let pair = try one.connect(to: peerAddress)
        let peer = try other.connect(to: address)
        let region = try MemoryRegion(byteCount: 4096, in: domain, remoteAccess: [.write])
        let latency = try ThinLevel.latency(pair, queue, region)
        print("thin latency", latency)
        print("thin each of 32 tasks at once", latency)
        try peer.close()
    }
}
