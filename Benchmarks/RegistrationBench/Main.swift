import Glibc
import Registration
import SystemIO

/// Measures the account of registered pages beside Debian's libibverbs1, each case in the same run.
@main
struct Main {
    /// Each case is measured this often, in turns, and the median counts.
    private static let roundCount = 3

    static func main() {
        let churnSeconds = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 2
        guard let reference = RDMACore() else {
            print("libibverbs1 is not installed; run scripts/bootstrap.")
            exit(1)
        }
        let subjects: [any Subject] = [
            reference, Verbena("eager", policy: .eager), Verbena("at fork", policy: .atFork),
        ]
        print("Keeping memory out of forked children: Verbena beside rdma-core's libibverbs1.")
        print("A ratio is rdma-core's time by Verbena's. Mappings: before/at the peak/after.\n")
        for item in Cases.all(churnSeconds: churnSeconds) {
            let medians = Self.medians(of: item, subjects)
            print(item.name)
            for (subject, measurement) in zip(subjects, medians) {
                let ratio = medians[0].nanosecondsPerCall / measurement.nanosecondsPerCall
                var line = "    " + Self.padded(subject.name, to: 12)
                line += Self.padded(Self.text(measurement.nanosecondsPerCall), to: 14)
                line += Self.padded("ratio \(Self.rounded(ratio))", to: 16)
                line += "mappings " + measurement.mappings
                if measurement.failureCount > 0 { line += "   \(measurement.failureCount) calls failed" }
                print(line)
            }
        }
        print("\nfork() with marked ranges")
        ForkCost.report()
    }

    private static func medians(of item: Cases.Case, _ subjects: [any Subject]) -> [Measurement] {
        var rounds = [[Measurement]](repeating: [], count: subjects.count)
        for _ in 0..<Self.roundCount {
            for (index, subject) in subjects.enumerated() { rounds[index].append(item.run(subject)) }
        }
        return rounds.map { round in
            round.sorted { $0.nanosecondsPerCall < $1.nanosecondsPerCall }[Self.roundCount / 2]
        }
    }

    static func text(_ nanoseconds: Double) -> String {
        switch nanoseconds {
        case ..<1000: "\(Self.rounded(nanoseconds)) ns"
        case ..<1_000_000: "\(Self.rounded(nanoseconds / 1000)) us"
        default: "\(Self.rounded(nanoseconds / 1_000_000)) ms"
        }
    }

    static func rounded(_ number: Double) -> String {
        number < 100 ? "\((number * 100).rounded() / 100)" : "\(Int(number.rounded()))"
    }

    static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }
}
