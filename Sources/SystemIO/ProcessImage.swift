import Glibc

/// The image that this process runs: where it lies, and its replacement by another.
package enum ProcessImage {
    /// The path of the running executable, with symbolic links followed.
    package static func executablePath() throws(Errno) -> String { try FileSystem.linkTarget("/proc/self/exe") }

    /// The path with symbolic links followed, or nil when nothing is there.
    package static func resolvedPath(_ path: String) -> String? {
        // SAFETY: with a null second argument the result is allocated, and freed below.
        guard let resolved = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    /// Sets a variable of the environment that `execute` hands on. Only for a process with one thread.
    package static func setEnvironment(_ name: String, to value: String) {
        // SAFETY: the strings are copied.
        _ = unsafe setenv(name, value, 1)
    }

    /// Replaces this process by a program, which inherits the environment. Returns only to report a failure.
    ///
    /// - Parameters:
    ///   - path: The program file.
    ///   - arguments: All of them, the program's own name first.
    package static func execute(_ path: String, arguments: [String]) -> Errno {
        let pointers = unsafe arguments.map { unsafe strdup($0) } + [nil]
        // SAFETY: the array ends in null and its strings live until the call returns, which it does only on failure.
        _ = unsafe execv(path, pointers)
        let failure = Errno.last
        unsafe pointers.forEach { unsafe free($0) }
        return failure
    }
}
