/// How often something may be done that anybody on the network can ask for: a burst at once, then at a steady rate.
package struct TokenBucket: Hashable, Sendable {
    /// The largest burst.
    package let capacity: UInt64
    /// The time that one token takes to come back.
    package let refillNanoseconds: UInt64
    /// When the bucket would be full if nothing more were taken.
    private var fullAt = Timestamp(nanoseconds: 0)

    /// Creates a full bucket.
    ///
    /// - Precondition: both are above 0, and filling it takes less than a year.
    package init(capacity: UInt64, refillNanoseconds: UInt64) {
        let (time, overflow) = capacity.multipliedReportingOverflow(by: refillNanoseconds)
        precondition(!overflow && time > 0 && time < 1 << 55, "a bucket that is always empty, or never filled")
        self.capacity = capacity
        self.refillNanoseconds = refillNanoseconds
    }

    /// Takes a token, if there is one.
    package mutating func take(now: Timestamp) -> Bool {
        let start = max(self.fullAt, now)
        let full = start.advanced(byNanoseconds: self.refillNanoseconds)
        guard full <= now.advanced(byNanoseconds: self.capacity * self.refillNanoseconds) else { return false }
        self.fullAt = full
        return true
    }
}
