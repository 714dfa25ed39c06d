internal import CVerbs

/// Receive requests for any number of queue pairs. See ibv_create_srq(3).
@safe
public struct SharedReceiveQueue: ~Copyable {
    internal let handle: SharedReceiveHandle
    // SAFETY: the queue, and the function of its context that posts to it; both live as long as the handle.
    @usableFromInline internal let raw: UnsafeMutableRawPointer
    @usableFromInline internal let rawPost: PostFunction

    /// - Parameters:
    ///   - capacity: Receive requests that it holds.
    ///   - elementCountMax: Pieces of memory that one of them scatters.
    ///   - domain: Whose queue pairs may use it.
    public init(capacity: Int, elementCountMax: Int = 1, in domain: borrowing ProtectionDomain) throws(VerbsError) {
        let handle = try SharedReceiveHandle(domain.handle, capacity: capacity, elementCountMax: elementCountMax)
        self.handle = handle
        unsafe self.raw = unsafe UnsafeMutableRawPointer(handle.raw)
        unsafe self.rawPost = unsafe handle.post
    }

    /// - Throws: ``VerbsError/Code/busy`` while queue pairs use it; it then goes with the last of them.
    public consuming func close() throws(VerbsError) {
        try self.handle.close()
    }
}

// SAFETY: verbs may be called from any thread.
extension SharedReceiveQueue: @unchecked Sendable {}

extension SharedReceiveQueue {
    /// Posts room for one message, at most as long as `slice`. See ibv_post_srq_recv(3).
    ///
    /// - Parameters:
    ///   - slice: Belongs to the adapter until the completion has come.
    ///   - id: Comes back with the completion.
    /// - Throws: ``VerbsError/Code/queueFull``.
    @inlinable
    public func postReceive(into slice: RegionSlice<ReadWrite>, id: UInt64 = 0) throws(VerbsError) {
        // SAFETY: the adapter copies the request and its element before it returns.
        let result = unsafe RawReceiveRequest.withOne(slice.element, id: id) { request in
            var failed: UnsafeMutableRawPointer?
            return unsafe self.rawPost(self.raw, request, &failed)
        }
        guard result == 0 else { throw self.postFailure(result) }
    }

    /// Why a request was not posted.
    @inline(never)
    @usableFromInline
    internal func postFailure(_ result: CInt) -> VerbsError {
        let error = VerbsError(operation: "ibv_post_srq_recv", errno: result)
        return VerbsError(
            error.code == .outOfResources ? .queueFull : error.code,
            operation: "ibv_post_srq_recv",
            detail: "shared receive queue of capacity \(self.handle.capacity)",
            errno: result
        )
    }

    /// Asks for an asynchronous event when fewer than `count` requests are left. See ibv_modify_srq(3).
    public func setLimit(_ count: Int) throws(VerbsError) {
        var attributes = ibv_srq_attr()
        attributes.srq_limit = UInt32(clamping: count)
        try VerbsError.check(
            "ibv_modify_srq",
            unsafe self.handle.domain.context.functions.modifySharedQueue(
                self.handle.raw,
                &attributes,
                CInt(IBV_SRQ_LIMIT.rawValue)
            ),
            detail: "limit \(count)"
        )
    }
}

/// Holds a shared receive queue until its last queue pair is gone.
@safe
internal final class SharedReceiveHandle {
    let domain: DomainHandle
    /// What the adapter gave.
    let capacity: Int
    // SAFETY: made until `destroyer` has destroyed it.
    let raw: UnsafeMutablePointer<ibv_srq>
    let post: PostFunction
    private let destroyer = Destroyer()

    init(_ domain: DomainHandle, capacity: Int, elementCountMax: Int) throws(VerbsError) {
        var attributes = unsafe ibv_srq_init_attr()
        unsafe attributes.attr.max_wr = UInt32(clamping: capacity)
        unsafe attributes.attr.max_sge = UInt32(clamping: elementCountMax)
        guard let raw = unsafe domain.context.functions.createSharedQueue(domain.raw, &attributes),
            let post = unsafe domain.context.raw.pointee.ops.post_srq_recv
        else {
            throw .last("ibv_create_srq", detail: "capacity \(capacity), elementCountMax \(elementCountMax)")
        }
        self.domain = domain
        unsafe self.raw = unsafe raw
        // SAFETY: pointers are passed alike, whatever they point to.
        unsafe self.post = unsafe unsafeBitCast(post, to: PostFunction.self)
        self.capacity = unsafe Int(attributes.attr.max_wr)
    }

    deinit {
        self.destroyer.destroySilently { unsafe self.domain.context.functions.destroySharedQueue(self.raw) }
    }

    func close() throws(VerbsError) {
        try self.destroyer.destroy("ibv_destroy_srq") {
            unsafe self.domain.context.functions.destroySharedQueue(self.raw)
        }
    }
}

// SAFETY: verbs may be called from any thread.
extension SharedReceiveHandle: @unchecked Sendable {}
