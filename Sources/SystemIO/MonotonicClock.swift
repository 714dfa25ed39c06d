import Glibc

/// The clock that counts time since some moment in the past and is never set. See clock_gettime(2).
package enum MonotonicClock {
    /// Nanoseconds since the clock's own beginning.
    package static var now: UInt64 {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(truncatingIfNeeded: time.tv_sec) &* 1_000_000_000 &+ UInt64(truncatingIfNeeded: time.tv_nsec)
    }

    /// Lets the calling thread rest for at least so long, unless a signal comes first.
    package static func sleep(nanoseconds: UInt64) {
        var time = timespec(nanoseconds: nanoseconds)
        _ = unsafe nanosleep(&time, nil)
    }
}

extension timespec {
    /// Splits a count of nanoseconds into seconds and the rest.
    internal init(nanoseconds: UInt64) {
        let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        self.init(tv_sec: Int(clamping: seconds), tv_nsec: Int(rest))
    }
}
