import TestSupport
import Testing

/// One run of a ping-pong program of ibverbs-utils: a server, a client, and what they were told.
struct PingPong: Sendable, CustomTestStringConvertible {
    enum Program: String, CaseIterable, Sendable {
        case rc = "ibv_rc_pingpong"
        case uc = "ibv_uc_pingpong"
        case ud = "ibv_ud_pingpong"
        case srq = "ibv_srq_pingpong"
    }

    enum Placement: String, CaseIterable, Sendable {
        case oneHost = "on one host"
        case twoNamespaces = "across namespaces"
    }

    var program: Program
    var options: [String] = []
    /// Which of the device's addresses the programs are told to use.
    var address = GIDTable.Kind.ipv4
    var placement: Placement

    var testDescription: String {
        let words = [self.program.rawValue] + self.options + ["over", self.address.rawValue, self.placement.rawValue]
        return words.joined(separator: " ")
    }
}

// MARK: - Running

extension PingPong {
    /// Where the servers listen unless told otherwise.
    static let defaultPort = 18515

    /// Both programs, ended.
    struct Outcome {
        var server: ChildProcess
        var client: ChildProcess
        var serverEnding: ChildProcess.Ending
        var clientEnding: ChildProcess.Ending

        var report: String {
            """
            \(self.server.commandLine): \(self.serverEnding)
            \(self.server.output)
            \(self.client.commandLine): \(self.clientEnding)
            \(self.client.output)
            """
        }
    }

    /// Runs the pair in fresh namespaces and expects that it passes.
    func expectSuccess() throws {
        try self.expectSuccess(on: NamespacePair())
    }

    func expectSuccess(on hosts: NamespacePair, timeoutSeconds: Int = 60) throws {
        let outcome = try self.run(on: hosts, timeoutSeconds: timeoutSeconds)
        Self.expectSuccess(of: outcome)
    }

    static func expectSuccess(of outcome: Outcome) {
        #expect(outcome.serverEnding == .exited(code: 0), "\(outcome.report)")
        #expect(outcome.clientEnding == .exited(code: 0), "\(outcome.report)")
        #expect(outcome.client.output.contains("usec/iter"), "\(outcome.report)")
        // What the option -c prints for a byte that is not the one that was sent.
        #expect(!outcome.report.contains("invalid data"), "\(outcome.report)")
        #expect(!outcome.report.contains("verbena: "), "\(outcome.report)")
    }

    func run(on hosts: NamespacePair, timeoutSeconds: Int) throws -> Outcome {
        let clientHost = self.placement == .oneHost ? hosts.left : hosts.right
        let server = try hosts.left.startOnVerbena(self.arguments(on: hosts.left))
        let serverName = self.placement == .oneHost ? "127.0.0.1" : NamespacePair.leftIPv4
        let client = try Self.startClient(
            self.arguments(on: clientHost) + [serverName],
            in: clientHost,
            of: server
        )
        let clientEnding = client.wait(timeoutSeconds: timeoutSeconds)
        // Without a client the server would wait for ever.
        if clientEnding != .exited(code: 0) { server.send(signal: 15) }
        let serverEnding = server.wait(timeoutSeconds: timeoutSeconds)
        return Outcome(server: server, client: client, serverEnding: serverEnding, clientEnding: clientEnding)
    }

    /// Starts the client once its server listens.
    static func startClient(
        _ arguments: [String],
        in host: NetworkNamespace,
        of server: ChildProcess,
        port: Int = defaultPort
    ) throws -> ChildProcess {
        guard server.waitForListener(port: port) else {
            throw TestFailure("'\(server.commandLine)' does not listen: \(server.output)")
        }
        return try host.startOnVerbena(arguments)
    }

    private func arguments(on host: NetworkNamespace) throws -> [String] {
        let index = try GIDTable.index(of: self.address, on: host)
        return [self.program.rawValue, "-g", "\(index)"] + self.options
    }
}
