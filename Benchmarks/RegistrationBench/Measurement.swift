import SystemIO

/// What one run of a case showed.
struct Measurement {
    var nanosecondsPerCall: Double
    var mappingsBefore: Int
    var mappingsAtPeak: Int
    var mappingsAfter: Int
    var failureCount: Int

    var mappings: String { "\(self.mappingsBefore)/\(self.mappingsAtPeak)/\(self.mappingsAfter)" }
}

/// Collects one measurement: the time of the parts that count, and the mappings in between.
struct Stopwatch {
    private var nanoseconds: UInt64 = 0
    private var callCount = 0
    private var failureCount = 0
    private let before = MappingList.count
    private var peak = 0

    /// Times `body`, which makes `callCount` calls and returns how many failed.
    mutating func time(callCount: Int, _ body: () -> Int) {
        let start = MonotonicClock.now
        let failures = body()
        self.nanoseconds += MonotonicClock.now - start
        self.callCount += callCount
        self.failureCount += failures
    }

    mutating func notePeak() {
        self.peak = MappingList.count
    }

    var measurement: Measurement {
        Measurement(
            nanosecondsPerCall: Double(self.nanoseconds) / Double(max(1, self.callCount)),
            mappingsBefore: self.before,
            mappingsAtPeak: self.peak,
            mappingsAfter: MappingList.count,
            failureCount: self.failureCount
        )
    }
}
