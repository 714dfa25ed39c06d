import Glibc

/// Where the project and what `make build` leaves of it lie.
package enum Project {
    /// The project's folder, known from where this file was compiled.
    package static let root: String = {
        let parts = #filePath.split(separator: "/").dropLast(3)
        return parts.map { "/\($0)" }.joined()
    }()

    package static let libraries = root + "/dist/lib/verbena"
    package static let command = root + "/dist/bin/verbena"

    /// The command line that runs a program on Verbena.
    package static func onVerbena(_ arguments: [String]) -> [String] {
        [Self.command, "run", "--"] + arguments
    }

    /// Throws a message that says what to do when `make build` has not staged its tree.
    package static func requireBuild() throws(TestFailure) {
        guard access(Self.command, X_OK) == 0 else {
            throw TestFailure("\(Self.command) is not there: run 'make build' first, or 'make test', which does both")
        }
    }
}
