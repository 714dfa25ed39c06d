import Glibc
import Synchronization
import SystemIO
import Verbs

/// Operations that are awaited, beside one that is polled for, and beside the kernel's wake-ups.
enum AwaitedLevel {
    private static let count = 20_000
    private static let messageCount = 500
    /// Between two messages, so that whoever waits sleeps.
    private static let pauseMicroseconds: UInt32 = 300

    /// Not on the main actor: the sender's pause would keep the receiver from going on.
    @concurrent
    static func measure() async throws {
        let thin = try Self.thin()
        let endpoint = try Endpoint()
        let completions = endpoint.completions
        let one = try completions.queuePair(RC.self, in: endpoint.domain)
        let other = try completions.queuePair(RC.self, in: endpoint.domain)
        let (address, peerAddress) = (one.address, other.address)
        let pair = try AsyncQueuePair(one.connect(to: peerAddress), completions)
        let peer = try AsyncQueuePair(other.connect(to: address), completions)
        let region = try endpoint.region(byteCount: 4096, remoteAccess: [.write])
        let alone = try await Self.alone(pair, region)
        let together = try await Self.together(pair, region)
        print(
            "  WRITE: thin \(Statistics.text(thin)), awaited \(Statistics.text(alone)), "
                + "over thin \(Statistics.text(alone - thin)); by 32 tasks at once \(Statistics.text(together)) each"
        )
        let arrival = try await Self.arrival(pair, peer, region)
        let floor = try Self.twoWakeUps()
        print(
            "  message to a task that sleeps: \(Statistics.text(arrival)), two wake-ups of the kernel "
                + "\(Statistics.text(floor)), ratio \(Statistics.text(arrival / floor))"
        )
        peer.close()
    }

    private static func thin() throws -> Double {
        let thin = try ThinLevel(.embedded)
        return try thin.latency(Self.count) / Double(Self.count)
    }

    private static func alone(_ pair: AsyncQueuePair<RC>, _ region: SharedRegion) async throws -> Double {
        let remote = region.remote[64..<72]
        let start = Clock.nanoseconds
        for _ in 0..<Self.count { try await pair.write(region[0..<8], to: remote) }
        return (Clock.nanoseconds - start) / Double(Self.count)
    }

    private static func together(_ pair: AsyncQueuePair<RC>, _ region: SharedRegion) async throws -> Double {
        let remote = region.remote[64..<72]
        let start = Clock.nanoseconds
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<32 {
                group.addTask {
                    for _ in 0..<Self.count / 32 { try await pair.write(region[0..<8], to: remote) }
                }
            }
            try await group.waitForAll()
        }
        return (Clock.nanoseconds - start) / Double(Self.count)
    }

    /// From the call that sends a message until the task that awaits it goes on.
    private static func arrival(
        _ pair: AsyncQueuePair<RC>,
        _ peer: AsyncQueuePair<RC>,
        _ region: SharedRegion
    ) async throws -> Double {
        let receiver = Task.detached {
            var times: [Double] = []
            for _ in 0..<Self.messageCount {
                try await peer.receive(into: region[256..<320])
                times.append(Clock.nanoseconds)
            }
            return times
        }
        var sent: [Double] = []
        for _ in 0..<Self.messageCount {
            usleep(Self.pauseMicroseconds)
            sent.append(Clock.nanoseconds)
            try await pair.send(region[0..<8])
        }
        let received = try await receiver.value
        return Statistics.median(zip(received, sent).map { $0 - $1 })
    }

    /// What it takes from an eventfd that a thread waits for with epoll to a second that another waits for.
    private static func twoWakeUps() throws -> Double {
        let chain = try Chain()
        let relay = try BackgroundThread(name: "relay") { chain.relay(Self.messageCount) }
        // One at a time: two signals would merge into one.
        let times = (0..<Self.messageCount).map { _ in
            usleep(Self.pauseMicroseconds)
            chain.begin()
            return chain.end()
        }
        relay.join()
        return Statistics.median(times)
    }

    private final class Chain: Sendable {
        private let first: EventDescriptor
        private let second: EventDescriptor
        private let poller: Poller
        private let start = Atomic<UInt64>(0)

        init() throws(Errno) {
            self.first = try EventDescriptor()
            self.second = try EventDescriptor()
            self.poller = try Poller()
            try self.poller.add(self.first.rawDescriptor, token: 1)
        }

        func begin() {
            self.start.store(UInt64(Clock.nanoseconds), ordering: .releasing)
            self.first.signal()
        }

        func relay(_ count: Int) {
            for _ in 0..<count {
                _ = try? self.poller.wait(timeoutNanoseconds: nil) { _ in }
                _ = try? self.first.wait()
                self.second.signal()
                try? self.poller.arm(self.first.rawDescriptor, token: 1)
            }
        }

        /// Waits for the end of the chain.
        ///
        /// - Returns: Nanoseconds since it began.
        func end() -> Double {
            _ = try? self.second.wait()
            return Clock.nanoseconds - Double(self.start.load(ordering: .acquiring))
        }
    }
}
