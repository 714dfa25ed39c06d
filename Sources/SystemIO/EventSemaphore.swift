import CShims
import Glibc

/// Counts events for a program, which waits for them on a descriptor: readable while there is one, and never writable.
///
/// The kernel's descriptors of verbs are so, and event loops may ask for both at once. An eventfd(2) is writable at all
/// times; it stands behind an epoll(7) descriptor, which says only what it was asked to say.
package struct EventSemaphore: ~Copyable, Sendable {
    private let counter: OwnedDescriptor
    private let gate: OwnedDescriptor

    /// Makes a semaphore without events.
    ///
    /// - Throws: `EMFILE`, `ENFILE`, `ENOMEM`; `ENOSPC` at the kernel's limit of descriptors waited for.
    package init() throws(Errno) {
        let flags = CInt(EFD_CLOEXEC) | CInt(EFD_SEMAPHORE)
        let counter = OwnedDescriptor(takingOver: try checkingErrno { eventfd(0, flags) })
        let gateFlags = CInt(EPOLL_CLOEXEC)
        let gate = OwnedDescriptor(takingOver: try checkingErrno { epoll_create1(gateFlags) })
        var event = unsafe epoll_event()
        unsafe event.events = EPOLLIN.rawValue
        // SAFETY: the kernel copies the local variable.
        try checkingErrno { unsafe epoll_ctl(gate.rawValue, EPOLL_CTL_ADD, counter.rawValue, &event) }
        self.counter = counter
        self.gate = gate
    }

    /// What the program waits on. `O_NONBLOCK` is the program's to set, and `wait()` obeys it.
    package var rawDescriptor: CInt { self.gate.rawValue }

    /// The eventfd(2) to which other processes add their events.
    package var rawCounter: CInt { self.counter.rawValue }

    /// Closes both descriptors.
    package func close() {
        self.gate.close()
        self.counter.close()
    }
}

extension EventSemaphore {
    /// Adds an event and wakes who waits.
    package func signal() {
        EventDescriptor.signal(rawDescriptor: self.counter.rawValue)
    }

    /// Takes an event, and waits for it if the program's descriptor blocks.
    ///
    /// - Throws: `EAGAIN` when there is none and the descriptor does not block; `EINTR` when a signal came first.
    package func wait() throws(Errno) {
        guard self.blocks else {
            guard self.takeNow() else { throw .wouldBlock }
            return
        }
        var count: UInt64 = 0
        // SAFETY: eventfd(2) writes the eight bytes of the local variable.
        guard unsafe read(self.counter.rawValue, &count, 8) == 8 else { throw .last }
    }

    /// Takes an event without ever waiting.
    ///
    /// - Returns: Whether there was one.
    @discardableResult
    package func takeNow() -> Bool {
        var count: UInt64 = 0
        // SAFETY: the kernel writes the eight bytes of the local variable.
        return unsafe cshims_read_nowait(self.counter.rawValue, &count, 8) == 8
    }

    /// Whether `wait()` waits.
    private var blocks: Bool { fcntl(self.gate.rawValue, F_GETFL) & O_NONBLOCK == 0 }
}
