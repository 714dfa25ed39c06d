import ArgumentParser
import SoftHCA
import SystemIO

/// `verbena run -- PROGRAM ARGS`: puts Verbena's libraries first and becomes the program, so that its exit code and
/// its signals are the program's own.
struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a program on Verbena.",
        usage: "verbena run [--device-files] [--] <program> [<arguments> ...]",
        discussion: """
            The program finds Verbena's libibverbs.so.1 and librdmacm.so.1 before the system's; nothing else \
            about it changes, and so do the programs that it starts in turn. Its exit code is the program's \
            own; 127 means that there is no such program, 126 that it cannot run on Verbena.

              verbena run -- ibv_devinfo -v
              verbena run -- ib_write_lat -d verbena0 -x 1 10.0.0.2
              verbena run -- bash -c 'ibv_rc_pingpong -g 0 & sleep 1; ibv_rc_pingpong -g 0 localhost'
              verbena run --device-files -- ucx_info -d
            """
    )

    @Flag(
        help: """
            Show the program /dev/infiniband and /sys/class/infiniband as the kernel would (UCX, MPI and others look \
            there). They are seen by it and its children alone. An ordinary user's program is put in a user namespace \
            for it, where set-user-ID programs do not work; programs of two such runs reach each other over the wire.
            """
    )
    var deviceFiles = false

    @Argument(parsing: .captureForPassthrough, help: "The program, found as a shell finds it, and its arguments.")
    var command: [String] = []

    func run() throws {
        var command = self.command[...]
        if command.first == "--" {
            command = command.dropFirst()
        } else if let first = command.first, ["-h", "-help", "--help"].contains(first) {
            throw CleanExit.helpRequest(Self.self)
        }
        guard let name = command.first else { throw ValidationError("no program is named.") }
        let libraries = try Installation.libraryFolder()
        let program = try Self.find(name)
        try Self.check(program)

        if self.deviceFiles { try Self.showDeviceFiles() }

        let inherited = Environment.value(of: "LD_LIBRARY_PATH") ?? ""
        // An empty part would mean the current folder.
        ProcessImage.setEnvironment("LD_LIBRARY_PATH", to: inherited.isEmpty ? libraries : "\(libraries):\(inherited)")
        let failure = ProcessImage.execute(program.path, arguments: Array(command))
        throw CommandFailure("\(program.path) cannot be started: \(failure.message).", exitCode: .cannotRun)
    }

    private static func showDeviceFiles() throws {
        let devices: [Device]
        do {
            devices = try Device.enumerate()
        } catch {
            throw CommandFailure("the network interfaces cannot be listed: \(error.message).")
        }
        try DeviceFiles.show(devices)
    }

    private static func find(_ name: String) throws -> ProgramFile {
        do {
            return try ProgramFile(name: name, searchPath: Environment.value(of: "PATH") ?? "/usr/bin:/bin")
        } catch .notFound {
            throw CommandFailure("there is no program \(name); is its package installed?", exitCode: .notFound)
        } catch .notExecutable(let path) {
            throw CommandFailure(
                "\(path) is not executable; 'chmod +x' makes it so if it is a program.",
                exitCode: .cannotRun
            )
        }
    }

    private static func check(_ program: ProgramFile) throws {
        let reason: String
        switch program.loaderRefusal {
        case nil: return
        case .changesIdentity:
            reason = "it runs as another user or group (set-user-ID); a copy without that bit can run on Verbena"
        case .hasCapabilities:
            reason = "the file carries capabilities; a copy without them can run on Verbena"
        case .isStatic:
            reason = "it is linked statically and loads no library at all"
        }
        throw CommandFailure(
            "\(program.path) would not use Verbena's libraries: \(reason).",
            exitCode: .cannotRun
        )
    }
}
