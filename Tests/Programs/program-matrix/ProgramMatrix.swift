import Foundation
import TestSupport

/// Runs Debian's programs with their options, in every place and on every path, says what passed, and writes
/// `docs/programs.md`. With words behind it, it makes the runs that have all of them in their command or column; without, it
/// makes all, or goes on with those that an interruption left.
@main
enum ProgramMatrix {
    /// Where a run takes place, and `VERBENA_PATH` there.
    private static let columns: [(Run.Place, String?)] = [(.oneHost, "direct"), (.oneHost, "wire"), (.twoHosts, nil)]

    /// Pairs of hosts that are at work at once: while one waits, another has the processor.
    private static let laneCount = 2
    /// The table has rows of this many runs less, should the program be killed.
    private static let tableInterval = 25

    static func main() async throws {
        try Project.requireBuild()
        let words = Array(CommandLine.arguments.dropFirst())
        let all = Self.columns.flatMap { PingPongRuns.all(at: $0, path: $1) + PerftestRuns.all(at: $0, path: $1) }
        let board = Board(all: all, words: words)
        guard await board.waitingCount > 0 else {
            print("program-matrix: no run has '\(words.joined(separator: "' and '"))' in its command or place")
            exit(2)
        }
        try await withThrowingTaskGroup { group in
            for _ in 0..<Self.laneCount {
                group.addTask { try await Self.work(from: board) }
            }
            try await group.waitForAll()
        }
        try await board.writeTable()
        let results = await board.results
        print(Table(runs: all, results: results).summary)
        exit(results.allSatisfy(\.isExpected) ? 0 : 1)
    }

    private static func work(from board: Board) async throws {
        var bench = try Bench()
        while let run = await board.next() {
            let result = bench.result(of: run)
            try await board.note(result)
            if await board.results.count.isMultiple(of: Self.tableInterval) { try await board.writeTable() }
            // Nothing of a run that failed is left to the next.
            if result.failure != nil { bench = try Bench() }
        }
    }
}
