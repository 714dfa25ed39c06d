import Synchronization

/// What the registry counted in this process.
package final class RegistryStatistics: Sendable {
    /// Datagrams for another process that were handed on to it.
    internal let handedOn = Atomic<UInt64>(0)
    /// Datagrams for another process that could not be handed on.
    internal let lost = Atomic<UInt64>(0)
    /// Datagrams for a queue pair number that no process has.
    internal let unknown = Atomic<UInt64>(0)
    /// Rounds of probes that this process began.
    internal let rounds = Atomic<UInt64>(0)
    /// Steering programs that this process set.
    internal let programs = Atomic<UInt64>(0)

    package var handedOnCount: UInt64 { self.handedOn.load(ordering: .relaxed) }
    package var lostCount: UInt64 { self.lost.load(ordering: .relaxed) }
    package var unknownCount: UInt64 { self.unknown.load(ordering: .relaxed) }
    package var roundCount: UInt64 { self.rounds.load(ordering: .relaxed) }
    package var programCount: UInt64 { self.programs.load(ordering: .relaxed) }
}

extension Atomic where Value == UInt64 {
    internal func countUp() {
        self.wrappingAdd(1, ordering: .relaxed)
    }
}
