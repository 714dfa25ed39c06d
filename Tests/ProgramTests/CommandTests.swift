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
            try Shell.run("cp", "/bin/true", copy)
            // Somebody else's, so that the bit changes who the program runs as. In a user namespace of one user nothing can
            // be given away, but there the system's own programs are somebody else's.
            let isGiven = (try? Shell.run("chown", "1:1", copy)) != nil
            try Shell.run("chmod", "4755", copy)
            let program = try self.verbena("run", "--", isGiven ? copy : "/usr/bin/passwd")
            #expect(program.wait() == .exited(code: 126))
            #expect(program.output.contains("set-user-ID"), "\(program.output)")
        }

        /// With and without the right to mount, which decides how the view is made.
        @Test(arguments: [[], ["setpriv", "--bounding-set=-sys_admin"]])
        func `run shows a program the device files, and nobody else`(asWhom: [String]) throws {
            let host = try NetworkNamespace()
            let script = """
                set -e
                test -c /dev/infiniband/uverbs0 -a -r /dev/infiniband/uverbs0 -a -w /dev/infiniband/uverbs0
                echo nothing >/dev/null; ls /sys/class/net >/dev/null; test -L /dev/stdin; id -u
                cd /sys/class/infiniband/verbena0
                cat ../../infiniband_verbs/uverbs0/ibdev node_type ports/1/state ports/1/gids/0 ports/1/gid_attrs/types/0
                ibv_devices | grep -c verbena0
                """
            let program = try ChildProcess(
                host.inside(asWhom + [Project.command, "run", "--device-files", "--", "bash", "-c", script])
            )
            #expect(program.wait() == .exited(code: 0), "\(program.output)")
            let lines = [
                "0", "verbena0", "1: CA", "4: ACTIVE", "0000:0000:0000:0000:0000:ffff:7f00:0001", "RoCE v2", "1", "",
            ]
            #expect(program.output == lines.joined(separator: "\n"))
            #expect(access("/sys/class/infiniband/verbena0", F_OK) != 0)
        }

        @Test func `run says why device files cannot be shown`() throws {
            let host = try NetworkNamespace()
            // No mount and no user namespace may be made here.
            let script = """
                echo 0 >/proc/sys/user/max_user_namespaces
                exec setpriv --bounding-set=-sys_admin \(Project.command) run --device-files true
                """
            let program = try ChildProcess(host.inside(["unshare", "--user", "--map-root-user", "bash", "-c", script]))
            #expect(program.wait() == .exited(code: 126))
            #expect(program.output.contains("making a mount namespace"), "\(program.output)")
            #expect(program.output.contains("--cap-add SYS_ADMIN"), "\(program.output)")
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

        @Test func `fork-demo shows the same page with and without the mark`() throws {
            let demo = try self.verbena("fork-demo")
            #expect(demo.wait() == .exited(code: 0), "\(demo.output)")
            let parts = demo.output.split(separator: "2. The same after mark_nocopy")
            #expect(parts.count == 2, "\(demo.output)")
            #expect(parts[0].contains("The device still sees 'A'"), "\(demo.output)")
            #expect(parts.count == 2 && parts[1].contains("The device sees 'B'"), "\(demo.output)")
            // The numbers of physical pages are shown to root alone; else it is said how to see them.
            let word = demo.output.contains("Run as root") ? "Run as root" : ": another one."
            #expect(parts[0].contains(word), "\(demo.output)")
            #expect(
                parts.count == 2 && parts[1].contains(word == "Run as root" ? word : ": the same."),
                "\(demo.output)"
            )
        }

        @Test func `doctor finds nothing wrong with a machine that allows everything`() throws {
            let host = try NetworkNamespace()
            let doctor = try ChildProcess(host.inside([Project.command, "doctor"]))
            #expect(doctor.wait() == .exited(code: 0), "\(doctor.output)")
            for title in ["UDP port 4791: free", "network interfaces: lo", "shared memory", "open files"] {
                #expect(doctor.output.contains("ok       \(title)"), "\(doctor.output)")
            }
        }

        @Test func `doctor names the process that holds the port`() throws {
            let host = try NetworkNamespace()
            let holder = try PortHolder(on: host)
            // Who does not see the process is told its user.
            let stranger = try ChildProcess(
                host.inside(["unshare", "--pid", "--fork", "--mount-proc", Project.command, "doctor"])
            )
            #expect(stranger.wait() == .exited(code: 1), "\(stranger.output)")
            #expect(
                stranger.output.contains("problem  UDP port 4791: taken by a process of user 0"),
                "\(stranger.output)"
            )
            let doctor = try ChildProcess(host.inside([Project.command, "doctor"]))
            #expect(doctor.wait() == .exited(code: 1), "\(doctor.output)")
            let claim = "problem  UDP port 4791: taken by process \(holder.pid) (python3)"
            #expect(doctor.output.contains(claim), "\(doctor.output)")
            #expect(doctor.output.contains("mend: kill \(holder.pid)"), "\(doctor.output)")
        }

        @Test func `doctor names low limits and what mends them`() throws {
            let host = try NetworkNamespace()
            let doctor = try ChildProcess(
                host.inside([
                    "bash", "-c", "ulimit -l 64; ulimit -n 64; exec \"$@\"", "bash", Project.command, "doctor",
                ])
            )
            #expect(doctor.wait() == .exited(code: 0), "\(doctor.output)")
            #expect(doctor.output.contains("note     locked memory: at most 64 KiB"), "\(doctor.output)")
            #expect(doctor.output.contains("note     open files: at most 64"), "\(doctor.output)")
            #expect(doctor.output.contains("mend: ulimit -n 256"), "\(doctor.output)")
        }

        @Test func `doctor calls a folder that cannot be written a problem`() throws {
            let host = try NetworkNamespace()
            let doctor = try ChildProcess(
                host.inside([
                    "unshare", "--mount", "bash", "-c", "mount -t tmpfs -o ro tmpfs /dev/shm && exec \"$@\"", "bash",
                    Project.command, "doctor",
                ])
            )
            #expect(doctor.wait() == .exited(code: 1), "\(doctor.output)")
            #expect(doctor.output.contains("problem  shared memory (/dev/shm): not writable"), "\(doctor.output)")
        }

        private func verbena(_ arguments: String...) throws -> ChildProcess {
            try Project.requireBuild()
            return try ChildProcess([Project.command] + arguments)
        }
    }
}
