import CShims
import Glibc

/// A thread beside those of the program. Signals are blocked in it, because their handlers belong to the program's
/// threads, but for those of its own faults.
///
/// It does not live on in a forked child. Whoever makes it must join it, or detach it.
@safe
package struct BackgroundThread: ~Copyable, Sendable {
    private let thread: pthread_t

    /// What a thread is given to run.
    private final class Body {
        let name: String
        let run: @Sendable () -> Void

        init(name: String, _ run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    /// Starts a thread that runs `body` and ends.
    ///
    /// - Parameter name: Shown by ps(1) and debuggers; at most 15 bytes.
    /// - Throws: `EAGAIN` when the system's or the user's number of threads is used up.
    package init(name: String = "verbena", _ body: @escaping @Sendable () -> Void) throws(Errno) {
        var signals = sigset_t()
        var formerSignals = sigset_t()
        _ = unsafe sigfillset(&signals)
        // Blocked, the signal of a fault ends the process without asking its handler.
        for signal in [SIGSEGV, SIGBUS, SIGFPE, SIGILL] { _ = unsafe sigdelset(&signals, signal) }
        // A thread inherits the mask of the one that makes it.
        _ = unsafe pthread_sigmask(SIG_SETMASK, &signals, &formerSignals)
        defer { _ = unsafe pthread_sigmask(SIG_SETMASK, &formerSignals, nil) }

        var thread = pthread_t()
        let argument = unsafe Unmanaged.passRetained(Body(name: name, body)).toOpaque()
        let result = unsafe pthread_create(
            &thread,
            nil,
            { argument in
                // SAFETY: the argument is the reference that `init` retained for this thread alone.
                guard let argument = unsafe argument else { return nil }
                let body = unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
                // By the thread itself: its maker may be late, and then the body would find another name.
                _ = unsafe cshims_pthread_setname(pthread_self(), body.name)
                body.run()
                return nil
            },
            argument
        )
        guard result == 0 else {
            unsafe Unmanaged<Body>.fromOpaque(argument).release()
            throw Errno(rawValue: result)
        }
        self.thread = thread
    }

    /// Waits until the thread has ended. Not in a forked child, where it does not exist.
    package consuming func join() {
        _ = pthread_join(self.thread, nil)
    }

    /// Lets the thread clean up after itself when it ends.
    package consuming func detach() {
        _ = pthread_detach(self.thread)
    }

    /// Whether the caller is this thread.
    package var isCurrent: Bool { pthread_equal(self.thread, pthread_self()) != 0 }
}
