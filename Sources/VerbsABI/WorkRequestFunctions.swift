internal import CVerbs
internal import Glibc
internal import SoftHCA

/// The work requests that a queue pair may be asked for with `ibv_create_qp_ex`.
internal enum SendOperation {
    /// The bits of `ibv_qp_create_send_ops_flags` that a service has; none for services that are not built.
    internal static func supported(by type: ibv_qp_type) -> UInt64 {
        let send = IBV_QP_EX_WITH_SEND.rawValue | IBV_QP_EX_WITH_SEND_WITH_IMM.rawValue
        let write = IBV_QP_EX_WITH_RDMA_WRITE.rawValue | IBV_QP_EX_WITH_RDMA_WRITE_WITH_IMM.rawValue
        let atomic = IBV_QP_EX_WITH_ATOMIC_CMP_AND_SWP.rawValue | IBV_QP_EX_WITH_ATOMIC_FETCH_AND_ADD.rawValue
        let window = IBV_QP_EX_WITH_LOCAL_INV.rawValue | IBV_QP_EX_WITH_BIND_MW.rawValue
        let answered = IBV_QP_EX_WITH_RDMA_READ.rawValue | IBV_QP_EX_WITH_ATOMIC_WRITE.rawValue
        return switch type {
        case IBV_QPT_UD: UInt64(send)
        case IBV_QPT_UC: UInt64(send | write | window)
        case IBV_QPT_RC: UInt64(send | write | atomic | window | answered | IBV_QP_EX_WITH_SEND_WITH_INV.rawValue)
        case IBV_QPT_XRC_SEND: UInt64(send | write | atomic | IBV_QP_EX_WITH_RDMA_READ.rawValue)
        default: 0
        }
    }
}

// SAFETY (this file): the functions are called with the queue pair that they are set in, between `wr_start` and
// `wr_complete` of one thread; address handles are live, and lists are as long as their count says, as ibv_wr_post(3)
// demands.

extension ibv_qp_ex {
    /// Sets the functions that `ibv_wr_*` call. See ibv_wr_post(3).
    internal mutating func setWorkRequestFunctions() {
        unsafe self.wr_start = { queuePair in
            guard let handle = unsafe queuePair?.handle else { return }
            unsafe handle.pointee.object.unsafelyUnwrapped._withUnsafeGuaranteedRef { object in
                unsafe handle.pointee.batch.begin(for: object)
            }
        }
        unsafe self.wr_complete = { queuePair in
            guard let handle = unsafe queuePair?.handle else { return EINVAL }
            return unsafe handle.pointee.object.unsafelyUnwrapped._withUnsafeGuaranteedRef { object in
                unsafe handle.pointee.batch.post(to: object)
            }
        }
        unsafe self.wr_abort = { queuePair in
            guard let handle = unsafe queuePair?.handle else { return }
            unsafe handle.pointee.object.unsafelyUnwrapped._withUnsafeGuaranteedRef { object in
                unsafe handle.pointee.batch.abandon(for: object)
            }
        }
        unsafe self.setBuilders()
        unsafe self.setSetters()
    }

