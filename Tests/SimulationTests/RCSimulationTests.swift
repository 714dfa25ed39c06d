import Simulation
import Testing

/// The reliable connection over a faulty network. Each case is named by its seed; a failure says how to replay it.
@Suite("Reliable connection in simulation")
struct RCSimulationTests {
    @Test(arguments: 0..<1000 as Range<UInt64>)
    func `every message arrives once, in order, and unharmed`(seed: UInt64) {
        do {
            var simulation = RCSimulation(seed: seed)
            try simulation.run()
        } catch {
            Issue.record(error)
        }
    }

    @Test func `the seeds meet losses, duplicates, gaps, missing receives and failures`() throws {
        var summary = SimulationSummary()
        for seed in 0..<200 as Range<UInt64> {
            var simulation = RCSimulation(seed: seed)
            try simulation.run()
            summary.add(simulation.summary)
        }
        #expect(summary.lostCount > 1000)
        #expect(summary.timeouts > 100)
        #expect(summary.sequenceNAKs > 100)
        #expect(summary.impliedNAKs > 100)
        #expect(summary.rnrNAKs > 100)
        #expect(summary.duplicates > 1000)
        #expect(summary.outOfSequence > 1000)
        #expect(summary.failedCount > 20)
        #expect(summary.failedCount < summary.messageCount / 10)
    }

    @Test func `a seed gives the same run each time`() throws {
        var first = RCSimulation(seed: 7)
        try first.run()
        var second = RCSimulation(seed: 7)
        try second.run()
        #expect(first.summary == second.summary)
    }
}
