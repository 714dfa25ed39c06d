import Logging
import MetricsTestKit
import NIOCore
import NIOPosix
import ServiceLifecycle
import ServiceLifecycleTestKit
import Synchronization
import Testing
import Verbs
import VerbsLogging
import VerbsMetrics
import VerbsNIO
import VerbsServiceLifecycle

@Suite("With packages of the ecosystem", .serialized, .timeLimit(.minutes(1)))
struct EcosystemTests {
    private static func pair(_ endpoint: Endpoint) async throws -> (client: Connection, server: Connection) {
        let listener = try Listener(on: endpoint)
        async let client = Connection(to: "127.0.0.1", port: listener.port, on: endpoint)
        let server = try await listener.accept()
        return (try await client, server)
    }

    @Test func `connections are logged with who they are`() async throws {
        let recorder = Recorder()
        var logger = Logger(label: "test") { _ in recorder }
        logger.logLevel = .trace
        let endpoint = try Endpoint(observer: LoggingObserver(logger))
        let (client, server) = try await Self.pair(endpoint)
        await client.close()
        #expect(try await server.receive() == nil)
        let lines = recorder.lines
        #expect(lines.filter { $0.hasPrefix("debug connection opened") }.count == 2)
        #expect(lines.contains { $0.hasPrefix("debug connection closed") })
        #expect(lines.allSatisfy { $0.contains("qpn") })
    }

    @Test func `the counts of an endpoint reach a metrics system`() async throws {
        let metrics = TestMetrics()
        let endpoint = try Endpoint()
        let (client, server) = try await Self.pair(endpoint)
        try await client.send("12345")
        #expect(try await server.receiveText() == "12345")
        EndpointMetrics(endpoint, factory: metrics).record()
        let dimensions = [("device", endpoint.device.name)]
        #expect(try metrics.expectMeter("verbs_connections_opened", dimensions).values.last == 2)
        #expect(try metrics.expectMeter("verbs_bytes_received", dimensions).values.last == 5)
    }

    @Test func `a listener stops in good order`() async throws {
        let endpoint = try Endpoint()
        let listener = try Listener(on: endpoint)
        let service = ListenerService(listener) { connection in
            while let message = try? await connection.receive() { try? await connection.send(message) }
        }
        try await testGracefulShutdown { trigger in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await service.run() }
                let client = try await Connection(to: "127.0.0.1", port: listener.port, on: endpoint)
                try await client.send("before")
                #expect(try await client.receiveText() == "before")
                trigger.triggerGracefulShutdown()
                // Who is connected is served to the end; who comes now is not.
                try await client.send("after")
                #expect(try await client.receiveText() == "after")
                await #expect(throws: VerbsError.self) {
                    _ = try await Connection(to: "127.0.0.1", port: listener.port, on: endpoint)
                }
                await client.close()
                try await group.waitForAll()
            }
        }
    }

    @Test func `completions are taken on an event loop`() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let executor = CountingExecutor(EventLoopExecutor(loop), loop)
        let endpoint = try Endpoint(executor: executor)
        let (client, server) = try await Self.pair(endpoint)
        try await client.send(ByteBuffer(string: "by the loop"), on: loop).get()
        let received = try await server.receive(on: loop).get()
        #expect(received.map { String(buffer: $0) } == "by the loop")
        #expect(executor.count.load(ordering: .relaxed) > 0)
        #expect(executor.strayCount.load(ordering: .relaxed) == 0)
        try await group.shutdownGracefully()
    }
}

/// Counts the jobs, and those that ran outside of the loop.
private final class CountingExecutor: CompletionExecutor {
    let count = Atomic<Int>(0)
    let strayCount = Atomic<Int>(0)
    private let executor: EventLoopExecutor
    private let loop: any EventLoop

    init(_ executor: EventLoopExecutor, _ loop: any EventLoop) {
        self.executor = executor
        self.loop = loop
    }

    func run(_ job: @escaping @Sendable () -> Void) {
        self.executor.run {
            self.count.add(1, ordering: .relaxed)
            if !self.loop.inEventLoop { self.strayCount.add(1, ordering: .relaxed) }
            job()
        }
    }
}

/// Keeps what is logged.
private final class Recorder: LogHandler {
    private let recorded = Mutex<[String]>([])

    var lines: [String] { self.recorded.withLock { $0 } }
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(
        level: Logger.Level,
        message: Logger.Message,
        metadata: Logger.Metadata?,
        source: String,
        file: String,
        function: String,
        line: UInt
    ) {
        self.recorded.withLock { $0.append("\(level) \(message) \(metadata ?? [:])") }
    }
}
