import Glibc
import TestSupport

/// The two namespaces of the benchmark, and the programs that run in them.
struct Hosts {
    private static let timeoutSeconds = 60
    private static let attemptMax = 100

    let pair: NamespacePair
    private let leftIndex: Int
    private let rightIndex: Int

    init() throws {
        self.pair = try NamespacePair()
        self.leftIndex = try GIDTable.index(of: .ipv4, on: self.pair.left)
        self.rightIndex = try GIDTable.index(of: .ipv4, on: self.pair.right)
    }

    /// Runs a program of ibverbs-utils against itself on Verbena and returns what the client printed.
    func pingPong(_ arguments: [String]) throws -> String {
        try self.run(
            server: ["ibv_rc_pingpong", "-g", "\(self.leftIndex)"] + arguments,
            client: ["ibv_rc_pingpong", "-g", "\(self.rightIndex)"] + arguments + [NamespacePair.leftIPv4]
        )
    }

    /// Runs a program of perftest against itself on Verbena and returns what the client printed.
    func perftest(_ arguments: [String]) throws -> String {
        try self.run(
            server: arguments + ["-x", "\(self.leftIndex)"],
            client: arguments + ["-x", "\(self.rightIndex)", NamespacePair.leftIPv4]
        )
    }

    private func run(server: [String], client: [String]) throws -> String {
        try self.talk(
            server: self.pair.left.inside(Project.onVerbena(server)),
            client: self.pair.right.inside(Project.onVerbena(client)),
            refusal: "Couldn't connect"
        )
    }

    /// Runs a plain server and client and returns what the client printed.
    func plain(server: [String], client: [String], refusal: String) throws -> String {
        try self.talk(
            server: self.pair.left.inside(server),
            client: self.pair.right.inside(client),
            refusal: refusal
        )
    }

    /// - Parameter refusal: What the client prints while the server does not listen yet.
    private func talk(server: [String], client: [String], refusal: String) throws -> String {
        let server = try ChildProcess(server)
        for _ in 0..<Self.attemptMax {
            let client = try ChildProcess(client)
            let ending = client.wait(timeoutSeconds: Self.timeoutSeconds)
            if ending == .exited(code: 0) {
                server.send(signal: SIGTERM)
                _ = server.wait(timeoutSeconds: 5)
                return client.output
            }
            guard client.output.contains(refusal), server.poll() == nil else {
                throw TestFailure("\(client.commandLine): \(ending), \(Self.lastLine(of: client.output))")
            }
            usleep(50_000)
        }
        throw TestFailure("\(server.commandLine) does not listen")
    }

    private static func lastLine(of text: String) -> Substring {
        text.split(separator: "\n").last ?? ""
    }
}
