import Simulation
import Testing
import Transport

/// Sixteen senders to one receiver over a narrow link.
@Suite("Incast")
struct IncastTests {
    @Test(arguments: NarrowLink.examples, [true, false])
    func `senders share a narrow link fairly, and none gives up`(link: NarrowLink, isMarking: Bool) {
        for seed in [3, 5] as [UInt64] {
            var simulation = IncastSimulation(seed: seed, link: link, isMarking: isMarking)
            let outcome = simulation.run()
            #expect(outcome.failureCount == 0, "seed \(seed): \(outcome)")
            #expect(outcome.fairness > 0.9, "seed \(seed): \(outcome)")
            #expect(outcome.utilization > 0.6, "seed \(seed): \(outcome)")
        }
    }
}
