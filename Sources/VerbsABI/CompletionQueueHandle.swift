internal import CVerbs
internal import Glibc
internal import Segment
internal import SoftHCA
internal import SystemIO

/// The memory behind `ibv_cq` and `ibv_cq_ex`: both begin alike, and every queue has room for the larger one.
@unsafe
internal struct CompletionQueueHandle {
    internal var base: ibv_cq_ex
    // SAFETY: retained by `make`, released by `ibv_destroy_cq`; between them every pointer to the C struct is one to it.
    internal var object: Unmanaged<CompletionQueue>?
    /// The completion that `start_poll` or `next_poll` took, for the `read_*` functions.
    internal var current: WorkCompletion
}

extension UnsafeMutablePointer where Pointee == ibv_cq {
    // SAFETY: the pointer is one that this library returned as a completion queue and did not destroy.

    @inline(always)
    internal var handle: UnsafeMutablePointer<CompletionQueueHandle> {
        unsafe UnsafeMutableRawPointer(self).assumingMemoryBound(to: CompletionQueueHandle.self)
    }

    /// The adapter's queue.
    @inline(always)
    internal var object: Unmanaged<CompletionQueue> { unsafe self.handle.pointee.object.unsafelyUnwrapped }

    /// The adapter's queue, for calls that are not on the data path.
    internal var adapter: CompletionQueue { unsafe self.object.takeUnretainedValue() }

    /// Fills the fields that are alike in all queues, and counts the queue in its channel.
    internal func initializeShared(
        context: UnsafeMutablePointer<ibv_context>,
        channel: UnsafeMutablePointer<ibv_comp_channel>?,
        userContext: UnsafeMutableRawPointer?
    ) {
        unsafe self.pointee.context = context
        unsafe self.pointee.channel = channel
        unsafe self.pointee.cq_context = userContext
        unsafe self.pointee.comp_events_completed = 0
        unsafe self.pointee.async_events_completed = 0
        _ = unsafe pthread_mutex_init(&self.pointee.mutex, nil)
        _ = unsafe pthread_cond_init(&self.pointee.cond, nil)
        if let channel = unsafe channel { unsafe channel.addUses(1) }
    }

    /// Changes the counters of acknowledged events, and tells whoever waits for them.
    internal func updateCounters(_ body: (inout ibv_cq) -> Void) {
        _ = unsafe pthread_mutex_lock(&self.pointee.mutex)
        unsafe body(&self.pointee)
        _ = unsafe pthread_cond_signal(&self.pointee.cond)
        _ = unsafe pthread_mutex_unlock(&self.pointee.mutex)
    }
}

extension UnsafeMutablePointer where Pointee == ibv_cq_ex {
    // SAFETY: as for `ibv_cq`; `ibv_cq_ex` begins with the same fields.

    @inline(always)
    internal var handle: UnsafeMutablePointer<CompletionQueueHandle> {
        unsafe UnsafeMutableRawPointer(self).assumingMemoryBound(to: CompletionQueueHandle.self)
    }
}

extension UnsafeMutablePointer where Pointee == ibv_comp_channel {
    // SAFETY: the pointer is one that `ibv_create_comp_channel` returned and that is not destroyed.

    /// Counts the queues that use the channel, under the lock that the headers' contract names: the context's.
    internal func addUses(_ difference: CInt) {
        guard let context = unsafe self.pointee.context else { return }
        _ = unsafe pthread_mutex_lock(&context.pointee.mutex)
        unsafe self.pointee.refcnt &+= difference
        _ = unsafe pthread_mutex_unlock(&context.pointee.mutex)
    }
}
