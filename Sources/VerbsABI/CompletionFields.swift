internal import CVerbs
internal import Glibc
internal import Segment
internal import SoftHCA
internal import SystemIO

/// The fields of a completion that a program may ask for with `ibv_create_cq_ex`.
internal enum CompletionField {
    /// A set of bits of `ibv_create_cq_wc_flags`. No VLAN, flow tag or tag matching: RoCE on a socket knows none.
    internal static var supported: UInt64 {
        let times =
            IBV_WC_EX_WITH_COMPLETION_TIMESTAMP.rawValue | IBV_WC_EX_WITH_COMPLETION_TIMESTAMP_WALLCLOCK.rawValue
        return UInt64(UInt32(bitPattern: CInt(IBV_WC_STANDARD_FLAGS)) | times)
    }
}

extension ibv_cq_ex {
    /// Sets the functions that read completions; those of fields that were not asked for stay null.
    internal mutating func setFields(_ flags: UInt64) {
        // SAFETY: the functions are called with the queue that they are set in, between `start_poll` and `end_poll`.
        unsafe self.start_poll = startPoll
        unsafe self.next_poll = nextPoll
        unsafe self.end_poll = endPoll
        unsafe self.read_opcode = { queue in unsafe ibv_wc_opcode(current(queue).opcode) }
        unsafe self.read_vendor_err = { queue in unsafe current(queue).vendorError }
        unsafe self.read_wc_flags = { queue in unsafe current(queue).flags }
        let has = { (flag: ibv_create_cq_wc_flags) in flags & UInt64(flag.rawValue) != 0 }
        if has(IBV_WC_EX_WITH_BYTE_LEN) { unsafe self.read_byte_len = { queue in unsafe current(queue).byteCount } }
        if has(IBV_WC_EX_WITH_IMM) { unsafe self.read_imm_data = { queue in unsafe current(queue).immediateOrKey } }
        if has(IBV_WC_EX_WITH_QP_NUM) { unsafe self.read_qp_num = { queue in unsafe current(queue).qpNumber } }
        if has(IBV_WC_EX_WITH_SRC_QP) { unsafe self.read_src_qp = { queue in unsafe current(queue).sourceQP } }
        // Fields of InfiniBand's link layer, which RoCE does not have.
        if has(IBV_WC_EX_WITH_SLID) { unsafe self.read_slid = { _ in 0 } }
        if has(IBV_WC_EX_WITH_SL) { unsafe self.read_sl = { _ in 0 } }
        if has(IBV_WC_EX_WITH_DLID_PATH_BITS) { unsafe self.read_dlid_path_bits = { _ in 0 } }
        if has(IBV_WC_EX_WITH_COMPLETION_TIMESTAMP) {
            unsafe self.read_completion_ts = { queue in unsafe current(queue).timestampNanoseconds }
        }
        if has(IBV_WC_EX_WITH_COMPLETION_TIMESTAMP_WALLCLOCK) {
            unsafe self.read_completion_wallclock_ns = { queue in
                // The ring holds monotonic times; the wall clock is as far from them now as it was then.
                unsafe WallClock.nanoseconds(atMonotonic: current(queue).timestampNanoseconds)
            }
        }
    }
}

// MARK: - Polling

// SAFETY: the queue is one that `ibv_create_cq_ex` returned and that is not destroyed; one thread polls it at a time.

@inline(always)
private func current(_ queue: UnsafeMutablePointer<ibv_cq_ex>?) -> WorkCompletion {
    guard let queue = unsafe queue else { return WorkCompletion() }
    return unsafe queue.handle.pointee.current
}

/// Begins to poll: 0 with a completion, `ENOENT` when there is none, in which case nothing was begun.
private func startPoll(
    _ queue: UnsafeMutablePointer<ibv_cq_ex>?,
    _ attributes: UnsafeMutablePointer<ibv_poll_cq_attr>?
) -> CInt {
    guard let queue = unsafe queue else { return EINVAL }
    if let mask = unsafe attributes?.pointee.comp_mask, mask != 0 { return EINVAL }
    let handle = unsafe queue.handle
    return unsafe handle.pointee.object.unsafelyUnwrapped._withUnsafeGuaranteedRef { object in
        guard ProcessGuard.isOwn(object.generation) else { return EIO }
        guard object.makeProgressIfEmpty() else { return object.hasOverrun ? EIO : ENOENT }
        guard object.beginPoll() else { return EIO }
        if unsafe object.nextCompletion(&handle.pointee.current) { return unsafe expose(handle) }
        object.endPoll()
        return ENOENT
    }
}

/// The next completion: 0, or `ENOENT` when there is none; the poll goes on either way.
private func nextPoll(_ queue: UnsafeMutablePointer<ibv_cq_ex>?) -> CInt {
    guard let queue = unsafe queue else { return EINVAL }
    let handle = unsafe queue.handle
    return unsafe handle.pointee.object.unsafelyUnwrapped._withUnsafeGuaranteedRef { object in
        unsafe object.nextCompletion(&handle.pointee.current) ? expose(handle) : ENOENT
    }
}

/// Ends what a successful `start_poll` began.
private func endPoll(_ queue: UnsafeMutablePointer<ibv_cq_ex>?) {
    guard let queue = unsafe queue else { return }
    unsafe queue.handle.pointee.object.unsafelyUnwrapped._withUnsafeGuaranteedRef { object in object.endPoll() }
}

/// Puts the two fields that programs read without a function into the struct.
@inline(always)
private func expose(_ handle: UnsafeMutablePointer<CompletionQueueHandle>) -> CInt {
    unsafe handle.pointee.base.wr_id = handle.pointee.current.workRequestID
    unsafe handle.pointee.base.status = ibv_wc_status(handle.pointee.current.status)
    return 0
}
