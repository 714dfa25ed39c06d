import Foundation
import TestSupport

/// What the last run of each command gave, kept in the build's folder: so that some runs can be made anew and the table
/// still has all of them.
struct Record {
    private struct Entry: Codable {
        var seconds: Double
        var failure: String?
    }

    private static let path = "\(Project.root)/.build/program-matrix.json"
    private var entries: [String: Entry]

    init() { self.entries = [:] }

    private init(entries: [String: Entry]) { self.entries = entries }

    /// The record of earlier runs; nil when every command has yet to be run once.
    static func load() -> Record? {
        guard let data = FileManager.default.contents(atPath: Self.path),
            let entries = try? JSONDecoder().decode([String: Entry].self, from: data)
        else { return nil }
        return Record(entries: entries)
    }

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
