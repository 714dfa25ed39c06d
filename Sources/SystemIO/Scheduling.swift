import Glibc

/// What a thread that waits for another can do without a lock to sleep on.
package enum Scheduling {
    /// Lets another thread run. See sched_yield(2).
    package static func yield() {
        _ = sched_yield()
    }
}
