import Glibc
import Verbs

/// 100 operations under way on each of 100 connections: receives first, which wait, then the sends that end them.
enum ManyConnections {
    private static let connectionCount = 100
    private static let operationCount = 100

    static func run(rounds: Int) async throws {
        let endpoint = try Endpoint()
        let capacity = QueueCapacity(sendCount: 32, receiveCount: self.operationCount)
        let pairs = try (0..<self.connectionCount).map { _ in
            try Pairs(endpoint.completions, endpoint.domain, capacity: capacity)
        }
        let region = try endpoint.region(byteCount: 1 << 20)
        for round in 1...rounds {
            try await self.round(pairs, region, endpoint)
            print("round \(round): resident \(Self.residentKilobytes()) KiB")
        }
    }

    /// `malloc_trim`, which Swift's Glibc module lacks.
    private static let trim: (@convention(c) (Int) -> CInt)? = dlsym(nil, "malloc_trim").map {
        unsafeBitCast($0, to: (@convention(c) (Int) -> CInt).self)
    }

    private static func round(_ pairs: [Pairs], _ region: SharedRegion, _ endpoint: Endpoint) async throws {
        let operationCount = self.operationCount
        try await withThrowingTaskGroup(of: Void.self) { group in
            for pair in pairs {
                for index in 0..<operationCount {
                    let start = 64 * index
                    group.addTask { try await pair.other.receive(into: region[start..<start + 64]) }
                }
            }
            while endpoint.completions.outstandingCount < pairs.count * operationCount { await Task.yield() }
            print("under way: \(endpoint.completions.outstandingCount)")
            fflush(nil)
            for pair in pairs {
                for _ in 0..<operationCount { group.addTask { try await pair.one.send(region[0..<64]) } }
            }
            try await group.waitForAll()
        }
    }

    /// What is in memory once the allocator has given back what it keeps free, which comes and goes.
    private static func residentKilobytes() -> Int {
        _ = Self.trim?(0)
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        fgets(&line, CInt(line.count), file)
        let fields = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self).split(
            separator: " "
        )
        return (Int(fields[1]) ?? 0) * 4
    }
}
