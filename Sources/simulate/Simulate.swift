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

    func run() throws {
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
            } catch {
                print(error)
                failureCount += 1
            }
        }
        print("\(range.count) seeds, \(failureCount) failed. \(summary)")
        if failureCount > 0 { throw ExitCode.failure }
    }
}
