public import CVerbs
internal import Glibc
internal import SoftHCA
internal import SystemIO
internal import Wire

// SAFETY (this file): queue pairs, queues and domains are pointers that this library returned and did not destroy, as
// the manual demands of the caller; attribute structs are the caller's and live.

/// Makes a queue pair, and says in the attributes how large it became. See ibv_create_qp(3).
@c @implementation
public func ibv_create_qp(
    _ domain: UnsafeMutablePointer<ibv_pd>?,
    _ attributes: UnsafeMutablePointer<ibv_qp_init_attr>?
) -> UnsafeMutablePointer<ibv_qp>? {
    unsafe returningPointer { () throws(Errno) in
        let domain = unsafe try domain.orInvalid()
        let attributes = unsafe try attributes.orInvalid()
        // The target of an extended connection is made with `ibv_create_qp_ex`, which names its domain.
        guard unsafe attributes.pointee.qp_type != IBV_QPT_XRC_RECV else { throw .invalidArgument }
        let handle = unsafe try makeQueuePair(domain, attributes.pointee)
        unsafe attributes.pointee.cap = ibv_qp_cap(
            handle.pointee.object.unsafelyUnwrapped.takeUnretainedValue().capabilities
        )
        return unsafe handle.cStruct
    }
}

/// Makes a queue pair with further wishes. See ibv_create_qp_ex(3).
internal func createExtendedQueuePair(
    _ context: UnsafeMutablePointer<ibv_context>?,
    _ attributes: UnsafeMutablePointer<ibv_qp_init_attr_ex>?
) -> UnsafeMutablePointer<ibv_qp>? {
    unsafe returningPointer { () throws(Errno) in
        let attributes = unsafe try attributes.orInvalid()
        let wanted = unsafe attributes.pointee
        let known =
            IBV_QP_INIT_ATTR_PD.rawValue | IBV_QP_INIT_ATTR_XRCD.rawValue | IBV_QP_INIT_ATTR_SEND_OPS_FLAGS.rawValue
        let createFlags = IBV_QP_INIT_ATTR_CREATE_FLAGS.rawValue
        let flags = unsafe wanted.comp_mask & createFlags != 0 ? wanted.create_flags : 0
        let blocksOwnMulticast = flags & IBV_QP_CREATE_BLOCK_SELF_MCAST_LB.rawValue != 0
        guard unsafe wanted.comp_mask & ~(known | createFlags) == 0,
            flags & ~IBV_QP_CREATE_BLOCK_SELF_MCAST_LB.rawValue == 0
        else { throw .notSupported }
        // Only datagrams go to groups.
        guard unsafe !blocksOwnMulticast || wanted.qp_type == IBV_QPT_UD else { throw .invalidArgument }
        let isTarget = unsafe wanted.qp_type == IBV_QPT_XRC_RECV
        let owner = isTarget ? IBV_QP_INIT_ATTR_XRCD.rawValue : IBV_QP_INIT_ATTR_PD.rawValue
        guard unsafe wanted.comp_mask & owner != 0 else { throw .invalidArgument }
        // SAFETY: the extended struct begins with the fields of the plain one.
        let plain = unsafe UnsafeMutableRawPointer(attributes).assumingMemoryBound(to: ibv_qp_init_attr.self)
        let hasOperations = unsafe wanted.comp_mask & IBV_QP_INIT_ATTR_SEND_OPS_FLAGS.rawValue != 0
        if hasOperations {
            guard unsafe wanted.send_ops_flags & ~SendOperation.supported(by: wanted.qp_type) == 0 else {
                throw .notSupported
            }
        }
        let handle: UnsafeMutablePointer<QueuePairHandle>
        if isTarget {
            unsafe handle = unsafe try makeTargetQueuePair(try wanted.xrcd.orInvalid(), plain.pointee)
        } else {
            let domain = unsafe try wanted.pd.orInvalid()
            unsafe handle = unsafe try makeQueuePair(domain, plain.pointee, blocksOwnMulticast: blocksOwnMulticast)
        }
        unsafe handle.pointee.isExtended = hasOperations
        if hasOperations { unsafe handle.pointee.base.setWorkRequestFunctions() }
        unsafe plain.pointee.cap = ibv_qp_cap(
            handle.pointee.object.unsafelyUnwrapped.takeUnretainedValue().capabilities
        )
        return unsafe handle.cStruct
    }
}

