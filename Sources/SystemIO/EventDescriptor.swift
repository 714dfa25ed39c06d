import CShims
import Glibc

/// A descriptor that a thread of ours can wait on, and a 64-bit counter behind it. See eventfd(2).
package struct EventDescriptor: ~Copyable, Sendable {
    package let descriptor: OwnedDescriptor

    /// Makes a counter that starts at 0.
    ///
    /// - Parameter isNonBlocking: Whether `wait()` fails with `EAGAIN` at 0 instead of waiting.
    package init(isNonBlocking: Bool = false) throws(Errno) {
        let flags = CInt(EFD_CLOEXEC) | (isNonBlocking ? CInt(EFD_NONBLOCK) : 0)
        self.descriptor = OwnedDescriptor(takingOver: try checkingErrno { eventfd(0, flags) })
    }

    package var rawDescriptor: CInt { self.descriptor.rawValue }

    /// Adds `count` to the counter and wakes who waits. A counter that is full stays full: it wakes all the same.
    package func signal(by count: UInt64 = 1) {
        var count = count
        // SAFETY: eventfd(2) reads the eight bytes of the local variable.
        while unsafe cshims_write(self.descriptor.rawValue, &count, 8) == -1 && Errno.last == .interrupted {}
    }

    /// Takes from the counter what is there, and waits for it if the descriptor blocks.
    ///
    /// - Throws: `EAGAIN` when the counter is 0 and the descriptor does not block; `EINTR` when a signal came first.
    @discardableResult
    package func wait() throws(Errno) -> UInt64 {
        var count: UInt64 = 0
        // SAFETY: eventfd(2) writes the eight bytes of the local variable.
        guard unsafe Glibc.read(self.descriptor.rawValue, &count, 8) == 8 else { throw .last }
        return count
    }
}
