// A process that does much by the Swift API, so that a test can watch it from outside: under a counter of allocations, or
// under Address Sanitizer.
//
//     verbs-probe thin COUNT      # operations of the thin level, one at a time and in batches
//     verbs-probe cancel COUNT    # awaited operations whose tasks are cancelled at random times
//     verbs-probe many [ROUNDS]   # 10,000 operations under way on 100 connections

import Glibc
import Verbs

@main
struct VerbsProbe {
    static func main() async throws {
        let arguments = CommandLine.arguments
        let count = arguments.count > 2 ? Int(arguments[2]) ?? 0 : 0
        switch arguments.count > 1 ? arguments[1] : "" {
        case "thin": try ThinWork().run(count: count)
        case "cancel": try await CancelledWork.run(count: count)
        case "many": try await ManyConnections.run(rounds: count > 0 ? count : 8)
        default: exit(2)
        }
        print("done")
    }
}
