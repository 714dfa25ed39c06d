import Glibc
import TestSupport
import Testing

extension ProgramTests {
    /// Machines that do not allow what the adapter needs: a message that names the cause, the documented errno, and no
    /// hang.
    @Suite(.serialized)
    struct FailureTests {
        private static let source = "Tests/ProgramTests/Programs/open-everything.c"

        @Test func `everything opens on a machine that allows it`() throws {
            let host = try NetworkNamespace()
            let program = try host.startOnVerbena([CProgram.compile(Self.source)])
            #expect(program.wait(timeoutSeconds: 20) == .exited(code: 0), "\(program.output)")
        }

        @Test func `a port that another socket holds is named`() throws {
            let host = try NetworkNamespace()
            let holder = try PortHolder(on: host)
            let program = try host.startOnVerbena([CProgram.compile(Self.source)])
            #expect(program.wait(timeoutSeconds: 20) == .exited(code: 3), "\(program.output)")
            #expect(program.output.contains("errno 98"), "EADDRINUSE is expected: \(program.output)")
            #expect(Self.message(in: program)?.contains("4791") == true, "\(program.output)")

            let pingPong = try host.startOnVerbena(["ibv_rc_pingpong", "-g", "0"])
            #expect(pingPong.wait(timeoutSeconds: 20) == .exited(code: 1), "\(pingPong.output)")
            #expect(Self.message(in: pingPong)?.contains("4791") == true, "\(pingPong.output)")
            #expect(holder.isAlive)
        }

        @Test func `too small a limit of open files is named, at whichever step it is met`() throws {
            let host = try NetworkNamespace()
            let executable = try CProgram.compile(Self.source)
            var failureCount = 0
            for limit in 4...40 {
                let program = try ChildProcess(
                    host.inside(
                        ["bash", "-c", "ulimit -n \(limit); exec \"$@\"", "bash"] + Project.onVerbena([executable])
                    )
                )
                let ending = program.wait(timeoutSeconds: 20)
                if ending == .exited(code: 0) { continue }
                failureCount += 1
                #expect(ending == .exited(code: 3), "limit \(limit): \(program.output)")
                #expect(program.output.contains("errno 24"), "limit \(limit), EMFILE is expected: \(program.output)")
                let message = Self.message(in: program)
                #expect(message?.contains("files") == true, "limit \(limit): \(program.output)")
            }
            // Else the limits were all large enough, and nothing was tested.
            #expect(failureCount > 0)
        }

        @Test func `a fork in the middle harms neither side`() throws {
            let host = try NetworkNamespace()
            let executable = try CProgram.compile("Tests/ProgramTests/Programs/fork-in-the-middle.c")
            let program = try host.startOnVerbena([executable])
            #expect(program.wait(timeoutSeconds: 60) == .exited(code: 0), "\(program.output)")
        }

        @Test(arguments: ["eager", "atfork"])
        func `a thousand forks during traffic harm neither side`(policy: String) throws {
            let host = try NetworkNamespace()
            let executable = try CProgram.compile("Tests/ProgramTests/Programs/fork-in-a-loop.c")
            let program = try ChildProcess(
                host.inside(["env", "VERBENA_FORK=\(policy)"] + Project.onVerbena([executable]))
            )
            #expect(program.wait(timeoutSeconds: 160) == .exited(code: 0), "\(program.output)")
        }

        @Test func `an address that goes away ends in a completion with an error`() throws {
            let hosts = try NamespacePair()
            let index = try GIDTable.index(of: .ipv4, on: hosts.left)
            let arguments = ["ibv_rc_pingpong", "-g", "\(index)", "-n", "100000000"]
            let server = try hosts.left.startOnVerbena(arguments)
            let client = try PingPong.startClient(
                arguments + [NamespacePair.leftIPv4],
                in: hosts.right,
                of: server
            )
            // Long enough for both to be at it; what they print stays in their buffers until they end.
            usleep(500_000)
            try #require(client.poll() == nil, "\(client.output)")
            try hosts.right.run(
                "ip",
                "address",
                "delete",
                "\(NamespacePair.rightIPv4)/24",
                "dev",
                NamespacePair.interface
            )
            // The one whose message was on its way is told; the other may only wait for it.
            let deadline = MonotonicSeconds.now + 60
            while server.poll() == nil, client.poll() == nil, MonotonicSeconds.now < deadline { usleep(10_000) }
            let failed = server.poll() == nil ? client : server
            #expect(failed.poll() == .exited(code: 1), "\(failed.output)")
            #expect(failed.output.contains("transport retry counter exceeded"), "\(failed.output)")
        }

        @Test func `a program of librdmacm starts and is told that connection management is not built`() throws {
            let executable = try CProgram.compile(
                "Tests/ProgramTests/Programs/rdmacm-calls.c",
                libraries: ["rdmacm", "ibverbs"]
            )
            let program = try ChildProcess(Project.onVerbena([executable]))
            #expect(program.wait(timeoutSeconds: 20) == .exited(code: 0), "\(program.output)")
            let rping = try ChildProcess(Project.onVerbena(["rping", "-s"]))
            #expect(rping.wait(timeoutSeconds: 20) != .timedOut)
            #expect(rping.output.contains("Operation not supported"), "\(rping.output)")
        }

        /// The first line that the adapter itself wrote.
        private static func message(in program: ChildProcess) -> Substring? {
            program.output.split(separator: "\n").first { $0.hasPrefix("verbena: ") }
        }
    }
}
