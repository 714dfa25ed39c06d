// A key-value store whose clients read without the server's processor.
//
//     key-value-store serve 7001
//     key-value-store put localhost 7001 42 "the answer"
//     key-value-store get localhost 7001 42
//     key-value-store check localhost 7001      # writes and reads at once, and looks for torn values

import Verbs

@main
struct KeyValueStore {
    static func main() async throws {
        var arguments = Array(CommandLine.arguments.dropFirst().filter { $0 != "--system" })
        let library = CommandLine.arguments.contains("--system") ? try VerbsLibrary.system : .embedded
        let endpoint = try Endpoint(library.device())
        let command = arguments.isEmpty ? "" : arguments.removeFirst()
        if command == "serve", arguments.count == 1 {
            return try await Self.serve(UInt16(arguments[0]) ?? 0, endpoint)
        }
        guard arguments.count >= 2 else {
            return print(
                "usage: key-value-store serve PORT | {put HOST PORT KEY VALUE | get HOST PORT KEY | check HOST PORT}"
            )
        }
        func connect() async throws -> StoreClient {
            let connection = try await Connection(to: arguments[0], port: UInt16(arguments[1]) ?? 0, on: endpoint)
            return try StoreClient(connection, on: endpoint)
        }
        let client = try await connect()
        switch (command, arguments.count) {
        case ("put", 4):
            try await client.put(UInt64(arguments[2]) ?? 0, Array(arguments[3].utf8))
        case ("get", 3):
            let value = try await client.get(UInt64(arguments[2]) ?? 0)
            print(value.map { String(decoding: $0, as: UTF8.self) } ?? "not there")
        case ("check", 2):
            try await Self.check(writer: client, reader: connect())
        default:
            print("unknown command")
        }
        await client.close()
    }

    static func serve(_ port: UInt16, _ endpoint: Endpoint) async throws {
        let region = try endpoint.region(byteCount: Table.byteCount, remoteAccess: [.read])
        let store = Store(region)
        let listener = try Listener(on: endpoint, port: port, ConnectionOptions(greeting: region.remote.encoded))
        print("listening on port \(listener.port)")
        await withDiscardingTaskGroup { group in
            while let connection = try? await listener.accept() {
                group.addTask {
                    while let message = try? await connection.receive(), message.count >= 8 {
                        let key = message.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
                        await store.put(key, Array(message.dropFirst(8)))
                        try? await connection.send("stored")
                    }
                }
            }
        }
    }

    /// One task writes values whose bytes are all the same, another reads them: a torn value would have two kinds.
    static func check(writer: StoreClient, reader: StoreClient) async throws {
        let writing = Task {
            for round in 0..<2000 {
                try await writer.put(7, [UInt8](repeating: UInt8(round % 256), count: Table.valueByteCountMax))
            }
        }
        var readCount = 0
        var kinds: Set<UInt8> = []
        while readCount < 2000 {
            guard let value = try await reader.get(7) else { continue }
            guard let first = value.first, value.allSatisfy({ $0 == first }) else {
                fatalError("a torn value: \(value)")
            }
            kinds.insert(first)
            readCount += 1
        }
        try await writing.value
        await reader.close()
        print("\(readCount) reads while 2000 writes went on, none torn; \(kinds.count) different values seen")
    }
}
