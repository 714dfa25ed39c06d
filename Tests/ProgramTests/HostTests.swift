import Glibc
import TestSupport
import Testing

extension ProgramTests {
    /// Processes of one host that work on each other's memory: many of them, and some that are killed at any moment.
    @Suite(.serialized)
    struct HostTests {
        /// `make kills` runs a thousand rounds.
        private static var roundCount: Int {
            getenv("VERBENA_TEST_KILLS").flatMap { Int(String(cString: $0)) } ?? 40
        }

        /// With `direct`, who meets a dead peer as it connects would be refused at once.
        @Test(arguments: ["auto", "wire"])
        func `whoever is left after a death has lost nothing`(path: String) throws {
            let host = try NetworkNamespace()
            // Over the wire a round takes longer, for the answers that do not come are waited for.
            let rounds = path == "wire" ? max(1, Self.roundCount / 4) : Self.roundCount
            let program = try CProgram.compile("Tests/ProgramTests/Programs/kills.c")
            let process = try ChildProcess(
                host.inside(["env", "VERBENA_PATH=\(path)"] + Project.onVerbena([program, "\(rounds)", "7"]))
            )
            #expect(process.wait(timeoutSeconds: 30 + rounds) == .exited(code: 0), "\(process.output)")
            #expect(process.output.contains("\(rounds) kills survived"), "\(process.output)")
        }

        @Test func `sixty-four processes reach each other`() throws {
            let host = try NetworkNamespace()
            let program = try CProgram.compile("Tests/ProgramTests/Programs/crowd.c")
            let process = try ChildProcess(
                host.inside(["env", "VERBENA_PATH=direct"] + Project.onVerbena([program, "64"]))
            )
            #expect(process.wait(timeoutSeconds: 120) == .exited(code: 0), "\(process.output)")
        }

        @Test(arguments: [("auto", "reached directly"), ("wire", "VERBENA_PATH asks")])
        func `the command shows which way was taken`(path: String, words: String) throws {
            let host = try NetworkNamespace()
            let arguments = ["env", "VERBENA_PATH=\(path)", "ibv_rc_pingpong", "-g", "0", "-n", "100000000", "-e"]
            let server = try host.startOnVerbena(arguments)
            let client = try PingPong.startClient(
                arguments + ["127.0.0.1"],
                in: host,
                of: server,
                port: PingPong.defaultPort
            )
            defer {
                for process in [server, client] {
                    process.send(signal: SIGKILL)
                    _ = process.wait(timeoutSeconds: 10)
                }
            }
            var output = ""
            for _ in 0..<100 where !output.contains(words) {
                usleep(50_000)
                output = try Shell.run(host.inside([Project.command, "status"]))
            }
            #expect(output.contains(words), "\(output)")
        }
    }
}
