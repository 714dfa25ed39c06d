import Glibc
import TestSupport
import Verbs

/// What `Programs/thin.c` does, by the thin level, in turns with it.
struct ThinLevel: ~Copyable {
    private let domain: ProtectionDomain
    private let queue: CompletionQueue
    private let pair: QueuePair<RC, ReadyToSend>
    private let peer: QueuePair<RC, ReadyToSend>
    private let region: MemoryRegion

    private static let list = 16

    init(_ library: VerbsLibrary) throws {
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
        self.domain = domain
        self.queue = queue
        self.pair = pair
        self.peer = peer
        self.region = region
    }

    func latency(_ count: Int) throws(VerbsError) -> Double {
        let remote = self.region.remote[64..<72]
        let start = Clock.nanoseconds
        for round in 0..<count {
            try self.pair.post(.write(self.region[0..<8], to: remote), id: UInt64(round))
            try self.queue.spin().requireSuccess()
        }
        return Clock.nanoseconds - start
    }

    private func rate(_ count: Int) throws(VerbsError) -> Double {
        let remote = self.region.remote
        var batch = SendBatch<RC>(capacity: Self.list)
        let start = Clock.nanoseconds
        for _ in 0..<count {
            batch.removeAll()
            for index in 0..<Self.list {
                batch.append(
                    .write(
                        self.region[8 * index..<8 * index + 8],
                        to: remote[2048 + 8 * index..<2056 + 8 * index]
                    ),
                    id: UInt64(index),
                    options: index + 1 < Self.list ? [] : .signaled
                )
            }
            try self.pair.post(batch)
            try self.queue.spin().requireSuccess()
        }
        return Clock.nanoseconds - start
    }

    private func receive(_ count: Int) throws(VerbsError) -> Double {
        let fresh = try QueuePair<RC, Initialized>(
            in: self.domain,
            completions: self.queue,
            capacity: QueueCapacity(receiveCount: count)
        )
        let start = Clock.nanoseconds
        for index in 0..<count { try fresh.postReceive(into: self.region[0..<64], id: UInt64(index)) }
        return Clock.nanoseconds - start
    }

    private func poll(_ count: Int) throws(VerbsError) -> Double {
        var foundCount = 0
        let start = Clock.nanoseconds
        for _ in 0..<count where try self.queue.poll() != nil { foundCount += 1 }
        precondition(foundCount == 0, "nothing is under way")
        return Clock.nanoseconds - start
    }
}

// MARK: - Beside C

extension ThinLevel {
    private static let turnCount = 201

    /// Prints for each kind of operation, as medians over turns of C and Swift: what either takes, and the difference.
    ///
    /// - Parameter program: `Programs/thin.c` as a library.
    static func compare(_ library: VerbsLibrary, _ program: String) throws {
        guard let handle = dlopen(program, RTLD_NOW | RTLD_LOCAL) else {
            throw TestFailure("\(program) cannot be loaded: \(dlerror().map { String(cString: $0) } ?? "")")
        }
        typealias Measure = @convention(c) (CInt) -> Double
        func function<Function>(_ name: String, as type: Function.Type) throws -> Function {
            guard let symbol = dlsym(handle, name) else { throw TestFailure("\(program) has no \(name)") }
            return unsafeBitCast(symbol, to: type)
        }
        try function("thin_open", as: (@convention(c) () -> Void).self)()
        let thin = try ThinLevel(library)
        let kinds: [(String, String, count: Int, of: Int)] = [
            ("WRITE, posted and polled for", "thin_latency", 500, 1),
            ("WRITE of a list of 16", "thin_rate", 50, Self.list),
            ("receive, posted", "thin_receive", 2048, 1), ("poll of an empty queue", "thin_poll", 2000, 1),
        ]
        for (name, symbol, count, operationCount) in kinds {
            let measure = try function(symbol, as: Measure.self)
            var pairs: [(swift: Double, c: Double)] = []
            for turn in 0..<Self.turnCount {
                // Who begins changes, and the first turn warms up.
                let early = turn % 2 == 0 ? measure(CInt(count)) : 0
                let swift = try thin.measure(symbol, count)
                let c = turn % 2 == 0 ? early : measure(CInt(count))
                let divisor = Double(count * operationCount)
                if turn > 0 { pairs.append((swift / divisor, c / divisor)) }
            }
            let (swift, c) = (Statistics.median(pairs.map(\.swift)), Statistics.median(pairs.map(\.c)))
            let ratio = Statistics.median(pairs.map { $0.swift / $0.c })
            let difference = Statistics.median(pairs.map { $0.swift - $0.c })
            print(
                "  \(name): Swift \(Statistics.text(swift)), C \(Statistics.text(c)), ratio \(Statistics.text(ratio)), "
                    + "difference \(Statistics.text(difference))"
            )
        }
    }

    private func measure(_ symbol: String, _ count: Int) throws(VerbsError) -> Double {
        switch symbol {
        case "thin_latency": try self.latency(count)
        case "thin_rate": try self.rate(count)
        case "thin_receive": try self.receive(count)
        default: try self.poll(count)
        }
    }
}
