import Foundation
import TestSupport
import Testing

/// What only a process of its own shows: how often it allocates, how much memory it keeps.
@Suite("Under load", .serialized, .timeLimit(.minutes(3)))
struct LoadTests {
    private static func run(_ arguments: String..., environment: [String: String] = [:]) throws -> String {
        let child = try ChildProcess([Project.optimizedProducts + "/verbs-probe"] + arguments, environment: environment)
        let ending = child.wait(timeoutSeconds: 120)
        guard ending == .exited(code: 0), child.output.contains("done") else {
            throw TestFailure("'\(child.commandLine)' ended with \(ending): \(child.output)")
        }
        return child.output
    }

    private static func numbers(behind label: String, in output: String) -> [Int] {
        output.split(separator: "\n").compactMap { line in
            guard let found = line.range(of: label) else { return nil }
            return Int(line[found.upperBound...].prefix { $0.isNumber })
        }
    }

    @Test func `the thin level allocates nothing after it is set up`() throws {
        let counter = try TemporaryFolder.shared.file("count-allocations.so")
        let source = "\(Project.root)/Tests/VerbsTests/Programs/count-allocations.c"
        try Shell.run("gcc", "-O1", "-shared", "-fPIC", "-o", counter, source)
        func allocationCount(rounds: Int) throws -> Int {
            let output = try Self.run("thin", "\(rounds)", environment: ["LD_PRELOAD": counter])
            return try #require(Self.numbers(behind: "allocations: ", in: output).first)
        }
        let few = try allocationCount(rounds: 100)
        let many = try allocationCount(rounds: 5100)
        // 20,000 operations more. The start of a process varies by a handful.
        #expect(few > 100, "the counter counts")
        #expect(abs(many - few) < 50, "\(few) allocations with 100 rounds, \(many) with 5100")
    }

    @Test func `10,000 operations are under way on 100 connections, in bounded memory`() throws {
        let roundCount = 30
        let output = try Self.run("many", "\(roundCount)")
        #expect(Self.numbers(behind: "under way: ", in: output) == [Int](repeating: 10_000, count: roundCount))
        let resident = Self.numbers(behind: "resident ", in: output)
        try #require(resident.count == roundCount)
        // What is free has been given back. Fifteen rounds later, no 28 bytes more are held for each of 150,000 operations.
        let (early, late) = (resident[5..<15].min() ?? 0, resident[20..<30].min() ?? 0)
        #expect(late < early + 4_000, "\(resident) KiB")
        #expect(resident.max() ?? 0 < 400 << 10, "\(resident) KiB")
    }

    @Test func `tasks that are cancelled at random times leave nothing behind`() throws {
        let output = try Self.run("cancel", "10000")
        #expect(output.contains("nothing under way"))
    }
}
