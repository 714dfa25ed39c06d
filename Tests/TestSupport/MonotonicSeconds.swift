import Glibc

/// The monotonic clock, for deadlines of tests.
package enum MonotonicSeconds {
    package static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
