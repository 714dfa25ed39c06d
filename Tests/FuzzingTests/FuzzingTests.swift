import Foundation
import Fuzzing
import TestSupport
import Testing

/// Inputs of the corpus, among them all that ever made a target fail, and what becomes of them by chance. `make fuzz` looks
/// for more.
@Suite("Fuzzing", .serialized)
struct FuzzingTests {
    private static func corpus(of target: FuzzTarget) throws -> [[UInt8]] {
        let folder = "\(Project.root)/Tests/Fuzzing/Corpus/\(target.rawValue)"
        return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map { name in
            guard let data = FileManager.default.contents(atPath: "\(folder)/\(name)") else {
                throw TestFailure("\(folder)/\(name) cannot be read")
            }
            return [UInt8](data)
        }
    }

    @Test(arguments: FuzzTarget.allCases)
    func `every input comes to an end, whole and damaged`(target: FuzzTarget) throws {
        let corpus = try Self.corpus(of: target)
        #expect(corpus.count >= 10)
        var random = SeededGenerator(seed: 11)
        for input in corpus {
            target.run(input)
            for _ in 0..<30 {
                var damaged = input
                for _ in 0..<Int.random(in: 1...4, using: &random) where !damaged.isEmpty {
                    let index = Int.random(in: 0..<damaged.count, using: &random)
                    damaged[index] = UInt8.random(in: 0...255, using: &random)
                }
                target.run(damaged)
            }
        }
    }
}
