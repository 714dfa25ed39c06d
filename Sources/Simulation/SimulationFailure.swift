/// What a checker found.
package struct SimulationFailure: Error, CustomStringConvertible, Sendable {
    package var seed: UInt64
    /// Which part of the run: `rc` or `uc`.
    package var part: String
    package var nanoseconds: UInt64
    package var message: String

    package var description: String {
        "seed \(self.seed), \(self.part), at \(self.nanoseconds) ns: \(self.message)\n"
            + "replay: swift run simulate --seed \(self.seed) --verbose"
    }
}
