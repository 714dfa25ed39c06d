import CShims
import Glibc

/// A descriptor that a program can wait on, and a 64-bit counter behind it. See eventfd(2).
///
/// It blocks or not as the flags of the descriptor say, which the program may set itself.
package struct EventDescriptor: ~Copyable, Sendable {
    package let descriptor: OwnedDescriptor

    /// Makes a counter that starts at 0.
    ///
    /// - Parameters:
    ///   - isSemaphore: Whether `wait()` takes 1 from the counter, and not all.
    ///   - isNonBlocking: Whether `wait()` fails with `EAGAIN` at 0 instead of waiting.
    package init(isSemaphore: Bool = false, isNonBlocking: Bool = false) throws(Errno) {
        var flags = CInt(EFD_CLOEXEC)
        if isSemaphore { flags |= CInt(EFD_SEMAPHORE) }
        if isNonBlocking { flags |= CInt(EFD_NONBLOCK) }
        self.descriptor = OwnedDescriptor(takingOver: try checkingErrno { eventfd(0, flags) })
    }

    package var rawDescriptor: CInt { self.descriptor.rawValue }

    /// Adds `count` to the counter and wakes who waits. A counter that is full stays full: it wakes all the same.
    package func signal(by count: UInt64 = 1) {
        var count = count
        // SAFETY: eventfd(2) reads the eight bytes of the local variable.
        while unsafe Glibc.write(self.descriptor.rawValue, &count, 8) == -1 && Errno.last == .interrupted {}
    }

    /// Takes from the counter what is there (1 for a semaphore), and waits for it if the descriptor blocks.
    ///
    /// - Throws: `EAGAIN` when the counter is 0 and the descriptor does not block; `EINTR` when a signal came first.
    @discardableResult
    package func wait() throws(Errno) -> UInt64 {
        var count: UInt64 = 0
        // SAFETY: eventfd(2) writes the eight bytes of the local variable.
        guard unsafe Glibc.read(self.descriptor.rawValue, &count, 8) == 8 else { throw .last }
        return count
    }

    /// Whether the counter is not 0.
    package var isReadable: Bool {
        var entry = pollfd(fd: self.rawDescriptor, events: Int16(POLLIN), revents: 0)
        // SAFETY: poll(2) reads and writes the local variable.
        return unsafe Glibc.poll(&entry, 1, 0) > 0
    }

    /// Whether `wait()` waits: the program may have set the descriptor otherwise.
    package var blocks: Bool { fcntl(self.rawDescriptor, F_GETFL) & O_NONBLOCK == 0 }
}
