import Verbs

/// A client's side: puts by message, gets by reading the server's memory. The server's processor takes no part in a get.
final class StoreClient: Sendable {
    private let connection: Connection
    private let table: RemoteRegion
    /// For one get at a time: the number before, the slot, the number after.
    private let local: SharedRegion

    init(_ connection: Connection, on endpoint: Endpoint) throws {
        guard let table = RemoteRegion(encoded: connection.peerGreeting), table.byteCount == Table.byteCount else {
            throw VerbsError(.connectionFailed, operation: "key-value-store", detail: "the peer is no store")
        }
        self.connection = connection
        self.table = table
        self.local = try endpoint.region(byteCount: Table.slotByteCount + 16)
    }

    /// Stores a value; when it returns, gets of all clients see it.
    func put(_ key: UInt64, _ value: [UInt8]) async throws {
        let bytes = (0..<8).map { UInt8(truncatingIfNeeded: key >> UInt64(8 * $0)) }
        try await self.connection.send(bytes + value)
        _ = try await self.connection.receive()
    }

    /// The value of a key, or nil. Call it from one task at a time.
    func get(_ key: UInt64) async throws -> [UInt8]? {
        let slot = self.table[Table.range(of: key)]
        let sequence = slot[0..<8]
        while true {
            // One after the other: each ends before the next begins.
            try await self.connection.read(into: self.local[0..<8], from: sequence)
            try await self.connection.read(into: self.local[8..<8 + Table.slotByteCount], from: slot)
            let last = 8 + Table.slotByteCount
            try await self.connection.read(into: self.local[last..<last + 8], from: sequence)
            let before = self.local.load(UInt64.self, at: 0)
            guard before.isMultiple(of: 2), before == self.local.load(UInt64.self, at: last) else { continue }
            guard before > 0, self.local.load(UInt64.self, at: 8 + Table.keyOffset) == key else { return nil }
            let count = min(Int(self.local.load(UInt64.self, at: 8 + Table.lengthOffset)), Table.valueByteCountMax)
            let start = 8 + Table.valueOffset
            return self.local[start..<start + count].copyBytes()
        }
    }

    func close() async { await self.connection.close() }
}
