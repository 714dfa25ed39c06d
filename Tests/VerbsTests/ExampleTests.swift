import Glibc
import TestSupport
import Testing

/// The examples as a user runs them: programs of their own, several at a time.
@Suite("Examples", .serialized, .timeLimit(.minutes(3)))
struct ExampleTests {
    /// With which adapter they run.
    enum Adapter: String, CaseIterable, Sendable {
        case embedded
        /// Another libibverbs.so.1 on the loader's path: Verbena's own, as any program finds it.
        case loaded
    }

    private static func start(_ name: String, _ arguments: [String], _ adapter: Adapter) throws -> ChildProcess {
        try Project.requireBuild()
        let command = [Project.products + "/" + name] + arguments
        switch adapter {
        case .embedded: return try ChildProcess(command)
        case .loaded:
            return try ChildProcess(command + ["--system"], environment: ["LD_LIBRARY_PATH": Project.libraries])
        }
    }

    /// Runs to the end and takes success for granted.
    @discardableResult
    private static func run(_ name: String, _ arguments: [String], _ adapter: Adapter) throws -> String {
        try self.finish(self.start(name, arguments, adapter))
    }

    @discardableResult
    private static func finish(_ child: ChildProcess) throws -> String {
        let ending = child.wait(timeoutSeconds: 60)
        guard ending == .exited(code: 0) else {
            throw TestFailure("'\(child.commandLine)' ended with \(ending): \(child.output)")
        }
        return child.output
    }

    /// A server on a free port; the port is what it prints.
    private static func startServer(
        _ name: String,
        _ command: String,
        _ rest: [String],
        _ adapter: Adapter
    ) throws -> (ChildProcess, port: String) {
        let server = try self.start(name, [command, "0"] + rest, adapter)
        // Its output goes to a file, so it is written when the buffer is full: the listening socket tells.
        let deadline = MonotonicSeconds.now + 20
        while MonotonicSeconds.now < deadline, server.poll() == nil {
            if let port = try self.listeningPort(of: server.pid) { return (server, port) }
            usleep(5000)
        }
        throw TestFailure("'\(server.commandLine)' does not listen: \(server.output)")
    }

    private static func listeningPort(of pid: pid_t) throws -> String? {
        let lines = try Shell.run("ss", "-Hltnp").split(separator: "\n").filter { $0.contains("pid=\(pid),") }
        let ports = lines.compactMap { line in
            line.split(separator: " ").dropFirst(3).first?.split(separator: ":").last.map(String.init)
        }
        return ports.first
    }

    @Test(arguments: Adapter.allCases)
    func `hello moves bytes`(adapter: Adapter) throws {
        #expect(try Self.run("hello", [], adapter) == "Hello, verbs!\n")
    }

    @Test func `hello without an adapter says what to do`() throws {
        let child = try ChildProcess(
            [Project.products + "/hello", "--system"],
            environment: ["SWIFT_BACKTRACE": "enable=no"]
        )
        #expect(child.wait() != .exited(code: 0))
        #expect(child.output.contains("libibverbs.so.1") && child.output.contains("RDMA"), "\(child.output)")
    }

    @Test(arguments: Adapter.allCases)
    func `ping-pong measures a round`(adapter: Adapter) throws {
        let (server, port) = try Self.startServer("ping-pong", "server", [], adapter)
        let output = try Self.run("ping-pong", ["client", "localhost", port], adapter)
        #expect(output.contains("1000 rounds of 64 bytes, median"))
        #expect(try Self.finish(server).contains("the client has closed"))
    }

    @Test(arguments: Adapter.allCases)
    func `the store's clients read what was put, and never a torn value`(adapter: Adapter) throws {
        let (server, port) = try Self.startServer("key-value-store", "serve", [], adapter)
        try Self.run("key-value-store", ["put", "localhost", port, "42", "the answer"], adapter)
        #expect(try Self.run("key-value-store", ["get", "localhost", port, "42"], adapter) == "the answer\n")
        #expect(try Self.run("key-value-store", ["get", "localhost", port, "43"], adapter) == "not there\n")
        let output = try Self.run("key-value-store", ["check", "localhost", port], adapter)
        #expect(output.contains("none torn"))
        // A get needs nothing of the server's program, which may stand still.
        server.send(signal: SIGTERM)
    }

    @Test(arguments: [2, 3, 5])
    func `the ring adds up the vectors of all`(count: Int) throws {
        let firstPort = 21_000 + Int(getpid()) % 1000 * 8
        let members = try (0..<count).map { rank in
            try Self.start("all-reduce", ["\(rank)", "\(count)", "\(firstPort)"], .embedded)
        }
        for (rank, member) in members.enumerated() {
            let sum = Float(count * (count + 1) / 2)
            #expect(try Self.finish(member).contains("rank \(rank): 100000 sums, each \(sum)"))
        }
    }

    @Test(arguments: Adapter.allCases)
    func `a file arrives as it was`(adapter: Adapter) throws {
        let original = try TemporaryFolder.shared.file("original-\(adapter)")
        let copy = try TemporaryFolder.shared.file("copy-\(adapter)")
        try Shell.run("dd", "if=/dev/urandom", "of=\(original)", "bs=1000003", "count=7")
        let (server, port) = try Self.startServer("file-transfer", "receive", [copy], adapter)
        let sent = try Self.run("file-transfer", ["send", "localhost", port, original], adapter)
        let received = try Self.finish(server)
        #expect(sent.contains("7000021 bytes sent, checksum "))
        #expect(received.contains("7000021 bytes received, checksum ") && received.contains(", right"))
        try Shell.run("cmp", original, copy)
    }
}