private func makeQueuePair(
    _ domain: UnsafeMutablePointer<ibv_pd>,
    _ attributes: ibv_qp_init_attr,
    blocksOwnMulticast: Bool = false
) throws(Errno) -> UnsafeMutablePointer<QueuePairHandle> {
    guard let type = unsafe QueuePairType(rawValue: attributes.qp_type.rawValue) else { throw .notSupported }
    let sendQueue = unsafe try attributes.send_cq.orInvalid()
    // The initiator of an extended connection receives nothing, and need not say where.
    let receiveQueue = unsafe try (attributes.recv_cq ?? (type == .extendedSend ? sendQueue : nil)).orInvalid()
    var properties = QueuePairInit(
        type: type,
        sendQueue: unsafe sendQueue.adapter,
        receiveQueue: unsafe receiveQueue.adapter,
        sharedReceiveQueue: unsafe attributes.srq?.adapter,
        capabilities: QueuePairCapabilities(unsafe attributes.cap),
        signalsAll: unsafe attributes.sq_sig_all != 0
    )
    properties.blocksOwnMulticast = blocksOwnMulticast
    let handle = unsafe try makeHandle(
        domain.pointee.context,
        attributes,
        domain: unsafe domain.adapter,
        properties
    )
    let base = unsafe handle.cStruct
    unsafe base.pointee.pd = domain
    unsafe base.pointee.send_cq = sendQueue
    unsafe base.pointee.recv_cq = attributes.recv_cq
    unsafe base.pointee.srq = attributes.srq
    return unsafe handle
}

/// Makes the target of extended connections, which has neither queues nor a protection domain of its own.
private func makeTargetQueuePair(
    _ domain: UnsafeMutablePointer<ibv_xrcd>,
    _ attributes: ibv_qp_init_attr
) throws(Errno) -> UnsafeMutablePointer<QueuePairHandle> {
    let adapter = unsafe domain.adapter
    return unsafe try makeHandle(
        domain.pointee.context,
        attributes,
        domain: adapter.protectionDomain,
        QueuePairInit(
            type: .extendedReceive,
            sendQueue: adapter.completions,
            receiveQueue: adapter.completions,
            xrcDomain: adapter,
            capabilities: QueuePairCapabilities()
        )
    )
}

private func makeHandle(
    _ context: UnsafeMutablePointer<ibv_context>?,
    _ attributes: ibv_qp_init_attr,
    domain: ProtectionDomain,
    _ properties: QueuePairInit
) throws(Errno) -> UnsafeMutablePointer<QueuePairHandle> {
    let handle = unsafe try CMemory.allocate(QueuePairHandle.self)
    let queuePair: QueuePair
    do throws(Errno) {
        queuePair = try QueuePair(domain: domain, properties)
    } catch {
        unsafe CMemory.free(handle)
        throw error
    }
    unsafe handle.pointee.object = .passRetained(queuePair)
    unsafe handle.initialize(context: context, number: queuePair.number, type: attributes.qp_type)
    unsafe handle.cStruct.pointee.qp_context = attributes.qp_context
    unsafe queuePair.userObject = UnsafeMutableRawPointer(handle)
    return unsafe handle
}

/// The same queue pair for `ibv_wr_*`, or null when it was not made for them. See ibv_create_qp_ex(3).
@c @implementation
public func ibv_qp_to_qp_ex(_ queuePair: UnsafeMutablePointer<ibv_qp>?) -> UnsafeMutablePointer<ibv_qp_ex>? {
    guard let queuePair = unsafe queuePair, unsafe queuePair.handle.pointee.isExtended else { return nil }
    return unsafe UnsafeMutableRawPointer(queuePair).assumingMemoryBound(to: ibv_qp_ex.self)
}

/// Changes attributes and the state. See ibv_modify_qp(3).
@c @implementation
public func ibv_modify_qp(
    _ queuePair: UnsafeMutablePointer<ibv_qp>?,
    _ attributes: UnsafeMutablePointer<ibv_qp_attr>?,
    _ mask: CInt
) -> CInt {
    returningErrno { () throws(Errno) in
        let queuePair = unsafe try queuePair.orInvalid()
        let attributes = unsafe try attributes.orInvalid().pointee
        let mask = QueuePairAttributeMask(rawValue: UInt32(bitPattern: mask))
        try unsafe queuePair.adapter.modify(QueuePairAttributes(attributes), mask: mask)
        if mask.contains(.state) { unsafe queuePair.pointee.state = attributes.qp_state }
    }
}

