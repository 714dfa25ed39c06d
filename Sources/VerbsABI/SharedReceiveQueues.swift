public import CVerbs
internal import Glibc
internal import SoftHCA
internal import SystemIO

// SAFETY (this file): queues, domains and contexts are pointers that this library returned and did not destroy, as the
// manual demands of the caller; lists of work requests end with null.

/// Makes a shared receive queue, and says in the attributes how large it became. See ibv_create_srq(3).
@c @implementation
public func ibv_create_srq(
    _ domain: UnsafeMutablePointer<ibv_pd>?,
    _ attributes: UnsafeMutablePointer<ibv_srq_init_attr>?
) -> UnsafeMutablePointer<ibv_srq>? {
    unsafe returningPointer { () throws(Errno) in
        let domain = unsafe try domain.orInvalid()
        let attributes = unsafe try attributes.orInvalid()
        let queue = unsafe try makeSharedReceiveQueue(domain, &attributes.pointee.attr, extension: nil)
        unsafe queue.pointee.srq_context = attributes.pointee.srq_context
        return unsafe queue
    }
}

/// Makes a shared receive queue of extended connections; `verbs.h` brings the basic type to `ibv_create_srq`.
/// See ibv_create_srq_ex(3).
internal func createExtendedSharedReceiveQueue(
    _ context: UnsafeMutablePointer<ibv_context>?,
    _ attributes: UnsafeMutablePointer<ibv_srq_init_attr_ex>?
) -> UnsafeMutablePointer<ibv_srq>? {
    unsafe returningPointer { () throws(Errno) in
        let attributes = unsafe try attributes.orInvalid()
        let wanted = unsafe attributes.pointee
        let needed =
            IBV_SRQ_INIT_ATTR_TYPE.rawValue | IBV_SRQ_INIT_ATTR_PD.rawValue | IBV_SRQ_INIT_ATTR_XRCD.rawValue
            | IBV_SRQ_INIT_ATTR_CQ.rawValue
        guard unsafe wanted.comp_mask & ~needed == 0 else { throw .notSupported }
        guard unsafe wanted.comp_mask & IBV_SRQ_INIT_ATTR_TYPE.rawValue != 0 else { throw .invalidArgument }
        guard unsafe wanted.srq_type == IBV_SRQT_XRC else {
            // The basic type with what only others have, or tag matching.
            throw unsafe wanted.srq_type == IBV_SRQT_BASIC ? Errno.invalidArgument : Errno.notSupported
        }
        guard unsafe wanted.comp_mask == needed else { throw .invalidArgument }
        let queue = unsafe try makeSharedReceiveQueue(
            try wanted.pd.orInvalid(),
            &attributes.pointee.attr,
            extension: (try wanted.xrcd.orInvalid().adapter, try wanted.cq.orInvalid().adapter)
        )
        unsafe queue.pointee.srq_context = wanted.srq_context
        return unsafe queue
    }
}

private func makeSharedReceiveQueue(
    _ domain: UnsafeMutablePointer<ibv_pd>,
    _ attributes: inout ibv_srq_attr,
    extension: (domain: OpenXRCDomain, completions: CompletionQueue)?
) throws(Errno) -> UnsafeMutablePointer<ibv_srq> {
    let queue = try SharedReceiveQueue(
        domain: unsafe domain.adapter,
        capacity: Int(attributes.max_wr),
        scatterMax: Int(attributes.max_sge),
        limit: Int(attributes.srq_limit),
        extension: `extension`
    )
    let handle: UnsafeMutablePointer<SharedReceiveQueueHandle>
    do throws(Errno) {
        unsafe handle = unsafe try SharedReceiveQueueHandle.make(queue)
    } catch {
        try? queue.close()
        throw error
    }
    let base = unsafe handle.base()
    unsafe base.pointee.context = domain.pointee.context
    unsafe base.pointee.pd = domain
    unsafe base.pointee.handle = ObjectNumber.next()
    _ = unsafe pthread_mutex_init(&base.pointee.mutex, nil)
    _ = unsafe pthread_cond_init(&base.pointee.cond, nil)
    attributes.max_wr = UInt32(clamping: queue.capacity)
    attributes.max_sge = UInt32(clamping: queue.scatterMax)
    unsafe queue.userObject = UnsafeMutableRawPointer(base)
    return unsafe base
}

