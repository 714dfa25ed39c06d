// N processes add up their vectors around a ring, as training jobs add up gradients: each sends to the next and receives
// from the one before, and no one ever has more than one vector to send.
//
//     all-reduce 0 3 7100 &     # rank, count, first port: rank R listens on port 7100 + R
//     all-reduce 1 3 7100 &
//     all-reduce 2 3 7100

import Verbs

@main
struct AllReduce {
    static let elementCount = 100_000

    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst().filter { $0 != "--system" }.compactMap { Int($0) }
        guard arguments.count == 3, arguments[1] >= 2, (0..<arguments[1]).contains(arguments[0]) else {
            return print("usage: all-reduce RANK COUNT FIRST-PORT")
        }
        let library = CommandLine.arguments.contains("--system") ? try VerbsLibrary.system : .embedded
        let ring = try await Ring(
            rank: arguments[0],
            count: arguments[1],
            firstPort: arguments[2],
            on: Endpoint(library.device())
        )
        // Rank R contributes R + 1 everywhere, so each sum is 1 + 2 + … + N.
        var vector = [Float](repeating: Float(ring.rank + 1), count: Self.elementCount)
        try await ring.sum(&vector)
        let expected = Float(ring.count * (ring.count + 1) / 2)
        guard vector.allSatisfy({ $0 == expected }) else { fatalError("rank \(ring.rank): a sum is wrong") }
        print("rank \(ring.rank): \(vector.count) sums, each \(expected)")
        await ring.close()
    }
}