/// The attributes as they are now; all of them, whatever the mask. See ibv_query_qp(3).
@c @implementation
public func ibv_query_qp(
    _ queuePair: UnsafeMutablePointer<ibv_qp>?,
    _ attributes: UnsafeMutablePointer<ibv_qp_attr>?,
    _ mask: CInt,
    _ initial: UnsafeMutablePointer<ibv_qp_init_attr>?
) -> CInt {
    returningErrno { () throws(Errno) in
        let queuePair = unsafe try queuePair.orInvalid()
        let attributes = unsafe try attributes.orInvalid()
        let adapter = unsafe queuePair.adapter
        unsafe attributes.pointee = ibv_qp_attr(try adapter.query())
        unsafe queuePair.pointee.state = attributes.pointee.qp_state
        guard let initial = unsafe initial else { return }
        unsafe initial.pointee.qp_context = queuePair.pointee.qp_context
        unsafe initial.pointee.send_cq = queuePair.pointee.send_cq
        unsafe initial.pointee.recv_cq = queuePair.pointee.recv_cq
        unsafe initial.pointee.srq = queuePair.pointee.srq
        unsafe initial.pointee.cap = ibv_qp_cap(adapter.capabilities)
        unsafe initial.pointee.qp_type = queuePair.pointee.qp_type
        unsafe initial.pointee.sq_sig_all = adapter.signalsAll ? 1 : 0
    }
}

/// Destroys a queue pair, when its events are acknowledged. See ibv_create_qp(3).
@c @implementation
public func ibv_destroy_qp(_ queuePair: UnsafeMutablePointer<ibv_qp>?) -> CInt {
    returningErrno { () throws(Errno) in
        let queuePair = unsafe try queuePair.orInvalid()
        try unsafe queuePair.adapter.close(user: queuePair)
        unsafe queuePair.handle.pointee.batch.close()
        unsafe queuePair.object.release()
        unsafe CMemory.free(queuePair)
    }
}

// MARK: - Multicast

/// Joins a multicast group. See ibv_attach_mcast(3).
@c @implementation
public func ibv_attach_mcast(
    _ queuePair: UnsafeMutablePointer<ibv_qp>?,
    _ gid: UnsafePointer<ibv_gid>?,
    _ lid: UInt16
) -> CInt {
    returningErrno { () throws(Errno) in
        let queuePair = unsafe try queuePair.orInvalid().adapter
        guard let gid = unsafe gid?.pointee else { throw .invalidArgument }
        try queuePair.attach(to: GID(gid))
    }
}

/// Leaves a multicast group. See ibv_attach_mcast(3).
@c @implementation
public func ibv_detach_mcast(
    _ queuePair: UnsafeMutablePointer<ibv_qp>?,
    _ gid: UnsafePointer<ibv_gid>?,
    _ lid: UInt16
) -> CInt {
    returningErrno { () throws(Errno) in
        let queuePair = unsafe try queuePair.orInvalid().adapter
        guard let gid = unsafe gid?.pointee else { throw .invalidArgument }
        try queuePair.detach(from: GID(gid))
    }
}

// MARK: - Not built

/// Offers a connection's options to the peer; this adapter has none. See ibv_set_ece(3).
@c @implementation
public func ibv_set_ece(
    _ queuePair: UnsafeMutablePointer<ibv_qp>?,
    _ options: UnsafeMutablePointer<ibv_ece>?
) -> CInt { Errno.notSupported.rawValue }

/// The options that a connection has; this adapter has none. See ibv_query_ece(3).
@c @implementation
public func ibv_query_ece(
    _ queuePair: UnsafeMutablePointer<ibv_qp>?,
    _ options: UnsafeMutablePointer<ibv_ece>?
) -> CInt { Errno.notSupported.rawValue }

/// Whether data lands in order: 0, nothing is promised. See ibv_query_qp_data_in_order(3).
@c @implementation
public func ibv_query_qp_data_in_order(
    _ queuePair: UnsafeMutablePointer<ibv_qp>?,
    _ operation: ibv_wr_opcode,
    _ flags: UInt32
) -> CInt { 0 }