/// Changes a queue's size or limit. See ibv_modify_srq(3).
@c @implementation
public func ibv_modify_srq(
    _ queue: UnsafeMutablePointer<ibv_srq>?,
    _ attributes: UnsafeMutablePointer<ibv_srq_attr>?,
    _ mask: CInt
) -> CInt {
    returningErrno { () throws(Errno) in
        let queue = unsafe try queue.orInvalid()
        let attributes = unsafe try attributes.orInvalid().pointee
        let mask = CUnsignedInt(bitPattern: mask)
        guard mask & ~(IBV_SRQ_MAX_WR.rawValue | IBV_SRQ_LIMIT.rawValue) == 0 else { throw .invalidArgument }
        try unsafe queue.adapter.modify(
            capacity: mask & IBV_SRQ_MAX_WR.rawValue != 0 ? Int(attributes.max_wr) : nil,
            limit: mask & IBV_SRQ_LIMIT.rawValue != 0 ? Int(attributes.srq_limit) : nil
        )
    }
}

/// A queue's size and limit. See ibv_query_srq(3).
@c @implementation
public func ibv_query_srq(
    _ queue: UnsafeMutablePointer<ibv_srq>?,
    _ attributes: UnsafeMutablePointer<ibv_srq_attr>?
) -> CInt {
    returningErrno { () throws(Errno) in
        let queue = unsafe try queue.orInvalid().adapter
        try ProcessGuard.check(queue.generation)
        let attributes = unsafe try attributes.orInvalid()
        unsafe attributes.pointee.max_wr = UInt32(clamping: queue.capacity)
        unsafe attributes.pointee.max_sge = UInt32(clamping: queue.scatterMax)
        unsafe attributes.pointee.srq_limit = UInt32(clamping: queue.limit)
    }
}

/// Destroys a queue, when its events are acknowledged; `EBUSY` while a queue pair uses it. See ibv_create_srq(3).
@c @implementation
public func ibv_destroy_srq(_ queue: UnsafeMutablePointer<ibv_srq>?) -> CInt {
    returningErrno { () throws(Errno) in
        let queue = unsafe try queue.orInvalid()
        try unsafe queue.adapter.close()
        unsafe queue.destroy(SharedReceiveQueue.self)
    }
}

// MARK: - Data path

/// Posts a list of receive requests; on an error those before `failed` are posted. See ibv_post_srq_recv(3).
internal func postSharedReceive(
    _ queue: UnsafeMutablePointer<ibv_srq>?,
    _ requests: UnsafeMutablePointer<ibv_recv_wr>?,
    _ failed: UnsafeMutablePointer<UnsafeMutablePointer<ibv_recv_wr>?>?
) -> CInt {
    guard let queue = unsafe queue else { return EINVAL }
    return unsafe queue.object(SharedReceiveQueue.self)._withUnsafeGuaranteedRef { object in
        unsafe postEach(requests, failed) { request in
            unsafe object.post(
                workRequestID: request.pointee.wr_id,
                elements: request.pointee.elements,
                count: Int(request.pointee.num_sge)
            )
        }
    }
}

extension UnsafeMutablePointer where Pointee == ibv_srq {
    // SAFETY: see the head of the file.

    /// The adapter's queue.
    internal var adapter: SharedReceiveQueue { unsafe self.object().takeUnretainedValue() }

    /// Counts an acknowledged event, and tells whoever waits for it.
    internal func countEvent() {
        _ = unsafe pthread_mutex_lock(&self.pointee.mutex)
        unsafe self.pointee.events_completed &+= 1
        _ = unsafe pthread_cond_signal(&self.pointee.cond)
        _ = unsafe pthread_mutex_unlock(&self.pointee.mutex)
    }
}
