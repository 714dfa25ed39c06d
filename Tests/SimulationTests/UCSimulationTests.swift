import Simulation
import Testing

/// The unreliable connection over a faulty network. Each case is named by its seed; a failure says how to replay it.
@Suite("Unreliable connection in simulation")
struct UCSimulationTests {
    @Test(arguments: 0..<1000 as Range<UInt64>)
    func `what arrives is whole and in order`(seed: UInt64) {
        do {
            var simulation = UCSimulation(seed: seed)
            try simulation.run()
        } catch {
            Issue.record(error)
        }
    }
}
