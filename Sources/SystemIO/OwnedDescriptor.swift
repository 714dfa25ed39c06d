import CShims
import Glibc
import Synchronization

/// Owns an open file descriptor and closes it.
///
/// It may be closed before its owner goes away, for example in a forked child that must not keep the parent's sockets
/// alive; every use after that fails with `EBADF`. Not responsible for what the descriptor refers to.
package struct OwnedDescriptor: ~Copyable, Sendable {
    private let value: Atomic<CInt>

    /// Takes over `rawValue`, which nobody else may close from now on.
    package init(takingOver rawValue: CInt) {
        self.value = Atomic(rawValue)
    }

    deinit {
        let rawValue = self.value.load(ordering: .relaxed)
        if rawValue >= 0 { _ = Glibc.close(rawValue) }
    }

    /// The descriptor's number, or -1 after `close()`.
    @inline(always)
    package var rawValue: CInt { self.value.load(ordering: .relaxed) }

    /// Closes the descriptor now. Closing twice does nothing.
    ///
    /// Another thread that is inside a system call with the number may see another file under it: stop it first.
    package func close() {
        let rawValue = self.value.exchange(-1, ordering: .relaxed)
        if rawValue >= 0 { _ = Glibc.close(rawValue) }
    }
}

// MARK: - Raw values

extension OwnedDescriptor {
    /// Gives the number away: whoever has it closes it.
    package consuming func release() -> CInt {
        self.value.exchange(-1, ordering: .relaxed)
    }

    /// Closes what `release` gave; a negative number is none.
    package static func close(rawValue: CInt) {
        if rawValue >= 0 { _ = Glibc.close(rawValue) }
    }
}

// MARK: - Flags

extension OwnedDescriptor {
    /// Makes reads and writes fail with `EAGAIN` instead of waiting, or the reverse. See fcntl(2), `O_NONBLOCK`.
    package func setNonBlocking(_ isNonBlocking: Bool) throws(Errno) {
        let flags = try checkingErrno { cshims_fcntl_int(self.rawValue, F_GETFL, 0) }
        let wanted = isNonBlocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK
        try checkingErrno { cshims_fcntl_int(self.rawValue, F_SETFL, wanted) }
    }
}
