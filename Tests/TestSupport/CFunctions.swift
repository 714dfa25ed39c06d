import Glibc

/// Functions of the C library that Swift's overlay hides, for tests only.
package enum CFunctions {
    private static func symbol<Function>(_ name: String, as type: Function.Type) -> Function {
        guard let address = dlsym(nil, name) else { fatalError("the C library has no \(name)") }
        return unsafeBitCast(address, to: type)
    }

    /// fork(2). The child of a test process may only call the system and `_exit`.
    package static let fork = symbol("fork", as: (@convention(c) () -> CInt).self)

    /// unshare(2).
    package static let unshare = symbol("unshare", as: (@convention(c) (CInt) -> CInt).self)

    /// setns(2).
    package static let setns = symbol("setns", as: (@convention(c) (CInt, CInt) -> CInt).self)

    /// Runs `body` in a forked child, which ends with what it returns, and gives the child's wait status.
    package static func inChild(_ body: () -> CInt) -> CInt {
        let pid = self.fork()
        if pid == 0 {
            // A child that hangs on a lock of a thread that it does not have ends by this signal.
            alarm(30)
            _exit(body())
        }
        var status: CInt = -1
        while waitpid(pid, &status, 0) == -1 && errno == EINTR {}
        return status
    }
}
