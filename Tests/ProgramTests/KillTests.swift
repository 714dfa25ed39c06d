import Glibc
import TestSupport
import Testing

extension ProgramTests {
    /// Processes that share the port and are killed at any moment.
    @Suite(.serialized)
    struct KillTests {
        private static let pairCount = 4
        private static let killCount = 10

        @Test(arguments: 0..<2 as Range<UInt64>)
        func `eight processes killed at random leave the traffic of others running`(seed: UInt64) throws {
            var random = SeededGenerator(seed: seed)
            let hosts = try NamespacePair()
            let index = try GIDTable.index(of: .ipv4, on: hosts.left)
            var pairs = try (0..<Self.pairCount).map { try Pair(number: $0, gidIndex: index, hosts: hosts) }
            var witness = try Witness(gidIndex: index, host: hosts.left)
            for _ in 0..<Self.killCount {
                usleep(UInt32.random(in: 0...150_000, using: &random))
                let victim = Int.random(in: 0..<Self.pairCount, using: &random)
                pairs[victim].killOne(isServer: Bool.random(using: &random))
                // Whoever lost its peer ends by itself, or is killed while it still waits.
                usleep(UInt32.random(in: 0...50_000, using: &random))
                pairs[victim].killBoth()
                pairs[victim] = try Pair(number: victim, gidIndex: index, hosts: hosts)
                if witness.hasEnded {
                    witness.expectSuccess()
                    witness = try Witness(gidIndex: index, host: hosts.left)
                }
            }
            witness.expectSuccess()
            pairs.forEach { $0.killBoth() }
            // What the dead left behind is in nobody's way.
            try PingPong(program: .rc, options: ["-c"], placement: .oneHost).expectSuccess(on: hosts)
        }
    }
}

/// A pair that talks for ever, server and client on one host. All pairs but one sleep while they wait:
/// on few cores, polling ones would leave no time to the others.
private struct Pair {
    private let server: ChildProcess
    private let client: ChildProcess

    init(number: Int, gidIndex: Int, hosts: NamespacePair) throws {
        let port = 20000 + number
        let arguments =
            ["ibv_rc_pingpong", "-g", "\(gidIndex)", "-n", "100000000", "-p", "\(port)"]
            + (number == 0 ? [] : ["-e"])
        self.server = try hosts.left.startOnVerbena(arguments)
        self.client = try PingPong.startClient(
            arguments + ["127.0.0.1"],
            in: hosts.left,
            of: self.server,
            port: port
        )
    }

    func killOne(isServer: Bool) {
        (isServer ? self.server : self.client).send(signal: SIGKILL)
    }

    func killBoth() {
        for process in [self.server, self.client] {
            process.send(signal: SIGKILL)
            _ = process.wait(timeoutSeconds: 10)
        }
    }
}

/// The pair that must not notice anything.
private struct Witness {
    private let server: ChildProcess
    private let client: ChildProcess

    private static let port = 19000

    init(gidIndex: Int, host: NetworkNamespace) throws {
        let arguments = ["ibv_rc_pingpong", "-g", "\(gidIndex)", "-c", "-e", "-n", "1000", "-p", "\(Self.port)"]
        self.server = try host.startOnVerbena(arguments)
        self.client = try PingPong.startClient(
            arguments + ["127.0.0.1"],
            in: host,
            of: self.server,
            port: Self.port
        )
    }

    var hasEnded: Bool { self.client.poll() != nil }

    func expectSuccess() {
        let clientEnding = self.client.wait(timeoutSeconds: 60)
        if clientEnding != .exited(code: 0) { self.server.send(signal: SIGTERM) }
        PingPong.expectSuccess(
            of: PingPong.Outcome(
                server: self.server,
                client: self.client,
                serverEnding: self.server.wait(timeoutSeconds: 20),
                clientEnding: clientEnding
            )
        )
    }
}
