import ArgumentParser
import Simulation

/// Runs the transport against a simulated network, by seeds.
@main
struct Simulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Run the transport state machines over a simulated faulty network.",
        discussion:
            "Everything in a run comes from its seed, so a seed that fails, fails again. Without --seed, the seeds "
            + "from --from on are tried; every failing one is printed with the command that replays it."
    )

    @Option(help: "Replay this seed only.")
    var seed: UInt64?

    @Option(help: "How many seeds to try.")
    var seeds: UInt64 = 1000

    @Option(help: "The first seed to try.")
    var from: UInt64 = 0

    @Flag(help: "Print every packet and timeout.")
    var verbose = false

    @Flag(help: "Print each seed before it runs, to name one that traps.")
    var announce = false

    @Flag(help: "Run sixteen senders to one receiver instead, over narrow links of several kinds.")
    var incast = false

    func run() throws {
        if self.incast { return self.runIncast() }
        let range = self.seed.map { $0..<($0 + 1) } ?? self.from..<(self.from + self.seeds)
        var summary = SimulationSummary()
        var failureCount = 0
        for seed in range {
            if self.announce { print("seed \(seed)") }
            do throws(SimulationFailure) {
                var simulation = RCSimulation(seed: seed, isVerbose: self.verbose)
                try simulation.run()
                summary.add(simulation.summary)
                var unreliable = UCSimulation(seed: seed, isVerbose: self.verbose)
                try unreliable.run()
                summary.add(unreliable.summary)
            } catch {
                print(error)
                failureCount += 1
            }
        }
        print("\(range.count) seeds, \(failureCount) failed.")
        print(summary)
        print("Runs that reached each rare transition:\n\(summary.coverage)")
        if failureCount > 0 { throw ExitCode.failure }
    }
}

// MARK: - Incast

extension Simulate {
    private func runIncast() {
        print(
            "Jain's index, and the share of the link's time that was used for what was needed, without and with marks:"
        )
        for link in NarrowLink.examples {
            var line = "\(link)"
            for isMarking in [false, true] {
                var simulation = IncastSimulation(seed: self.seed ?? self.from, link: link, isMarking: isMarking)
                let outcome = simulation.run()
                line += "\n    \(outcome)"
            }
            print(line)
        }
    }
}
