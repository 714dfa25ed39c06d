import Glibc

/// A network namespace for the thread of a test. Needs root.
package enum ThreadNamespace {
    /// What kept the namespace from being made.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// Runs `body` in a fresh namespace, after the shell commands that set it up.
    ///
    /// Only the calling thread moves there and back. Sockets that it opens stay in the namespace, and so do programs that
    /// it starts; it disappears with the last of them.
    package static func withFresh<Value>(
        commands: [String] = ["ip link set lo up"],
        _ body: () throws -> Value
    ) throws -> Value {
        let home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
        guard home >= 0 else { throw Failure(description: "/proc/thread-self/ns/net: \(self.reason)") }
        defer { close(home) }
        guard CFunctions.unshare(Self.newNetwork) == 0 else {
            throw Failure(description: "unshare: \(self.reason); this test needs root")
        }
        defer {
            guard CFunctions.setns(home, Self.newNetwork) == 0 else { fatalError("no way back from the namespace") }
        }
        for command in commands { try self.shell(command) }
        return try body()
    }

    /// `CLONE_NEWNET`.
    private static var newNetwork: CInt { 0x4000_0000 }

    private static var reason: String { String(cString: strerror(errno)) }

    /// Runs a command of the shell in the namespace of the calling thread, and throws if it fails.
    package static func shell(_ command: String) throws {
        let words: [String] = ["sh", "-c", command]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        var pid: pid_t = 0
        let error = posix_spawn(&pid, "/bin/sh", nil, nil, &arguments, environ)
        guard error == 0 else { throw Failure(description: "sh: \(String(cString: strerror(error)))") }
        var status: CInt = 0
        while waitpid(pid, &status, 0) == -1 && errno == EINTR {}
        guard status == 0 else { throw Failure(description: "\(command): status \(status)") }
    }
}
