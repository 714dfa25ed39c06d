internal import CVerbs
internal import Glibc

/// Receive requests for any number of queue pairs. See ibv_create_srq(3).
public struct SharedReceiveQueue: ~Copyable, Sendable {
    internal let handle: SharedReceiveHandle

    /// - Parameters:
    ///   - capacity: Receive requests that it holds.
    ///   - elementCountMax: Pieces of memory that one of them scatters.
    ///   - domain: Whose queue pairs may use it.
    public init(capacity: Int, elementCountMax: Int = 1, in domain: borrowing ProtectionDomain) throws(VerbsError) {
        self.handle = try SharedReceiveHandle(domain.handle, capacity: capacity, elementCountMax: elementCountMax)
    }

    /// - Throws: ``VerbsError/Code/busy`` while queue pairs use it; it then goes with the last of them.
    public consuming func close() throws(VerbsError) {
        try self.handle.close()
    }
}

extension SharedReceiveQueue {
    /// Posts room for one message, at most as long as `slice`. See ibv_post_srq_recv(3).
    public func postReceive(into slice: RegionSlice<ReadWrite>, id: UInt64 = 0) throws(VerbsError) {
        var element = slice.element
        var raw = unsafe ibv_recv_wr()
        // SAFETY: the adapter copies the request and its element before it returns.
        let result = unsafe withUnsafeMutablePointer(to: &raw) { pointer in
            unsafe withUnsafeMutablePointer(to: &element) { element in
                unsafe pointer.pointee.wr_id = id
                unsafe pointer.pointee.sg_list = unsafe element
                unsafe pointer.pointee.num_sge = 1
                return unsafe self.handle.post(pointer)
            }
        }
        try VerbsError.check("ibv_post_srq_recv", result)
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
    // SAFETY: made until `destroyer` has destroyed it.
    let raw: UnsafeMutablePointer<ibv_srq>
    private let destroyer = Destroyer()

    init(_ domain: DomainHandle, capacity: Int, elementCountMax: Int) throws(VerbsError) {
        var attributes = unsafe ibv_srq_init_attr()
        unsafe attributes.attr.max_wr = UInt32(clamping: capacity)
        unsafe attributes.attr.max_sge = UInt32(clamping: elementCountMax)
        guard let raw = unsafe domain.context.functions.createSharedQueue(domain.raw, &attributes) else {
            throw .last("ibv_create_srq", detail: "capacity \(capacity), elementCountMax \(elementCountMax)")
        }
        self.domain = domain
        unsafe self.raw = unsafe raw
    }

    deinit {
        self.destroyer.destroySilently { unsafe self.domain.context.functions.destroySharedQueue(self.raw) }
    }

    func close() throws(VerbsError) {
        try self.destroyer.destroy("ibv_destroy_srq") {
            unsafe self.domain.context.functions.destroySharedQueue(self.raw)
        }
    }

    @unsafe
    func post(_ request: UnsafeMutablePointer<ibv_recv_wr>) -> CInt {
        guard let post = unsafe self.domain.context.raw.pointee.ops.post_srq_recv else { return EOPNOTSUPP }
        var failed: UnsafeMutablePointer<ibv_recv_wr>?
        return unsafe post(self.raw, request, &failed)
    }
}

// SAFETY: verbs may be called from any thread.
extension SharedReceiveHandle: @unchecked Sendable {}
