import Glibc
import Registration
import SystemIO
import TestSupport

/// The two functions of Debian's libibverbs1 that keep ranges out of children and need no device. The library keeps its
/// account for the rest of the process, and the tests are there to damage it: only for processes of their own.
struct ReferenceLibrary: Sendable {
    private typealias Initialize = @convention(c) () -> CInt
    private typealias Change = @convention(c) (UInt, UInt) -> CInt

    private let dontFork: Change
    private let doFork: Change

    init() throws(TestFailure) {
        // Never Verbena's own, which the loader may be told to prefer.
        guard let library = dlopen("/usr/lib/x86_64-linux-gnu/libibverbs.so.1", RTLD_NOW | RTLD_LOCAL),
            let initialize = dlsym(library, "ibv_fork_init"),
            let dontFork = dlsym(library, "ibv_dontfork_range"),
            let doFork = dlsym(library, "ibv_dofork_range"),
            unsafeBitCast(initialize, to: Initialize.self)() == 0
        else { throw TestFailure("Debian's libibverbs1 is not installed: run scripts/bootstrap") }
        self.dontFork = unsafeBitCast(dontFork, to: Change.self)
        self.doFork = unsafeBitCast(doFork, to: Change.self)
    }

    /// Whether the library says that it could mark the range.
    func mark(_ range: PageRange) -> Bool { self.mark(address: range.lowerBound, byteCount: range.byteCount) }
    func mark(address: UInt, byteCount: UInt) -> Bool { self.dontFork(address, byteCount) == 0 }
    func unmark(_ range: PageRange) -> Bool { self.doFork(range.lowerBound, range.byteCount) == 0 }
}
