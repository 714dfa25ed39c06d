/// Runs a program to its end where its success is taken for granted.
package enum Shell {
    /// The program's output. Throws a message with the output when it fails.
    @discardableResult
    package static func run(_ arguments: String..., timeoutSeconds: Int = 60) throws(TestFailure) -> String {
        try self.run(arguments, timeoutSeconds: timeoutSeconds)
    }

    @discardableResult
    package static func run(_ arguments: [String], timeoutSeconds: Int = 60) throws(TestFailure) -> String {
        let child = try ChildProcess(arguments)
        let ending = child.wait(timeoutSeconds: timeoutSeconds)
        guard ending == .exited(code: 0) else {
            throw TestFailure("'\(child.commandLine)' failed (\(ending)): \(child.output)")
        }
        return child.output
    }
}
