import Glibc
import Registration
import SystemIO

/// One way of keeping ranges out of forked children, as the benchmark drives it.
protocol Subject: Sendable {
    var name: String { get }
    /// Marks the range. False when that failed.
    func mark(_ address: UInt, _ byteCount: UInt) -> Bool
    func unmark(_ address: UInt, _ byteCount: UInt) -> Bool
}

/// Verbena's account, as the adapter uses it for a region whose memory it has checked already.
struct Verbena: Subject {
    let name: String
    private let account: RegistrationAccount

    init(_ name: String, policy: ForkPolicy) {
        self.name = name
        self.account = RegistrationAccount(configuration: RegistrationConfiguration(policy: policy))
    }

    func mark(_ address: UInt, _ byteCount: UInt) -> Bool { self.change(address, byteCount, isMarking: true) }
    func unmark(_ address: UInt, _ byteCount: UInt) -> Bool { self.change(address, byteCount, isMarking: false) }

    private func change(_ address: UInt, _ byteCount: UInt, isMarking: Bool) -> Bool {
        do throws(Errno) {
            try self.account.changeMarks(
                address: address,
                byteCount: byteCount,
                isMarking: isMarking,
                isKnownMapped: true
            )
            return true
        } catch {
            return false
        }
    }
}

/// The functions of Debian's libibverbs1, which need no device.
struct RDMACore: Subject, @unchecked Sendable {
    private typealias Initialize = @convention(c) () -> CInt
    private typealias Change = @convention(c) (UInt, UInt) -> CInt

    let name = "rdma-core"
    private let dontFork: Change
    private let doFork: Change

    /// Nil when the library is not installed.
    init?() {
        // Never Verbena's own, which the loader may be told to prefer.
        guard let library = dlopen("/usr/lib/x86_64-linux-gnu/libibverbs.so.1", RTLD_NOW | RTLD_LOCAL),
            let initialize = dlsym(library, "ibv_fork_init"),
            let dontFork = dlsym(library, "ibv_dontfork_range"),
            let doFork = dlsym(library, "ibv_dofork_range"),
            unsafeBitCast(initialize, to: Initialize.self)() == 0
        else { return nil }
        self.dontFork = unsafeBitCast(dontFork, to: Change.self)
        self.doFork = unsafeBitCast(doFork, to: Change.self)
    }

    func mark(_ address: UInt, _ byteCount: UInt) -> Bool { self.dontFork(address, byteCount) == 0 }
    func unmark(_ address: UInt, _ byteCount: UInt) -> Bool { self.doFork(address, byteCount) == 0 }
}
