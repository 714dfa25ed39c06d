internal import CVerbs
internal import Glibc

/// Holds a completion queue until its last queue pair is gone.
@safe
internal final class QueueHandle {
    let context: ContextHandle
    let channel: ChannelHandle?
    // SAFETY: made until `destroyer` has destroyed it; the functions are those of its context.
    let raw: UnsafeMutablePointer<ibv_cq>
    let poll: PollFunction
    private let destroyer = Destroyer()

    init(_ context: ContextHandle, capacity: Int, channel: ChannelHandle?) throws(VerbsError) {
        let count = CInt(clamping: capacity)
        guard
            let raw = unsafe context.functions.createQueue(context.raw, count, nil, channel?.raw, 0),
            let poll = unsafe raw.pointee.context.pointee.ops.poll_cq
        else {
            throw .last("ibv_create_cq", detail: "capacity \(capacity)")
        }
        self.context = context
        self.channel = channel
        unsafe self.raw = unsafe raw
        // SAFETY: pointers are passed alike, whatever they point to.
        unsafe self.poll = unsafe unsafeBitCast(poll, to: PollFunction.self)
    }

    deinit {
        self.destroyer.destroySilently { unsafe self.context.functions.destroyQueue(self.raw) }
    }

    func close() throws(VerbsError) {
        try self.destroyer.destroy("ibv_destroy_cq") { unsafe self.context.functions.destroyQueue(self.raw) }
    }

    func arm(solicitedOnly: Bool) throws(VerbsError) {
        guard let arm = unsafe self.raw.pointee.context.pointee.ops.req_notify_cq else {
            throw VerbsError(operation: "ibv_req_notify_cq", errno: EOPNOTSUPP)
        }
        try VerbsError.check("ibv_req_notify_cq", unsafe arm(self.raw, solicitedOnly ? 1 : 0))
    }

    func resize(to capacity: Int) throws(VerbsError) {
        try VerbsError.check(
            "ibv_resize_cq",
            unsafe self.context.functions.resizeQueue(self.raw, CInt(clamping: capacity)),
            detail: "capacity \(capacity)"
        )
    }

    /// Completions that it holds.
    var capacity: Int { unsafe Int(self.raw.pointee.cqe) }

    /// Why it could not be polled.
    func pollFailure() -> VerbsError {
        guard self.destroyer.isInOwnProcess else { return .forked("ibv_poll_cq") }
        return VerbsError(
            .wrongState,
            operation: "ibv_poll_cq",
            detail: "the queue overran: more requests completed than its capacity between two polls"
        )
    }
}

// SAFETY: verbs may be called from any thread.
extension QueueHandle: @unchecked Sendable {}
