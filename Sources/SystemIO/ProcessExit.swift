import Glibc

/// What runs when the process ends in the ordinary way. See atexit(3).
package enum ProcessExit {
    package typealias Handler = @convention(c) () -> Void

    /// A handler that cannot be registered is not run; whatever it would have done, the kernel does later.
    package static func register(_ handler: Handler) {
        _ = atexit(handler)
    }
}
