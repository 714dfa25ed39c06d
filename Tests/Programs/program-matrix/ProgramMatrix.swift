import Foundation
import TestSupport

/// Runs Debian's programs with their options, in every place and on every path, says what passed, and writes
/// `docs/programs.md`. With words behind it, it makes the runs that have all of them in their command or column; the table
/// is then written anew only where one run of all has gone before.
@main
enum ProgramMatrix {
    /// Where a run takes place, and `VERBENA_PATH` there.
    private static let columns: [(Run.Place, String?)] = [(.oneHost, "direct"), (.oneHost, "wire"), (.twoHosts, nil)]

    static func main() throws {
        try Project.requireBuild()
        let words = CommandLine.arguments.dropFirst()
        let all = Self.columns.flatMap { PingPongRuns.all(at: $0, path: $1) + PerftestRuns.all(at: $0, path: $1) }
        let runs = all.filter { run in words.allSatisfy { run.name.contains($0) } }
        guard !runs.isEmpty else {
            print("program-matrix: no run has '\(words.joined(separator: "' and '"))' in its command or place")
            exit(2)
        }
        var bench = try Bench()
        var results: [RunResult] = []
        for run in runs {
            let result = bench.result(of: run)
            results.append(result)
            print("\(result.isExpected ? "ok  " : "BAD ") \(run.name): \(result.cell)")
            fflush(nil)
            // Nothing of a run that failed is left to the next.
            if result.failure != nil { bench = try Bench() }
        }
        print(Table(runs: runs, results: results).summary)
        if var record = words.isEmpty ? Record() : Record.load() {
            for result in results { record.note(result) }
            try record.save()
            let table = Table(runs: all, results: all.compactMap { record.result(of: $0) })
            try table.text.write(toFile: "\(Project.root)/docs/programs.md", atomically: true, encoding: .utf8)
        }
        exit(results.allSatisfy(\.isExpected) ? 0 : 1)
    }
}
