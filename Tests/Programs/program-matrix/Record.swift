import Foundation
import TestSupport

/// What the last run of each command gave, kept in the build's folder: so that some runs can be made anew, or those that an
/// interruption left, and the table still has all of them.
struct Record: Sendable {
    private struct Entry: Codable, Sendable {
        var seconds: Double
        var failure: String?
    }

    private static let path = "\(Project.root)/.build/program-matrix.json"
    private var entries: [String: Entry]

    /// The record of earlier runs, empty when there is none.
    init() {
        let data = FileManager.default.contents(atPath: Self.path)
        self.entries = data.flatMap { try? JSONDecoder().decode([String: Entry].self, from: $0) } ?? [:]
    }

    /// Forgets every run.
    mutating func clear() { self.entries = [:] }

    func save() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        try encoder.encode(self.entries).write(to: URL(fileURLWithPath: Self.path), options: .atomic)
    }

    mutating func note(_ result: RunResult) {
        self.entries[result.run.name] = Entry(seconds: result.seconds, failure: result.failure)
    }

    func result(of run: Run) -> RunResult? {
        self.entries[run.name].map { RunResult(run: run, seconds: $0.seconds, failure: $0.failure) }
    }
}
