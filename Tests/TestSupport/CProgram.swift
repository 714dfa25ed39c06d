import Foundation

/// Programs in C that tests compile against the system's headers, as a user would.
package enum CProgram {
    /// Tests run side by side; each program is compiled once, and nobody starts it before it is whole.
    private static let lock = NSLock()

    /// Compiles a program and returns the executable's path.
    ///
    /// - Parameters:
    ///   - path: The source file, from the project's folder on.
    ///   - libraries: As the option `-l` takes them. The system's are linked; which are loaded is decided at the start.
    package static func compile(_ path: String, libraries: [String] = ["ibverbs"]) throws(TestFailure) -> String {
        Self.lock.lock()
        defer { Self.lock.unlock() }
        let name = path.split(separator: "/").joined(separator: "-")
        let executable = try TemporaryFolder.shared.file(name + ".out")
        if access(executable, X_OK) == 0 { return executable }
        let unfinished = "\(executable).\(getpid())"
        try Shell.run(
            [
                "gcc", "-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-o", unfinished,
                "\(Project.root)/\(path)",
            ]
                + libraries.map { "-l\($0)" } + ["-pthread"]
        )
        rename(unfinished, executable)
        return executable
    }
}