    private mutating func setBuilders() {
        unsafe self.wr_send = { queuePair in unsafe begin(queuePair, IBV_WR_SEND) { _ in } }
        unsafe self.wr_send_imm = { queuePair, immediate in
            unsafe begin(queuePair, IBV_WR_SEND_WITH_IMM) { $0.immediateOrKey = immediate }
        }
        unsafe self.wr_send_inv = { queuePair, key in
            unsafe begin(queuePair, IBV_WR_SEND_WITH_INV) { $0.immediateOrKey = key }
        }
        unsafe self.wr_rdma_write = { queuePair, rKey, address in
            unsafe begin(queuePair, IBV_WR_RDMA_WRITE) { $0.setRemote(address, rKey) }
        }
        unsafe self.wr_rdma_write_imm = { queuePair, rKey, address, immediate in
            unsafe begin(queuePair, IBV_WR_RDMA_WRITE_WITH_IMM) { request in
                request.setRemote(address, rKey)
                request.immediateOrKey = immediate
            }
        }
        unsafe self.wr_rdma_read = { queuePair, rKey, address in
            unsafe begin(queuePair, IBV_WR_RDMA_READ) { $0.setRemote(address, rKey) }
        }
        unsafe self.wr_atomic_cmp_swp = { queuePair, rKey, address, compare, swap in
            unsafe begin(queuePair, IBV_WR_ATOMIC_CMP_AND_SWP) { request in
                request.setRemote(address, rKey)
                request.compareAdd = compare
                request.swap = swap
            }
        }
        unsafe self.wr_atomic_fetch_add = { queuePair, rKey, address, addend in
            unsafe begin(queuePair, IBV_WR_ATOMIC_FETCH_AND_ADD) { request in
                request.setRemote(address, rKey)
                request.compareAdd = addend
            }
        }
        unsafe self.wr_atomic_write = { queuePair, rKey, address, value in
            unsafe begin(queuePair, IBV_WR_ATOMIC_WRITE) { $0.setRemote(address, rKey) }
            unsafe setAtomicValue(queuePair, value)
        }
        unsafe self.wr_local_inv = { queuePair, key in
            unsafe begin(queuePair, IBV_WR_LOCAL_INV) { $0.immediateOrKey = key }
        }
        unsafe self.wr_bind_mw = { queuePair, window, key, info in
            unsafe begin(queuePair, IBV_WR_BIND_MW) { _ in }
            unsafe setBind(queuePair, window, key, info)
        }
        // What follows is not built; a queue pair that asks for it is not made, and one that uses it all the same fails.
        unsafe self.wr_send_tso = { queuePair, _, _, _ in unsafe refuse(queuePair) }
    }

    private mutating func setSetters() {
        unsafe self.wr_set_ud_addr = { queuePair, handle, remoteQP, qKey in
            unsafe queuePair?.handle.pointee.batch.update { request in
                unsafe request.addressHandle = handle?.object(AddressHandle.self)
                request.remoteQP = remoteQP
                request.remoteQKey = qKey
            }
        }
        unsafe self.wr_set_xrc_srqn = { queuePair, number in
            unsafe queuePair?.handle.pointee.batch.update { $0.remoteQP = number }
        }
        unsafe self.wr_set_sge = { queuePair, lKey, address, byteCount in
            var element = ibv_sge(addr: address, length: byteCount, lkey: lKey)
            unsafe setElements(queuePair, &element, 1)
        }
        unsafe self.wr_set_sge_list = { queuePair, count, list in unsafe setElements(queuePair, list, count) }
        unsafe self.wr_set_inline_data = { queuePair, address, byteCount in
            var piece = unsafe ibv_data_buf(addr: address, length: byteCount)
            unsafe setInline(queuePair, &piece, 1)
        }
        unsafe self.wr_set_inline_data_list = { queuePair, count, list in unsafe setInline(queuePair, list, count) }
    }
}

// MARK: - Steps

/// Begins a request with the number and flags that the program left in the struct.
@inline(always)
private func begin(
    _ queuePair: UnsafeMutablePointer<ibv_qp_ex>?,
    _ opcode: ibv_wr_opcode,
    _ body: (inout SendWorkRequest) -> Void
) {
    guard let queuePair = unsafe queuePair else { return }
    var request = unsafe SendWorkRequest(
        workRequestID: queuePair.pointee.wr_id,
        opcode: opcode.rawValue,
        // Inline data is said by the setter, not by the flag.
        flags: queuePair.pointee.wr_flags & ~IBV_SEND_INLINE.rawValue
    )
    body(&request)
    unsafe queuePair.handle.pointee.batch.append(request)
}

