import Foundation
import TestSupport

/// Hands runs out to the lanes, and writes down how they went, each at once: an interruption loses only what is under way.
actor Board {
    private static let tablePath = "\(Project.root)/docs/programs.md"

    /// The runs of the table.
    private let all: [Run]
    private var waiting: ArraySlice<Run>
    private var record: Record
    private(set) var results: [RunResult] = []

    /// - Parameters:
    ///   - all: The runs of the table.
    ///   - words: Choose the runs that are made. Without any, those are made that the record lacks; all, when it lacks none.
    init(all: [Run], words: [String]) {
        var record = Record()
        var chosen = all.filter { run in words.allSatisfy { run.name.contains($0) } }
        if words.isEmpty {
            let missing = all.filter { record.result(of: $0) == nil }
            if missing.isEmpty { record.clear() } else { chosen = missing }
        }
        self.all = all
        self.waiting = chosen[...]
        self.record = record
    }

    var waitingCount: Int { self.waiting.count }

    /// The next run to make.
    func next() -> Run? { self.waiting.popFirst() }

    func note(_ result: RunResult) throws {
        self.results.append(result)
        self.record.note(result)
        print("\(result.isExpected ? "ok  " : "BAD ") \(result.run.name): \(result.cell)")
        fflush(nil)
        try self.record.save()
    }

    func writeTable() throws {
        let table = Table(runs: self.all, results: self.all.compactMap { self.record.result(of: $0) })
        try table.text.write(toFile: Self.tablePath, atomically: true, encoding: .utf8)
    }
}
