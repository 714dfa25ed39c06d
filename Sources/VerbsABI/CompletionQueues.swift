public import CVerbs
internal import Segment
internal import SoftHCA
internal import SystemIO

// SAFETY (this file): queues, channels and contexts are pointers that this library returned and did not destroy, as the
// manual demands of the caller; arrays are as long as the count beside them says.

/// Makes a completion queue of at least `count` entries. See ibv_create_cq(3).
@c @implementation
public func ibv_create_cq(
    _ context: UnsafeMutablePointer<ibv_context>?,
    _ count: CInt,
    _ userContext: UnsafeMutableRawPointer?,
    _ channel: UnsafeMutablePointer<ibv_comp_channel>?,
    _ vector: CInt
) -> UnsafeMutablePointer<ibv_cq>? {
    unsafe returningPointer { () throws(Errno) in
        let context = unsafe try context.orInvalid()
        guard vector >= 0, unsafe vector < CInt(ContextHandle.completionVectorCount) else { throw .invalidArgument }
        return unsafe try makeCompletionQueue(context, Int(count), userContext: userContext, channel: channel)
    }
}

/// Makes a completion queue whose entries are read field by field. See ibv_create_cq_ex(3).
internal func createExtendedCompletionQueue(
    _ context: UnsafeMutablePointer<ibv_context>?,
    _ attributes: UnsafeMutablePointer<ibv_cq_init_attr_ex>?
) -> UnsafeMutablePointer<ibv_cq_ex>? {
    unsafe returningPointer { () throws(Errno) in
        let context = unsafe try context.orInvalid()
        let attributes = unsafe try attributes.orInvalid().pointee
        guard unsafe attributes.comp_vector < ContextHandle.completionVectorCount else { throw .invalidArgument }
        guard unsafe attributes.wc_flags & ~CompletionField.supported == 0 else { throw .notSupported }
        // An overrun is always found.
        let known = IBV_CQ_INIT_ATTR_MASK_FLAGS.rawValue | IBV_CQ_INIT_ATTR_MASK_PD.rawValue
        let hasDomain = unsafe attributes.comp_mask & IBV_CQ_INIT_ATTR_MASK_PD.rawValue != 0
        let hasFlags = unsafe attributes.comp_mask & IBV_CQ_INIT_ATTR_MASK_FLAGS.rawValue != 0
        guard unsafe attributes.comp_mask & ~known == 0,
            unsafe !hasFlags || attributes.flags & ~IBV_CREATE_CQ_ATTR_SINGLE_THREADED.rawValue == 0
        else { throw .notSupported }
        let queue = unsafe try makeCompletionQueue(
            context,
            Int(attributes.cqe),
            userContext: attributes.cq_context,
            channel: attributes.channel
        )
        if hasDomain {
            do throws(Errno) {
                try unsafe queue.adapter.enter(try unsafe attributes.parent_domain.orInvalid().adapter)
            } catch {
                _ = unsafe ibv_destroy_cq(queue)
                throw error
            }
        }
        let times =
            IBV_WC_EX_WITH_COMPLETION_TIMESTAMP.rawValue | IBV_WC_EX_WITH_COMPLETION_TIMESTAMP_WALLCLOCK.rawValue
        unsafe queue.adapter.recordsTimes = attributes.wc_flags & UInt64(times) != 0
        let extended = unsafe UnsafeMutableRawPointer(queue).assumingMemoryBound(to: ibv_cq_ex.self)
        unsafe extended.pointee.setFields(attributes.wc_flags)
        return unsafe extended
    }
}