private func refuse(_ queuePair: UnsafeMutablePointer<ibv_qp_ex>?) {
    unsafe queuePair?.handle.pointee.batch.fail(EOPNOTSUPP)
}

private func setElements(_ queuePair: UnsafeMutablePointer<ibv_qp_ex>?, _ list: UnsafePointer<ibv_sge>?, _ count: Int) {
    guard let handle = unsafe queuePair?.handle, count != 0 else { return }
    let limit = unsafe handle.pointee.object.unsafelyUnwrapped._withUnsafeGuaranteedRef { $0.capabilities.sendScatter }
    guard let list = unsafe list, count > 0, count <= Int(limit) else {
        return unsafe handle.pointee.batch.fail(EINVAL)
    }
    let byteCount = count * MemoryLayout<ibv_sge>.stride
    guard let room = unsafe handle.pointee.batch.setPayload(count: count, byteCount: byteCount, .elements) else {
        return
    }
    unsafe room.copyMemory(from: list, byteCount: byteCount)
}

/// The eight bytes of an ATOMIC WRITE, which are copied whatever the inline limit is.
private func setAtomicValue(_ queuePair: UnsafeMutablePointer<ibv_qp_ex>?, _ value: UnsafeRawPointer?) {
    guard let handle = unsafe queuePair?.handle else { return }
    guard let value = unsafe value else { return unsafe handle.pointee.batch.fail(EINVAL) }
    guard let room = unsafe handle.pointee.batch.setPayload(count: 8, byteCount: 8, .inlineData) else { return }
    unsafe room.copyMemory(from: value, byteCount: 8)
}

private func setBind(
    _ queuePair: UnsafeMutablePointer<ibv_qp_ex>?,
    _ window: UnsafeMutablePointer<ibv_mw>?,
    _ key: UInt32,
    _ info: UnsafePointer<ibv_mw_bind_info>?
) {
    guard let handle = unsafe queuePair?.handle else { return }
    guard let info = unsafe info?.pointee else { return unsafe handle.pointee.batch.fail(EINVAL) }
    typealias Bind = WorkRequestBatch.Bind
    let byteCount = unsafe MemoryLayout<Bind>.stride
    guard let room = unsafe handle.pointee.batch.setPayload(count: 1, byteCount: byteCount, .bind) else { return }
    unsafe room.initializeMemory(as: Bind.self, to: Bind(window: window, key: key, info: info))
}

private func setInline(
    _ queuePair: UnsafeMutablePointer<ibv_qp_ex>?,
    _ list: UnsafePointer<ibv_data_buf>?,
    _ count: Int
) {
    guard let handle = unsafe queuePair?.handle, let list = unsafe list, count > 0 else { return }
    let limit = unsafe handle.pointee.object.unsafelyUnwrapped._withUnsafeGuaranteedRef {
        $0.capabilities.inlineByteCount
    }
    let pieces = unsafe UnsafeBufferPointer(start: list, count: count)
    var byteCount = 0
    for index in 0..<count {
        let (sum, overflows) = unsafe byteCount.addingReportingOverflow(pieces[index].length)
        guard unsafe pieces[index].length >= 0, !overflows, sum <= Int(limit) else {
            return unsafe handle.pointee.batch.fail(EINVAL)
        }
        byteCount = sum
    }
    guard var room = unsafe handle.pointee.batch.setPayload(count: byteCount, byteCount: byteCount, .inlineData)
    else {
        return
    }
    for index in 0..<count {
        let piece = unsafe pieces[index]
        guard unsafe piece.length > 0 else { continue }
        guard let source = unsafe piece.addr else { return unsafe handle.pointee.batch.fail(EINVAL) }
        unsafe room.copyMemory(from: source, byteCount: piece.length)
        unsafe room += piece.length
    }
}

extension SendWorkRequest {
    fileprivate mutating func setRemote(_ address: UInt64, _ rKey: UInt32) {
        self.remoteAddress = address
        self.rKey = rKey
    }
}
