public import CVerbs
internal import Registration
internal import SystemIO

// Fork support as rdma-core has it, on Verbena's account of registered pages.

/// Asks for registered memory to be kept out of forked children. See ibv_fork_init(3).
@c @implementation
public func ibv_fork_init() -> CInt {
    returningErrno { () throws(Errno) in try RegistrationAccount.shared.initializeForkSupport() }
}

/// Whether registered memory is kept out of forked children. See ibv_is_fork_initialized(3).
@c @implementation
public func ibv_is_fork_initialized() -> ibv_fork_status {
    switch RegistrationAccount.shared.forkStatus {
    case .disabled: IBV_FORK_DISABLED
    case .enabled: IBV_FORK_ENABLED
    case .unneeded: IBV_FORK_UNNEEDED
    }
}

/// Marks a range on behalf of a driver library, once fork support is on. No public header declares it.
@c(ibv_dontfork_range)
public func dontForkRange(_ base: UnsafeMutableRawPointer?, _ byteCount: Int) -> CInt {
    changeRange(UInt(bitPattern: base), byteCount, isMarking: true)
}

/// Takes such a mark away. No public header declares it.
@c(ibv_dofork_range)
public func doForkRange(_ base: UnsafeMutableRawPointer?, _ byteCount: Int) -> CInt {
    changeRange(UInt(bitPattern: base), byteCount, isMarking: false)
}

private func changeRange(_ address: UInt, _ byteCount: Int, isMarking: Bool) -> CInt {
    // Nothing is done behind the call, so that it costs no return from a function, which the processor predicts wrongly
    // behind a system call.
    SharedAccount.change(
        address: address,
        byteCount: UInt(bitPattern: byteCount),
        isMarking: isMarking,
        always: false
    )
}
