import Glibc
import TestSupport
import Testing
import Verbs

@Suite("Connections", .serialized, .timeLimit(.minutes(2)))
struct ConnectionTests {
    /// A connected pair over the loopback interface.
    static func pair(
        _ options: ConnectionOptions = ConnectionOptions(),
        server: ConnectionOptions? = nil
    ) async throws -> (Endpoint, client: Connection, server: Connection) {
        let endpoint = try Endpoint()
        let listener = try Listener(on: endpoint, server ?? options)
        async let client = Connection(to: "127.0.0.1", port: listener.port, on: endpoint, options)
        let accepted = try await listener.accept()
        return (endpoint, try await client, accepted)
    }

    @Test func `a text goes to the peer and back`() async throws {
        let (_, client, server) = try await Self.pair()
        try await client.send("Hello, verbs!")
        #expect(try await server.receiveText() == "Hello, verbs!")
        try await server.send("Hello, client!")
        #expect(try await client.receiveText() == "Hello, client!")
    }

    @Test(arguments: [0, 1, 63, 64, 65, 128, 1000, 100_000])
    func `messages of any length arrive whole`(byteCount: Int) async throws {
        let (_, client, server) = try await Self.pair(ConnectionOptions(bufferByteCount: 64, bufferCount: 4))
        var random = SeededGenerator(seed: UInt64(byteCount))
        let message = (0..<byteCount).map { _ in UInt8.random(in: 0...255, using: &random) }
        async let received = server.receive()
        try await client.send(message)
        #expect(try await received == message)
    }

    @Test func `a sender waits while the receiver has no room, and neither loses a message`() async throws {
        let (endpoint, client, server) = try await Self.pair(ConnectionOptions(bufferByteCount: 64, bufferCount: 2))
        let sender = Task {
            for index in 0..<500 { try await client.send("message \(index)") }
            await client.close()
        }
        usleep(50_000)
        #expect(endpoint.statistics.snapshot.messagesSent <= 4, "the receiver has taken nothing yet")
        var index = 0
        for try await message in server.messages {
            #expect(String(decoding: message, as: UTF8.self) == "message \(index)")
            index += 1
        }
        #expect(index == 500)
        try await sender.value
        #expect(endpoint.statistics.snapshot.waitsForCredit > 0)
    }

