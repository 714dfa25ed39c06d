public import CVerbs
internal import SoftHCA
internal import SystemIO

// SAFETY (this file): channels, queues and contexts are pointers that this library returned and did not destroy; out
// parameters point to room for one value.

/// Makes a channel for completion events. See ibv_create_comp_channel(3).
@c @implementation
public func ibv_create_comp_channel(
    _ context: UnsafeMutablePointer<ibv_context>?
) -> UnsafeMutablePointer<ibv_comp_channel>? {
    unsafe returningPointer { () throws(Errno) in
        let context = unsafe try context.orInvalid()
        let channel = try CompletionChannel(context: unsafe context.adapter)
        let handle: UnsafeMutablePointer<CompletionChannelHandle>
        do throws(Errno) {
            unsafe handle = unsafe try CompletionChannelHandle.make(channel)
        } catch {
            try? channel.close()
            throw error
        }
        unsafe handle.pointee.base.context = context
        unsafe handle.pointee.base.fd = channel.fileDescriptor
        return unsafe handle.base()
    }
}

/// Destroys a channel; `EBUSY` while a queue uses it. See ibv_create_comp_channel(3).
@c @implementation
public func ibv_destroy_comp_channel(_ channel: UnsafeMutablePointer<ibv_comp_channel>?) -> CInt {
    returningErrno { () throws(Errno) in
        let channel = unsafe try channel.orInvalid()
        try unsafe channel.object(CompletionChannel.self).takeUnretainedValue().close()
        unsafe channel.destroy(CompletionChannel.self)
    }
}

/// The next completion event: waits for it, or fails with `EAGAIN` when the descriptor is non-blocking.
/// See ibv_get_cq_event(3).
@c @implementation
public func ibv_get_cq_event(
    _ channel: UnsafeMutablePointer<ibv_comp_channel>?,
    _ queue: UnsafeMutablePointer<UnsafeMutablePointer<ibv_cq>?>?,
    _ userContext: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> CInt {
    returningStatus { () throws(Errno) in
        let channel = unsafe try channel.orInvalid()
        let ready = try unsafe channel.object(CompletionChannel.self).takeUnretainedValue().nextEvent()
        let cQueue = unsafe ready.userObject?.assumingMemoryBound(to: ibv_cq.self)
        unsafe queue?.pointee = cQueue
        unsafe userContext?.pointee = cQueue?.pointee.cq_context
    }
}

/// Acknowledges events; destroying the queue waits for that. See ibv_get_cq_event(3).
@c @implementation
public func ibv_ack_cq_events(_ queue: UnsafeMutablePointer<ibv_cq>?, _ count: CUnsignedInt) {
    guard let queue = unsafe queue, count > 0 else { return }
    let adapter = unsafe queue.adapter
    unsafe queue.updateCounters { base in unsafe base.comp_events_completed &+= count }
    adapter.acknowledgeEvents(Int(count))
}
