import Simulation
import Testing

/// The reliable connection over a faulty network. Each case is named by its seed; a failure says how to replay it.
@Suite("Reliable connection in simulation")
struct RCSimulationTests {
    @Test(arguments: 0..<200 as Range<UInt64>)
    func `every message arrives once, in order, and unharmed`(seed: UInt64) {
        do {
            var simulation = RCSimulation(seed: seed)
            try simulation.run()
        } catch {
            Issue.record(error)
        }
    }

    @Test func `the seeds meet every fault, and reach nearly every rare transition`() throws {
        var summary = SimulationSummary()
        for seed in 0..<200 as Range<UInt64> {
            var simulation = RCSimulation(seed: seed)
            try simulation.run()
            summary.add(simulation.summary)
        }
        let faults = summary.faults
        #expect(faults.lost > 1000)
        #expect(faults.copied > 1000)
        #expect(faults.reordered > 1000)
        #expect(faults.corrupted > 1000)
        #expect(faults.corruptedUnnoticed > 1)
        #expect(faults.overflowed > 100)
        #expect(faults.marked > 100)
        #expect(faults.cutOff > 100)
        #expect(faults.pauses > 50)
        #expect(faults.deaths > 20)
        #expect(faults.reconnections > 20)
        #expect(faults.unreceived > 50)
        #expect(faults.programFaults > 100)
        #expect(summary.timeouts > 100)
        #expect(summary.sequenceNAKs > 100)
        #expect(summary.impliedNAKs > 100)
        #expect(summary.rnrNAKs > 100)
        let missed = SimulationSummary.allMarks.filter { summary.reached[$0] == nil }
        #expect(missed.count <= 6, "\(missed)")
    }

    @Test func `a seed gives the same run each time`() throws {
        var first = RCSimulation(seed: 7)
        try first.run()
        var second = RCSimulation(seed: 7)
        try second.run()
        #expect(first.summary == second.summary)
    }
}
