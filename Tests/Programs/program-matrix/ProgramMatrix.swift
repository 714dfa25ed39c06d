import Foundation
import TestSupport

/// Runs Debian's programs with their options, in every place and on every path, and says what passed. With words behind it,
/// it makes the runs that have all of them in their command or column, and prints; without, it writes `docs/programs.md`.
@main
enum ProgramMatrix {
    /// Where a run takes place, and `VERBENA_PATH` there.
    private static let columns: [(Run.Place, String?)] = [(.oneHost, "direct"), (.oneHost, "wire"), (.twoHosts, nil)]

    static func main() throws {
        try Project.requireBuild()
        let words = CommandLine.arguments.dropFirst()
        let runs = Self.columns
            .flatMap { PingPongRuns.all(at: $0, path: $1) + PerftestRuns.all(at: $0, path: $1) }
            .filter { run in words.allSatisfy { "\(run.command) @ \(run.column)".contains($0) } }
        guard !runs.isEmpty else {
            print("program-matrix: no run has '\(words.joined(separator: "' and '"))' in its command or place")
            exit(2)
        }
        var bench = try Bench()
        var results: [RunResult] = []
        for run in runs {
            let result = bench.result(of: run)
            results.append(result)
            print("\(result.isExpected ? "ok  " : "BAD ") \(run.command) @ \(run.column): \(result.cell)")
            fflush(nil)
            // Nothing of a run that failed is left to the next.
            if result.failure != nil { bench = try Bench() }
        }
        let table = Table(results: results)
        print(table.summary)
        if words.isEmpty {
            try table.text.write(toFile: "\(Project.root)/docs/programs.md", atomically: true, encoding: .utf8)
        }
        exit(results.allSatisfy(\.isExpected) ? 0 : 1)
    }
}
