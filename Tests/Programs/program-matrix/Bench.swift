import Glibc
import TestSupport

/// Two hosts in network namespaces, on which runs are made one after the other.
final class Bench {
    private static let limitSeconds = 30
    /// For programs that wait for what may have been lost, or for what never comes.
    private static let lossyLimitSeconds = 4

    private let hosts: NamespacePair
    private let leftIndex: Int
    private let rightIndex: Int

    init() throws {
        self.hosts = try NamespacePair()
        self.leftIndex = try GIDTable.index(of: .ipv4, on: self.hosts.left)
        self.rightIndex = try GIDTable.index(of: .ipv4, on: self.hosts.right)
    }

    func result(of run: Run) -> RunResult {
        let start = MonotonicSeconds.now
        let failure: String?
        do {
            failure = try self.failure(of: run)
        } catch {
            failure = "\(error)"
        }
        return RunResult(run: run, seconds: MonotonicSeconds.now - start, failure: failure.map(Self.oneLine))
    }

    /// What went wrong, or nil.
    private func failure(of run: Run) throws -> String? {
        let environment = run.path.map { ["VERBENA_PATH": $0] } ?? [:]
        let clientHost = run.place == .oneHost ? self.hosts.left : self.hosts.right
        let clientIndex = run.place == .oneHost ? self.leftIndex : self.rightIndex
        let serverName = run.place == .oneHost ? "127.0.0.1" : NamespacePair.leftIPv4
        let server = try self.hosts.left.startOnVerbena(
            self.arguments(of: run, gidIndex: self.leftIndex),
            environment: environment
        )
        guard server.waitForListener(port: run.port) else {
            return Self.reason(in: server.output) ?? "the server does not listen"
        }
        // The server of ibv_xsrq_pingpong is told how many come; a client knows no such option.
        var clientRun = run
        if run.clientCount > 1, let option = run.options.firstIndex(of: "-c") {
            clientRun.options.removeSubrange(option...option + 1)
        }
        var clients: [ChildProcess] = []
        for _ in 0..<run.clientCount {
            let arguments = self.arguments(of: clientRun, gidIndex: clientIndex) + [serverName]
            clients.append(try clientHost.startOnVerbena(arguments, environment: environment))
        }
        let limitSeconds = run.expectation == .passes ? Self.limitSeconds : Self.lossyLimitSeconds
        let endings = clients.map { $0.wait(timeoutSeconds: limitSeconds) }
        // Without its clients the server would wait for ever.
        if endings.contains(where: { $0 != .exited(code: 0) }) { server.send(signal: SIGTERM) }
        let serverEnding = server.wait(timeoutSeconds: 10)
        let output = clients.map(\.output).joined(separator: "\n") + "\n" + server.output
        for ending in endings + [serverEnding] where ending != .exited(code: 0) {
            return Self.reason(in: output) ?? "\(ending)"
        }
        if let line = Self.line(in: output, with: ["invalid data", "verbena: "]) { return line }
        guard run.program == "ibv_xsrq_pingpong" || clients.allSatisfy({ Self.hasFigure($0.output) }) else {
            return "it ended well without a figure"
        }
        return nil
    }

    private func arguments(of run: Run, gidIndex: Int) -> [String] {
        // -F: perftest looks at the processor's frequency governor otherwise.
        [run.program] + run.options + (run.isPerftest ? ["-F", "-x", "\(gidIndex)"] : ["-g", "\(gidIndex)"])
    }
}

// MARK: - Reading what programs print

extension Bench {
    /// A ping-pong's "usec/iter", or a row of perftest's table.
    private static func hasFigure(_ output: String) -> Bool {
        output.contains("usec/iter")
            || output.split(separator: "\n").contains { line in
                let fields = line.split(whereSeparator: \.isWhitespace)
                return fields.count >= 4 && fields.allSatisfy { Double($0) != nil || $0 == "inf" }
            }
    }

    private static func reason(in output: String) -> String? {
        Self.line(
            in: output,
            with: ["verbena: ", "status", "ailed", "rror", "nable", "ouldn't", "annot", "upport", "nvalid", "Did not"]
        )
    }

    private static func line(in output: String, with words: [String]) -> String? {
        output.split(separator: "\n").first { line in words.contains { line.contains($0) } }.map(String.init)
    }

    /// Fit for a cell of a table, and without the folders of this machine.
    private static func oneLine(_ text: String) -> String {
        let line = text.replacing(Project.root + "/", with: "").replacing("\n", with: " ").replacing("|", with: "/")
        return String(line.drop(while: \.isWhitespace).prefix(160))
    }
}
