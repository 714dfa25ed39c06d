package import Glibc

/// A program that a test starts, with a process group of its own and its output (both streams) kept in a file without
/// a name. It is killed when the value goes.
package final class ChildProcess {
    /// How a program ended.
    package enum Ending: Equatable, Sendable {
        case exited(code: CInt)
        case killed(signal: CInt)
        /// It ran longer than allowed and was killed by the test.
        case timedOut
    }

    private static let pollNanoseconds = 2_000_000
    private static let outputByteCountMax = 64 << 20

    package let pid: pid_t
    package let commandLine: String
    private let outputDescriptor: CInt
    private var ending: Ending?

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - arguments: The program, looked up in `PATH`, and its arguments.
    ///   - environment: Variables to set beside the inherited ones.
    package init(_ arguments: [String], environment: [String: String] = [:]) throws(TestFailure) {
        self.commandLine = arguments.joined(separator: " ")
        self.outputDescriptor = try Self.temporaryFile()
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, self.outputDescriptor, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, self.outputDescriptor, STDERR_FILENO)
        // What the test runner does about signals is not the child's.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)
        )

        let inherited = Self.inheritedEnvironment.filter { entry in
            !environment.keys.contains { entry.hasPrefix("\($0)=") }
        }
        let argumentPointers = arguments.map { strdup($0) } + [nil]
        let environmentPointers = (inherited + environment.map { "\($0)=\($1)" }).map { strdup($0) } + [nil]
        defer { (argumentPointers + environmentPointers).forEach { free($0) } }
        var pid: pid_t = 0
        let status = posix_spawnp(&pid, arguments[0], &actions, &attributes, argumentPointers, environmentPointers)
        guard status == 0 else {
            close(self.outputDescriptor)
            throw TestFailure("\(arguments[0]) cannot be started: \(String(cString: strerror(status)))")
        }
        self.pid = pid
    }

    deinit {
        if self.ending == nil {
            // The group is the child's own: whatever it started goes with it.
            kill(-self.pid, SIGKILL)
            var status: CInt = 0
            waitpid(self.pid, &status, 0)
        }
        close(self.outputDescriptor)
    }

    private static let inheritedEnvironment: [String] = {
        var entries: [String] = []
        guard let block = ProcessEnvironment.block else { return entries }
        var index = 0
        while let entry = block[index] {
            entries.append(String(cString: entry))
            index += 1
        }
        return entries
    }()

    /// A descriptor of a file that has no name and goes with its last descriptor.
    private static func temporaryFile() throws(TestFailure) -> CInt {
        guard let file = tmpfile() else { throw TestFailure("a temporary file cannot be made") }
        defer { fclose(file) }
        return fcntl(fileno(file), F_DUPFD_CLOEXEC, 3)
    }
}

// MARK: - Ending

extension ChildProcess {
    /// Waits until the program ends, and kills it when it does not in time.
    package func wait(timeoutSeconds: Int = 60) -> Ending {
        let deadline = MonotonicSeconds.now + Double(timeoutSeconds)
        while true {
            if let ending = self.poll() { return ending }
            if MonotonicSeconds.now >= deadline { break }
            usleep(useconds_t(Self.pollNanoseconds / 1000))
        }
        kill(-self.pid, SIGKILL)
        var status: CInt = 0
        waitpid(self.pid, &status, 0)
        self.ending = .timedOut
        return .timedOut
    }

    /// Waits as long as it takes, without looking in between: for measuring how long a program runs.
    package func waitUntilEnd() -> Ending {
        if self.ending == nil {
            var status: CInt = 0
            while waitpid(self.pid, &status, 0) == -1, errno == EINTR {}
            self.ending = Self.ending(of: status)
        }
        return self.ending ?? .timedOut
    }

    /// How the program ended, or nil while it runs.
    package func poll() -> Ending? {
        if let ending = self.ending { return ending }
        var status: CInt = 0
        guard waitpid(self.pid, &status, WNOHANG) == self.pid else { return nil }
        self.ending = Self.ending(of: status)
        return self.ending
    }

    private static func ending(of status: CInt) -> Ending {
        let signal = status & 0x7F
        return signal == 0 ? .exited(code: status >> 8 & 0xFF) : .killed(signal: signal)
    }

    /// Sends a signal to the program alone. Nothing happens when it has ended.
    package func send(signal: CInt) {
        guard self.poll() == nil else { return }
        kill(self.pid, signal)
    }
}

// MARK: - Output

extension ChildProcess {
    /// What the program has written so far, on both streams.
    package var output: String {
        var bytes: [UInt8] = []
        while bytes.count < Self.outputByteCountMax {
            var chunk = [UInt8](repeating: 0, count: 65536)
            let count = pread(self.outputDescriptor, &chunk, chunk.count, off_t(bytes.count))
            if count <= 0 { break }
            bytes += chunk.prefix(count)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Waits until the output has a text in it. False when the program ended or the time ran out before.
    package func waitForOutput(_ text: String, timeoutSeconds: Int = 20) -> Bool {
        let deadline = MonotonicSeconds.now + Double(timeoutSeconds)
        while MonotonicSeconds.now < deadline {
            let hasEnded = self.poll() != nil
            if self.output.contains(text) { return true }
            if hasEnded { return false }
            usleep(useconds_t(Self.pollNanoseconds / 1000))
        }
        return false
    }
}

// MARK: - Listening

extension ChildProcess {
    /// The state of a socket that listens, as /proc/net/tcp writes it.
    private static let listening = "0A"

    /// Waits until a TCP port is listened on in the network namespace that the program has entered. False when the
    /// program ended or the time ran out before.
    package func waitForListener(port: Int, timeoutSeconds: Int = 20) -> Bool {
        let deadline = MonotonicSeconds.now + Double(timeoutSeconds)
        while MonotonicSeconds.now < deadline, self.poll() == nil {
            if self.hasEnteredNamespace, self.hasListener(port: port) { return true }
            usleep(useconds_t(Self.pollNanoseconds / 1000))
        }
        return false
    }

    private var hasEnteredNamespace: Bool {
        Self.networkNamespace(of: "\(self.pid)") != Self.networkNamespace(of: "self")
    }

    private static func networkNamespace(of process: String) -> [CChar] {
        var target = [CChar](repeating: 0, count: 64)
        readlink("/proc/\(process)/ns/net", &target, target.count)
        return target
    }

    private func hasListener(port: Int) -> Bool {
        ["tcp", "tcp6"].contains { table in
            guard let file = fopen("/proc/\(self.pid)/net/\(table)", "r") else { return false }
            defer { fclose(file) }
            var line = [CChar](repeating: 0, count: 512)
            while fgets(&line, CInt(line.count), file) != nil {
                let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
                let fields = text.split(separator: " ")
                guard fields.count > 3, fields[3] == Self.listening, let colon = fields[1].lastIndex(of: ":")
                else { continue }
                if Int(fields[1][colon...].dropFirst(), radix: 16) == port { return true }
            }
            return false
        }
    }
}
