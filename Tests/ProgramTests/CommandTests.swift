import Glibc
import TestSupport
import Testing

extension ProgramTests {
    /// The command `verbena`, as `make build` staged it.
    @Suite(.serialized)
    struct CommandTests {
        @Test func `run hands on the exit code and the arguments`() throws {
            let program = try self.verbena(
                "run",
                "--",
                "bash",
                "-c",
                "echo \"$#:$1\"; exit 42",
                "bash",
                "a b",
                "--help"
            )
            #expect(program.wait() == .exited(code: 42))
            #expect(program.output == "2:a b\n")
        }

        @Test func `run hands on a signal`() throws {
            let program = try self.verbena("run", "bash", "-c", "kill -TERM $$")
            #expect(program.wait() == .killed(signal: SIGTERM))
        }

        @Test func `run puts the own libraries before those that are set`() throws {
            let program = try ChildProcess(
                [Project.command, "run", "--", "bash", "-c", "echo $LD_LIBRARY_PATH"],
                environment: ["LD_LIBRARY_PATH": "/elsewhere"]
            )
            #expect(program.wait() == .exited(code: 0))
            #expect(program.output == "\(Project.libraries):/elsewhere\n")
        }

        @Test(
            arguments: [
                (["no-such-program"], 127, "there is no program no-such-program"),
                (["/etc/passwd"], 126, "/etc/passwd is not executable"),
                (["/sbin/ldconfig"], 126, "linked statically"),
                ([], 64, "no program is named"),
            ] as [([String], CInt, String)]
        )
        func `run says why it cannot`(arguments: [String], code: CInt, words: String) throws {
            let program = try ChildProcess([Project.command, "run", "--"] + arguments)
            #expect(program.wait() == .exited(code: code), "\(program.output)")
            #expect(program.output.contains(words), "\(program.output)")
        }

        @Test func `run refuses a program that changes its identity, for which the loader would ignore it`() throws {
            let copy = try TemporaryFolder.shared.file("set-user-id")
            // Nobody's, so that the bit changes who the program runs as.
            try Shell.run("cp", "/bin/true", copy)
            try Shell.run("chown", "1:1", copy)
            try Shell.run("chmod", "4755", copy)
            let program = try self.verbena("run", "--", copy)
            #expect(program.wait() == .exited(code: 126))
            #expect(program.output.contains("set-user-ID"), "\(program.output)")
        }

        @Test func `help teaches with examples`() throws {
            let help = try self.verbena("--help")
            #expect(help.wait() == .exited(code: 0))
            for words in ["verbena run -- ibv_rc_pingpong", "verbena doctor", "verbena devices"] {
                #expect(help.output.contains(words), "\(help.output)")
            }
            let runHelp = try self.verbena("run", "--help")
            #expect(runHelp.wait() == .exited(code: 0))
            #expect(runHelp.output.contains("127"), "\(runHelp.output)")
        }

        private func verbena(_ arguments: String...) throws -> ChildProcess {
            try Project.requireBuild()
            return try ChildProcess([Project.command] + arguments)
        }
    }
}
