internal import Glibc
internal import SystemIO

// The ways in which the C interface of verbs reports failure. No Swift error crosses a C frame anywhere else, and no
// export computes an errno value of its own.

/// For functions that return 0 or an errno value, such as `ibv_dealloc_pd`.
@inline(always)
internal func returningErrno(_ body: () throws(Errno) -> Void) -> CInt {
    do {
        try body()
        return 0
    } catch {
        explain(error)
        return error.rawValue
    }
}

/// For functions that return 0, or -1 with `errno` set, such as `ibv_get_cq_event`.
@inline(always)
internal func returningStatus(_ body: () throws(Errno) -> Void) -> CInt {
    do {
        try body()
        return 0
    } catch {
        explain(error)
        errno = error.rawValue
        return -1
    }
}

/// For functions that return a pointer, or null with `errno` set, such as `ibv_alloc_pd`.
@inline(always)
internal func returningPointer<Object>(
    _ body: () throws(Errno) -> UnsafeMutablePointer<Object>
) -> UnsafeMutablePointer<Object>? {
    do {
        return unsafe try body()
    } catch {
        explain(error)
        errno = error.rawValue
        return nil
    }
}

/// Tells the user which limit a call met where the program, which gets only an errno value, seldom does.
@inline(never)
private func explain(_ error: Errno) {
    switch error.rawValue {
    case EMFILE:
        Diagnostics.warn(
            "the process may open no more files; `ulimit -n` shows the limit, `ulimit -n NUMBER` raises it."
        )
    case ENFILE:
        Diagnostics.warn("the system may open no more files; `sysctl fs.file-max` shows the limit.")
    default: break
    }
}

/// For pointer functions of what this adapter does not have: null, and `errno` says that it is not supported.
internal func returningNotSupported<Object>(_ type: Object.Type = Object.self) -> UnsafeMutablePointer<Object>? {
    errno = Errno.notSupported.rawValue
    return nil
}

extension Optional {
    /// The pointer that the caller passed, or `EINVAL` where it passed none.
    @inline(always)
    internal func orInvalid<Object>() throws(Errno) -> UnsafeMutablePointer<Object>
    where Wrapped == UnsafeMutablePointer<Object> {
        guard let pointer = self else { throw .invalidArgument }
        return unsafe pointer
    }
}
