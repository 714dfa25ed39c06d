import Glibc

/// The clock that shows the time of day, and may be set. See clock_gettime(2).
package enum WallClock {
    /// Nanoseconds since 1970 at a moment that `MonotonicClock` gave, as the two clocks stand to each other now.
    package static func nanoseconds(atMonotonic moment: UInt64) -> UInt64 {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        let now = UInt64(truncatingIfNeeded: time.tv_sec) &* 1_000_000_000 &+ UInt64(truncatingIfNeeded: time.tv_nsec)
        return now &- (MonotonicClock.now &- moment)
    }
}
