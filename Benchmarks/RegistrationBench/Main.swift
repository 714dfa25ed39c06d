import Glibc
import Registration
import SystemIO

/// Measures the account of registered pages beside Debian's libibverbs1, each case in the same run, through the same two
/// functions of C.
///
/// Arguments: the path of Verbena's libibverbs.so.1; how many seconds the churn takes, 60 by default; and a part of the
/// names of the cases that are wanted.
@main
struct Main {
    /// Each case is measured this often, in turns, and the median counts. Each round begins with another subject, because
    /// each leaves caches and the kernel's lists of free memory to the next.
    private static let roundCount = 9

    static func main() {
        let arguments = CommandLine.arguments
        guard arguments.count > 1 else { fail("usage: registration-bench LIBRARY [CHURN-SECONDS [CASE]]") }
        let churnSeconds = arguments.count > 2 ? Int(arguments[2]) ?? 60 : 60
        let wanted = arguments.count > 3 ? arguments[3] : ""
        // Never Verbena's own in the place of rdma-core's, which the loader may be told to prefer.
        guard let reference = Subject("rdma-core", library: "/usr/lib/x86_64-linux-gnu/libibverbs.so.1") else {
            fail("libibverbs1 is not installed; run scripts/bootstrap.")
        }
        guard let eager = Subject.verbena("eager", copying: arguments[1], policy: "eager"),
            let atFork = Subject.verbena("at fork", copying: arguments[1], policy: "atfork")
        else { fail("\(arguments[1]) cannot be loaded; run scripts/stage.") }
        let subjects = [reference, eager, atFork, Subject.checkedAtFork]

        print(
            """
            Keeping memory out of forked children: ibv_dontfork_range and ibv_dofork_range of Verbena beside Debian's
            libibverbs1. "at fork, checked" is what ibv_reg_mr does once it has checked the memory. A ratio is rdma-core's
            time by Verbena's, the median of \(Self.roundCount) rounds. Mappings: before/at the peak/after.

            """
        )
        for item in Cases.all(churnSeconds: churnSeconds, roundCount: Self.roundCount) where item.name.contains(wanted)
        {
            print(item.name)
            for line in Self.lines(about: item, subjects) { print("    " + line) }
        }
        guard wanted.isEmpty else { return }
        print("\nfork() with marked ranges")
        ForkCost.report()
        print("\nCopies of registered memory; beside each time its ratio to the first")
        GuardCost.reportCopies()
        print("\nWhether memory is mapped")
        GuardCost.reportQuestions()
    }

    private static func lines(about item: Cases.Case, _ subjects: [Subject]) -> [String] {
        var rounds = [[Measurement]](repeating: [], count: subjects.count)
        for round in 0..<Self.roundCount {
            for turn in subjects.indices {
                let index = (round + turn) % subjects.count
                rounds[index].append(item.run(subjects[index]))
            }
        }
        return subjects.indices.map { index in
            // The machine's speed changes from round to round: each is compared with the reference of its own.
            let ratios = zip(rounds[0], rounds[index]).map { $0.nanosecondsPerCall / $1.nanosecondsPerCall }
            let own = rounds[index].sorted { $0.nanosecondsPerCall < $1.nanosecondsPerCall }[Self.roundCount / 2]
            var line = Self.padded(subjects[index].name, to: 18)
            line += Self.padded(Self.text(own.nanosecondsPerCall), to: 12)
            line += Self.padded("ratio \(Self.rounded(ratios.sorted()[Self.roundCount / 2]))", to: 16)
            line += "mappings " + own.mappings
            if own.failureCount > 0 { line += "   \(own.failureCount) calls failed" }
            return line
        }
    }

    private static func fail(_ message: String) -> Never {
        StandardError.writeLine(message)
        exit(1)
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
