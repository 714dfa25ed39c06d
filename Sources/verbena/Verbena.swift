import ArgumentParser
import SystemIO

/// The command `verbena`. What it does itself is little: it starts programs on Verbena and explains the machine.
@main
struct Verbena: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verbena",
        abstract: "Run programs that speak InfiniBand verbs on a machine without an RDMA adapter.",
        discussion: """
            Verbena stands in for libibverbs.so.1 and librdmacm.so.1. Programs run unmodified, as an ordinary \
            user, without a kernel module: between two processes of one machine, or between machines over \
            RoCEv2 (UDP port 4791), where real adapters and Linux's rxe understand them.

            First steps:

              verbena doctor                    what this machine allows, and how to mend what it does not
              verbena devices                   the devices that programs will see
              verbena status                    the processes that use them, and how they reach each other
              verbena run -- ibv_devinfo -v     a program's own view of them

            A server and a client on one machine:

              verbena run -- ibv_rc_pingpong -g 0 &
              verbena run -- ibv_rc_pingpong -g 0 localhost

            Between two machines the client names the server's host instead, and both choose a GID of one \
            kind: 'verbena devices' lists them (on most machines, -g 1 is IPv4).

            'run' only puts Verbena's libraries first; LD_LIBRARY_PATH=.../lib/verbena PROGRAM does the same.
            """,
        subcommands: [Run.self, Devices.self, Status.self, Doctor.self, ForkDemo.self]
    )

    /// Ends with the exit code of a `CommandFailure`; the parser knows only its own.
    static func main() {
        do {
            var command = try Self.parseAsRoot()
            try command.run()
        } catch let failure as CommandFailure {
            StandardError.writeLine("verbena: \(failure.message)")
            Self.exit(withError: failure.exitCode)
        } catch {
            Self.exit(withError: error)
        }
    }
}
