import Glibc

// How the connection manager's C interface reports failure: -1, or null, with `errno` set (rdma_cm(7)).
//
// Connection management is not built yet. Everything that would need it answers `EOPNOTSUPP`, so that a program which
// links librdmacm.so.1 and uses only libibverbs.so.1 runs, and one that connects through rdma_cm says why it cannot.

/// The answer of an int-like function that is not built: -1 with `errno` set to `EOPNOTSUPP`.
@inline(always)
internal func notSupported<Result: FixedWidthInteger>() -> Result {
    errno = EOPNOTSUPP
    return Result(truncatingIfNeeded: -1)
}

/// The answer of a function that reports a wrong argument: -1 with `errno` set to `EINVAL`.
@inline(always)
internal func invalidArgument() -> CInt {
    errno = EINVAL
    return -1
}
