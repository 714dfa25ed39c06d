internal import Synchronization
internal import SystemIO

/// How long a task polls before it sleeps. Waking a thread costs some microseconds and a change of processors, so polling for as
/// long pays where the answer comes in that time; where it does not, the time shrinks, so that a processor is not wasted
/// on peers that are slow.
internal struct Patience: ~Copyable, Sendable {
    private let nanoseconds = Atomic<UInt64>(Self.nanosecondsMax)
    private let skippedCount = Atomic<UInt32>(0)

    private static var nanosecondsMax: UInt64 { 20_000 }
    private static var nanosecondsMin: UInt64 { 500 }
    /// Having lost its patience, it tries anew now and then.
    private static var skipsBeforeTrial: UInt32 { 64 }

    /// Calls `isOver` again and again, until it says so or the time is up.
    func spin(until isOver: () -> Bool) {
        let patience = self.next()
        guard patience > 0 else { return }
        let start = MonotonicClock.now
        repeat {
            if isOver() {
                self.nanoseconds.store(Self.nanosecondsMax, ordering: .relaxed)
                return
            }
        } while MonotonicClock.now &- start < patience
        self.nanoseconds.store(patience / 2, ordering: .relaxed)
    }

    private func next() -> UInt64 {
        let patience = self.nanoseconds.load(ordering: .relaxed)
        guard patience < Self.nanosecondsMin else { return patience }
        let skipped = self.skippedCount.add(1, ordering: .relaxed).newValue
        return skipped % Self.skipsBeforeTrial == 0 ? Self.nanosecondsMax : 0
    }
}
