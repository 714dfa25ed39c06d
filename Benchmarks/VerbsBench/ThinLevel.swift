import Verbs

/// What `Programs/thin.c` does, by the thin level.
enum ThinLevel {
    static let latencyCount = 20_000
    private static let rateCount = 4000
    private static let list = 16
    private static let receiveCount = 8192
    private static let receiveRounds = 8

    static func measure(_ library: VerbsLibrary) throws {
        let context = try library.device().open()
        let domain = try ProtectionDomain(on: context)
        let queue = try CompletionQueue(capacity: 256, on: context)
        let one = try QueuePair<RC, Initialized>(in: domain, completions: queue, gidIndex: 0)
        let other = try QueuePair<RC, Initialized>(in: domain, completions: queue, gidIndex: 0)
        let (address, peerAddress) = (one.address, other.address)
        let options = PathOptions(mtu: .bytes1024, readCount: 1)
        let pair = try one.connect(to: peerAddress, options)
        let peer = try other.connect(to: address, options)
        let region = try MemoryRegion(byteCount: 4096, in: domain, remoteAccess: [.write])
        print("latency", try Self.latency(pair, queue, region))
        print("rate", try Self.rate(pair, queue, region))
        print("receive", try Self.receive(domain, queue, region))
        try peer.close()
    }

    static func latency(
        _ pair: borrowing QueuePair<RC, ReadyToSend>,
        _ queue: borrowing CompletionQueue,
        _ region: borrowing MemoryRegion
    ) throws(VerbsError) -> Double {
        let remote = region.remote[64..<72]
        let start = Clock.nanoseconds
        for round in 0..<Self.latencyCount {
            try pair.post(.write(region[0..<8], to: remote), id: UInt64(round))
            try queue.spin().requireSuccess()
        }
        return (Clock.nanoseconds - start) / Double(Self.latencyCount)
    }

    private static func rate(
        _ pair: borrowing QueuePair<RC, ReadyToSend>,
        _ queue: borrowing CompletionQueue,
        _ region: borrowing MemoryRegion
    ) throws(VerbsError) -> Double {
        let remote = region.remote
        var batch = SendBatch<RC>(capacity: Self.list)
        let start = Clock.nanoseconds
        for _ in 0..<Self.rateCount {
            batch.removeAll()
            for index in 0..<Self.list {
                batch.append(
                    .write(region[8 * index..<8 * index + 8], to: remote[2048 + 8 * index..<2056 + 8 * index]),
                    id: UInt64(index),
                    options: index + 1 < Self.list ? [] : .signaled
                )
            }
            try pair.post(batch)
            try queue.spin().requireSuccess()
        }
        return (Clock.nanoseconds - start) / Double(Self.rateCount * Self.list)
    }

    private static func receive(
        _ domain: borrowing ProtectionDomain,
        _ queue: borrowing CompletionQueue,
        _ region: borrowing MemoryRegion
    ) throws(VerbsError) -> Double {
        var sum = 0.0
        let capacity = QueueCapacity(receiveCount: Self.receiveCount)
        for _ in 0..<Self.receiveRounds {
            let fresh = try QueuePair<RC, Initialized>(in: domain, completions: queue, capacity: capacity)
            let start = Clock.nanoseconds
            for index in 0..<Self.receiveCount { try fresh.postReceive(into: region[0..<64], id: UInt64(index)) }
            sum += Clock.nanoseconds - start
        }
        return sum / Double(Self.receiveRounds * Self.receiveCount)
    }
}
