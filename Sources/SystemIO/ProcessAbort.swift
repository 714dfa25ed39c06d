import Glibc

/// Ends the process as a failed assertion does.
package enum ProcessAbort {
    /// Raises `SIGABRT`. See abort(3).
    package static func abort() -> Never {
        Glibc.abort()
    }
}
