import Glibc

/// What runs around a `fork` of the process. See pthread_atfork(3).
package enum AtFork {
    /// A handler. It sees only global state, and in the child it may not allocate or wait for other threads.
    package typealias Handler = @convention(c) () -> Void

    /// Registers handlers for the rest of the process's life; they cannot be taken back.
    ///
    /// - Parameters:
    ///   - prepare: Runs in the parent before the fork; those registered last run first.
    ///   - parent: Runs in the parent after the fork.
    ///   - child: Runs in the child, where only the forking thread lives on.
    /// - Throws: `ENOMEM`.
    package static func register(
        prepare: Handler? = nil,
        parent: Handler? = nil,
        child: Handler? = nil
    ) throws(Errno) {
        let result = pthread_atfork(prepare, parent, child)
        guard result == 0 else { throw Errno(rawValue: result) }
    }
}
