import ArgumentParser

/// A failure of the command that ends it with a message of one line and a documented exit code.
struct CommandFailure: Error {
    let message: String
    let exitCode: ExitCode

    init(_ message: String, exitCode: ExitCode = .failure) {
        self.message = message
        self.exitCode = exitCode
    }
}

extension ExitCode {
    /// What shells answer when a program is there and cannot be run.
    static let cannotRun = ExitCode(126)
    /// What shells answer when there is no such program.
    static let notFound = ExitCode(127)
}
