/// Whether registered memory is kept out of forked children; the answers of `ibv_is_fork_initialized`.
package enum ForkStatus: Sendable {
    /// Not now: nobody has asked for it.
    case disabled
    case enabled
    /// Nobody needs it: `VERBENA_FORK=off` says that children may have copies of everything.
    case unneeded
}
