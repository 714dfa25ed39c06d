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

    /// The program that runs the tests.
    package static let testProgram: String = {
        var path = [CChar](repeating: 0, count: 4096)
        readlink("/proc/self/exe", &path, path.count - 1)
        return String(decoding: path.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }()

    /// Where the programs lie that were built with the tests: beside the test program.
    package static let products: String = Self.testProgram.split(separator: "/").dropLast().map { "/\($0)" }.joined()

    /// Where `scripts/run-tests` leaves programs that are optimised.
    package static let optimizedProducts = root + "/.build/release"

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