private func makeCompletionQueue(
    _ context: UnsafeMutablePointer<ibv_context>,
    _ count: Int,
    userContext: UnsafeMutableRawPointer?,
    channel: UnsafeMutablePointer<ibv_comp_channel>?
) throws(Errno) -> UnsafeMutablePointer<ibv_cq> {
    let queue = try CompletionQueue(
        context: unsafe context.adapter,
        capacity: count,
        channel: unsafe channel?.object(CompletionChannel.self).takeUnretainedValue()
    )
    let handle: UnsafeMutablePointer<CompletionQueueHandle>
    do throws(Errno) {
        unsafe handle = unsafe try CMemory.allocate(CompletionQueueHandle.self)
    } catch {
        try? queue.close()
        throw error
    }
    unsafe handle.pointee.object = .passRetained(queue)
    let base = unsafe UnsafeMutableRawPointer(handle).assumingMemoryBound(to: ibv_cq.self)
    unsafe base.initializeShared(context: context, channel: channel, userContext: userContext)
    unsafe base.pointee.handle = ObjectNumber.next()
    unsafe base.pointee.cqe = CInt(clamping: queue.capacity)
    unsafe queue.userObject = UnsafeMutableRawPointer(base)
    return unsafe base
}

/// Changes how many entries a queue holds. See ibv_resize_cq(3).
@c @implementation
public func ibv_resize_cq(_ queue: UnsafeMutablePointer<ibv_cq>?, _ count: CInt) -> CInt {
    returningErrno { () throws(Errno) in
        let queue = unsafe try queue.orInvalid()
        let adapter = unsafe queue.adapter
        try adapter.resize(to: Int(count))
        unsafe queue.pointee.cqe = CInt(clamping: adapter.capacity)
    }
}

/// Destroys a queue, when its events are acknowledged; `EBUSY` while a queue pair uses it. See ibv_create_cq(3).
@c @implementation
public func ibv_destroy_cq(_ queue: UnsafeMutablePointer<ibv_cq>?) -> CInt {
    returningErrno { () throws(Errno) in
        let queue = unsafe try queue.orInvalid()
        let channel = unsafe queue.pointee.channel
        try unsafe queue.adapter.close()
        unsafe queue.object.release()
        unsafe CMemory.free(queue)
        if let channel = unsafe channel { unsafe channel.addUses(-1) }
    }
}

/// Changes after how many entries, or after how long, an event comes. See ibv_modify_cq(3).
internal func modifyCompletionQueue(
    _ queue: UnsafeMutablePointer<ibv_cq>?,
    _ attributes: UnsafeMutablePointer<ibv_modify_cq_attr>?
) -> CInt {
    returningErrno { () throws(Errno) in
        let queue = unsafe try queue.orInvalid()
        let attributes = unsafe try attributes.orInvalid().pointee
        guard attributes.attr_mask & ~IBV_CQ_ATTR_MODERATE.rawValue == 0 else { throw .invalidArgument }
        guard attributes.attr_mask != 0 else { return }
        let moderation = attributes.moderate
        try unsafe queue.adapter.moderate(count: moderation.cq_count, periodMicroseconds: moderation.cq_period)
    }
}

// MARK: - Data path

/// Takes up to `count` completions; the number taken, or -1 after an overrun. See ibv_poll_cq(3).
internal func pollCompletionQueue(
    _ queue: UnsafeMutablePointer<ibv_cq>?,
    _ count: CInt,
    _ completions: UnsafeMutablePointer<ibv_wc>?
) -> CInt {
    guard let queue = unsafe queue, let completions = unsafe completions, count > 0 else { return 0 }
    assert(MemoryLayout<ibv_wc>.stride == MemoryLayout<WorkCompletion>.stride)
    // SAFETY: the layouts are the same.
    let room = unsafe UnsafeMutableRawPointer(completions).assumingMemoryBound(to: WorkCompletion.self)
    return unsafe queue.object._withUnsafeGuaranteedRef { object in
        CInt(truncatingIfNeeded: unsafe object.poll(into: room, count: Int(count)))
    }
}

/// Asks for an event at the next completion. See ibv_req_notify_cq(3).
internal func requestNotification(_ queue: UnsafeMutablePointer<ibv_cq>?, _ solicitedOnly: CInt) -> CInt {
    guard let queue = unsafe queue else { return Errno.invalidArgument.rawValue }
    return unsafe queue.object._withUnsafeGuaranteedRef { object in
        returningErrno { () throws(Errno) in try object.requestNotification(solicitedOnly: solicitedOnly != 0) }
    }
}
