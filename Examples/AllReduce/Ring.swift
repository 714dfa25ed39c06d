import Verbs

/// A process's place in a ring: a connection to the next, and one from the process before.
final class Ring: Sendable {
    let rank: Int
    let count: Int
    private let next: Connection
    private let previous: Connection

    init(rank: Int, count: Int, firstPort: Int, on endpoint: Endpoint) async throws {
        self.rank = rank
        self.count = count
        let listener = try Listener(on: endpoint, port: UInt16(firstPort + rank))
        async let accepted = listener.accept()
        self.next = try await Self.connect(port: UInt16(firstPort + (rank + 1) % count), on: endpoint)
        self.previous = try await accepted
    }

    /// The next process may not have started yet.
    private static func connect(port: UInt16, on endpoint: Endpoint) async throws -> Connection {
        for _ in 0..<100 {
            do {
                return try await Connection(to: "localhost", port: port, on: endpoint)
            } catch let error as VerbsError where error.code == .connectionFailed {
                try await Task.sleep(for: .milliseconds(100))
            }
        }
        throw VerbsError(.connectionFailed, operation: "all-reduce", detail: "nobody came to port \(port)")
    }

    /// Adds up the vectors of all processes: afterwards each has the sums.
    ///
    /// The vector is cut into as many parts as there are processes. In the first N - 1 steps each part travels around the
    /// ring and is added to; in the next N - 1 the sums travel around and are copied.
    func sum(_ vector: inout [Float]) async throws {
        let bounds = (0...self.count).map { $0 * vector.count / self.count }
        func part(_ index: Int) -> Range<Int> {
            let index = (index % self.count + self.count) % self.count
            return bounds[index]..<bounds[index + 1]
        }
        for step in 0..<2 * (self.count - 1) {
            let isAdding = step < self.count - 1
            let offset = isAdding ? 0 : 1
            let outgoing = part(self.rank + offset - step % (self.count - 1))
            let incoming = part(self.rank + offset - step % (self.count - 1) - 1)
            // Both at once: were all to send before they receive, long parts would wait for ever.
            let bytes = vector[outgoing].withUnsafeBytes { Array($0) }
            async let sent: Void = self.next.send(bytes)
            let received = try await self.previous.receive() ?? []
            try await sent
            guard received.count == incoming.count * MemoryLayout<Float>.size else {
                throw VerbsError(.connectionFailed, operation: "all-reduce", detail: "a part of another length came")
            }
            received.withUnsafeBytes { bytes in
                for (position, index) in incoming.enumerated() {
                    let value = bytes.loadUnaligned(fromByteOffset: position * MemoryLayout<Float>.size, as: Float.self)
                    vector[index] = isAdding ? vector[index] + value : value
                }
            }
        }
    }

    func close() async {
        await self.next.close()
        // Until the one before has closed too, its last message may be under way.
        _ = try? await self.previous.receive()
    }
}
