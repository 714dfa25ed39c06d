internal import CVerbs
internal import Glibc
internal import Segment
internal import SoftHCA
internal import SystemIO

// The data path of queue pairs: `ibv_post_send` and `ibv_post_recv`.
//
// SAFETY (this file): queue pairs and address handles are pointers that this library returned and did not destroy;
// lists of work requests end with null, and lists of elements are as long as their request says, as the manual demands.

/// Posts a list of send requests; on an error those before `failed` are posted. See ibv_post_send(3).
internal func postSend(
    _ queuePair: UnsafeMutablePointer<ibv_qp>?,
    _ requests: UnsafeMutablePointer<ibv_send_wr>?,
    _ failed: UnsafeMutablePointer<UnsafeMutablePointer<ibv_send_wr>?>?
) -> CInt {
    guard let queuePair = unsafe queuePair else { return EINVAL }
    let type = unsafe queuePair.pointee.qp_type
    return unsafe queuePair.object._withUnsafeGuaranteedRef { object in
        if let error = object.beginSend() {
            unsafe failed?.pointee = requests
            return error.rawValue
        }
        var result: CInt = 0
        var next = unsafe requests
        while let request = unsafe next {
            if let error = unsafe append(request, to: object, type: type) {
                unsafe failed?.pointee = request
                result = error.rawValue
                break
            }
            unsafe next = request.pointee.next
        }
        object.commitSend()
        return result
    }
}

@inline(always)
private func append(
    _ request: UnsafeMutablePointer<ibv_send_wr>,
    to queuePair: QueuePair,
    type: ibv_qp_type
) -> Errno? {
    let count = unsafe Int(request.pointee.num_sge)
    guard count >= 0 else { return .invalidArgument }
    let translated = unsafe SendWorkRequest(request, type: type)
    if unsafe request.pointee.opcode == IBV_WR_BIND_MW {
        let bind = unsafe request.pointee.bind_mw
        return unsafe queuePair.appendBind(translated, bind.mw, key: bind.rkey, bind.bind_info)
    }
    guard translated.flags & IBV_SEND_INLINE.rawValue != 0 else {
        return unsafe queuePair.appendSend(translated, elements: request.pointee.elements, count: count)
    }
    guard count <= Int(queuePair.capabilities.sendScatter) else { return .invalidArgument }
    let elements = unsafe UnsafeBufferPointer(start: request.pointee.sg_list, count: count)
    var byteCount = 0
    for index in 0..<count {
        // Nothing can be copied from address 0, and what the queue held before must not be sent instead.
        guard unsafe elements[index].length == 0 || elements[index].addr != 0 else { return .badAddress }
        byteCount += unsafe Int(elements[index].length)
    }
    return unsafe queuePair.appendInline(translated, byteCount: byteCount) { room in
        var offset = 0
        for index in 0..<count {
            let element = unsafe elements[index]
            // The keys of inline data are not checked: the program names memory of its own, as in memcpy(3).
            guard element.length > 0, let source = unsafe UnsafeRawPointer(bitPattern: UInt(element.addr)) else {
                continue
            }
            let piece = unsafe UnsafeRawBufferPointer(start: source, count: Int(element.length))
            unsafe UnsafeMutableRawBufferPointer(rebasing: room[offset...]).copyMemory(from: piece)
            offset += piece.count
        }
    }
}

extension SendWorkRequest {
    /// The fields of the union that the opcode and the service make valid.
    @inline(always)
    fileprivate init(_ request: UnsafeMutablePointer<ibv_send_wr>, type: ibv_qp_type) {
        let opcode = unsafe request.pointee.opcode
        unsafe self.init(
            workRequestID: request.pointee.wr_id,
            opcode: opcode.rawValue,
            flags: request.pointee.send_flags
        )
        unsafe self.immediateOrKey = request.pointee.imm_data
        if type == IBV_QPT_XRC_SEND { unsafe self.remoteQP = request.pointee.qp_type.xrc.remote_srqn }
        if type == IBV_QPT_UD {
            let datagram = unsafe request.pointee.wr.ud
            unsafe self.addressHandle = datagram.ah?.object(AddressHandle.self)
            unsafe self.remoteQP = datagram.remote_qpn
            unsafe self.remoteQKey = datagram.remote_qkey
        } else if opcode == IBV_WR_ATOMIC_CMP_AND_SWP || opcode == IBV_WR_ATOMIC_FETCH_AND_ADD {
            let atomic = unsafe request.pointee.wr.atomic
            self.remoteAddress = atomic.remote_addr
            self.rKey = atomic.rkey
            self.compareAdd = atomic.compare_add
            self.swap = atomic.swap
        } else {
            let remote = unsafe request.pointee.wr.rdma
            self.remoteAddress = remote.remote_addr
            self.rKey = remote.rkey
        }
    }
}

/// Posts a list of receive requests; on an error those before `failed` are posted. See ibv_post_recv(3).
internal func postReceive(
    _ queuePair: UnsafeMutablePointer<ibv_qp>?,
    _ requests: UnsafeMutablePointer<ibv_recv_wr>?,
    _ failed: UnsafeMutablePointer<UnsafeMutablePointer<ibv_recv_wr>?>?
) -> CInt {
    guard let queuePair = unsafe queuePair else { return EINVAL }
    return unsafe queuePair.object._withUnsafeGuaranteedRef { object in
        let refusal = object.receiveRefusal
        guard refusal == nil, let ring = object.receiveRing else {
            unsafe failed?.pointee = requests
            return (refusal ?? .invalidArgument).rawValue
        }
        var batch = ring.beginPosting()
        let result = unsafe postEach(requests, failed) { request in
            unsafe ring.append(
                &batch,
                workRequestID: request.pointee.wr_id,
                elements: request.pointee.elements,
                count: Int(request.pointee.num_sge)
            )
        }
        ring.endPosting(batch)
        object.didPostReceives(to: ring)
        return result
    }
}

/// Walks a list of receive requests until one is refused, which `failed` then names.
@inline(always)
internal func postEach(
    _ requests: UnsafeMutablePointer<ibv_recv_wr>?,
    _ failed: UnsafeMutablePointer<UnsafeMutablePointer<ibv_recv_wr>?>?,
    _ post: (UnsafeMutablePointer<ibv_recv_wr>) -> Errno?
) -> CInt {
    var next = unsafe requests
    while let request = unsafe next {
        if let error = unsafe post(request) {
            unsafe failed?.pointee = request
            return error.rawValue
        }
        unsafe next = request.pointee.next
    }
    return 0
}
