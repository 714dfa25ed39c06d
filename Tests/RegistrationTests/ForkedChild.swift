import Glibc

/// Runs code in a forked child of the test process, which has many threads: the code may only look at memory it was given
/// and make system calls.
enum ForkedChild {
    private typealias Fork = @convention(c) () -> pid_t

    /// `fork`, which the Glibc module hides from Swift, or `_Fork`, which runs no fork handlers.
    static func fork(withoutHandlers: Bool = false) -> pid_t {
        guard let symbol = dlsym(nil, withoutHandlers ? "_Fork" : "fork") else { return -1 }
        return unsafeBitCast(symbol, to: Fork.self)()
    }

    /// Forks; the child runs `body` and ends with its result as the exit code. Returns that code, or 128 and the signal
    /// that ended the child.
    ///
    /// - Parameter secondsMax: A child that waits for a lock of a thread which it does not have ends then, with SIGALRM.
    static func exitCode(withoutHandlers: Bool = false, secondsMax: CUnsignedInt = 30, of body: () -> CInt) -> CInt {
        let child = Self.fork(withoutHandlers: withoutHandlers)
        if child == 0 {
            // The threads that tests run on block the signal.
            var signals = sigset_t()
            sigemptyset(&signals)
            sigaddset(&signals, SIGALRM)
            pthread_sigmask(SIG_UNBLOCK, &signals, nil)
            alarm(secondsMax)
            _exit(body())
        }
        return Self.wait(for: child)
    }

    static func wait(for child: pid_t) -> CInt {
        var status: CInt = 0
        while waitpid(child, &status, 0) == -1, errno == EINTR {}
        return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F)
    }

    /// Whether the byte at `address` can be read, asked of the kernel through a pipe, so that nothing faults.
    static func canRead(_ address: UInt, through pipe: (read: CInt, write: CInt)) -> Bool {
        guard write(pipe.write, UnsafeRawPointer(bitPattern: address), 1) == 1 else { return false }
        var byte: UInt8 = 0
        return read(pipe.read, &byte, 1) == 1
    }
}