    @Test func `both sides send at once, from many tasks`() async throws {
        let (endpoint, client, server) = try await Self.pair(ConnectionOptions(bufferByteCount: 64, bufferCount: 8))
        func exchange(_ connection: Connection) async throws -> Int {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<8 {
                    group.addTask {
                        // Longer than a buffer: the parts of messages of several tasks must not mix.
                        for _ in 0..<20 { try await connection.send([UInt8](repeating: UInt8(task), count: 150)) }
                    }
                }
                var count = 0
                while count < 160, let message = try await connection.receive() {
                    #expect(message.count == 150 && Set(message).count == 1)
                    count += 1
                }
                try await group.waitForAll()
                return count
            }
        }
        async let one = exchange(client)
        async let other = exchange(server)
        #expect(try await one == 160)
        #expect(try await other == 160)
        #expect(endpoint.statistics.snapshot.messagesReceived == 320)
    }

    @Test func `the peer's memory is read, written and counted in`() async throws {
        let endpoint = try Endpoint()
        let table = try endpoint.region(byteCount: 4096, remoteAccess: [.read, .write, .atomic])
        let listener = try Listener(on: endpoint, ConnectionOptions(greeting: table.remote.encoded))
        async let accepted = listener.accept()
        let client = try await Connection(to: "localhost", port: listener.port, on: endpoint)
        let server = try await accepted
        let remote = try #require(RemoteRegion(encoded: client.peerGreeting))
        #expect(server.peerGreeting.isEmpty)
        try await client.write(3.5, to: remote[8, as: Double.self])
        #expect(table.load(Double.self, at: 8) == 3.5)
        table.store(SIMD4<Int32>(1, 2, 3, 4), at: 64)
        #expect(try await client.read(remote[64, as: SIMD4<Int32>.self]) == SIMD4(1, 2, 3, 4))
        let counter = remote[128, as: UInt64.self]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<100 { group.addTask { _ = try await client.fetchAndAdd(2, to: counter) } }
            try await group.waitForAll()
        }
        #expect(table.load(UInt64.self, at: 128) == 200)
        #expect(try await client.compareAndSwap(counter, expected: 200, desired: 1) == 200)
        let local = try endpoint.region(byteCount: 64)
        try await client.read(into: local[0..<8], from: remote[128..<136])
        #expect(local.load(UInt64.self, at: 0) == 1)
    }

    @Test func `closing in good order ends the peer's messages behind the last`() async throws {
        let (_, client, server) = try await Self.pair()
        for index in 0..<10 { try await client.send("\(index)") }
        await client.close()
        var texts: [String] = []
        while let text = try await server.receiveText() { texts.append(text) }
        #expect(texts == (0..<10).map { "\($0)" })
        await #expect(throws: VerbsError.self) { try await client.send("late") }
    }

    @Test func `a peer that is let go ends the connection with an error`() async throws {
        let (_, kept, dropped) = try await Self.pair()
        var other: Connection? = dropped
        let waiting = Task { try await kept.receive() }
        _ = consume dropped
        other = nil
        #expect(other == nil)
        let failure = await #expect(throws: VerbsError.self) { _ = try await waiting.value }
        #expect(failure?.code == .closed || failure?.code == .workFailed, "\(String(describing: failure))")
    }

    @Test func `cancelling a receiver loses no message`() async throws {
        let (_, client, server) = try await Self.pair(ConnectionOptions(bufferByteCount: 64, bufferCount: 4))
        let sender = Task {
            for index in 0..<300 { try await client.send([UInt8](repeating: UInt8(index % 251), count: 100)) }
        }
        var index = 0
        var random = SeededGenerator(seed: 5)
        while index < 300 {
            let receiver = Task { try await server.receive() }
            if Bool.random(using: &random) { receiver.cancel() }
            do {
                let message = try await receiver.value
                #expect(message == [UInt8](repeating: UInt8(index % 251), count: 100))
                index += 1
            } catch is CancellationError {
                continue
            }
        }
        try await sender.value
    }

    @Test func `cancelling a sender tears no message`() async throws {
        let (_, client, server) = try await Self.pair(ConnectionOptions(bufferByteCount: 64, bufferCount: 2))
        let receiver = Task {
            var count = 0
            for try await message in server.messages {
                #expect(message.count == 300 && Set(message).count == 1)
                count += 1
            }
            return count
        }
        var sentCount = 0
        for index in 0..<200 {
            let sender = Task { try await client.send([UInt8](repeating: UInt8(index), count: 300)) }
            if index % 2 == 0 { sender.cancel() }
            if case .success = await sender.result { sentCount += 1 }
        }
        await client.close()
        #expect(try await receiver.value == sentCount)
        #expect(sentCount >= 100)
    }

    @Test func `the errors of connecting say what is wrong`() async throws {
        let endpoint = try Endpoint()
        let refused = await #expect(throws: VerbsError.self) {
            _ = try await Connection(to: "127.0.0.1", port: 1, on: endpoint)
        }
        #expect(refused?.code == .connectionFailed)
        #expect(refused?.description.contains("127.0.0.1 port 1") == true)
        let invalid = #expect(throws: VerbsError.self) {
            _ = try Listener(on: endpoint, ConnectionOptions(bufferCount: 1))
        }
        #expect(invalid?.description.contains("bufferCount is 1; it takes 2 to 4096") == true)
        let listener = try Listener(on: endpoint)
        let taken = #expect(throws: VerbsError.self) { _ = try Listener(on: endpoint, port: listener.port) }
        #expect(taken?.errno == EADDRINUSE)
    }

    @Test func `who speaks something else is dropped, and the next is served`() async throws {
        let endpoint = try Endpoint()
        let listener = try Listener(on: endpoint, host: "127.0.0.1", ConnectionOptions(handshakeTimeoutSeconds: 1))
        let stranger = try Shell.run(
            "bash",
            "-c",
            "exec 3<>/dev/tcp/127.0.0.1/\(listener.port); head -c 400 /dev/zero >&3; echo said"
        )
        #expect(stranger.contains("said"))
        async let accepted = listener.accept()
        let client = try await Connection(to: "127.0.0.1", port: listener.port, on: endpoint)
        let server = try await accepted
        try await client.send("after the stranger")
        #expect(try await server.receiveText() == "after the stranger")
    }

    @Test func `a closed listener ends its sequence, and its connections live on`() async throws {
        let endpoint = try Endpoint()
        let listener = try Listener(on: endpoint)
        let served = Task {
            var connections: [Connection] = []
            for try await connection in listener.connections { connections.append(connection) }
            return connections
        }
        let client = try await Connection(to: "127.0.0.1", port: listener.port, on: endpoint)
        usleep(100_000)
        listener.close()
        let connections = try await served.value
        let server = try #require(connections.first)
        try await client.send("still here")
        #expect(try await server.receiveText() == "still here")
    }
}
