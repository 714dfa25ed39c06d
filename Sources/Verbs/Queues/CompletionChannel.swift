internal import CVerbs
internal import Glibc
internal import SystemIO

/// Where completion queues report that something came, so that a thread can sleep until then.
/// See ibv_create_comp_channel(3).
public struct CompletionChannel: ~Copyable, Sendable {
    internal let handle: ChannelHandle

    public init(on context: borrowing Context) throws(VerbsError) {
        self.handle = try ChannelHandle(context.handle)
    }

    /// - Throws: ``VerbsError/Code/busy`` while completion queues report to it; it then goes with the last of them.
    public consuming func close() throws(VerbsError) {
        try self.handle.close()
    }
}

extension CompletionChannel {
    /// Readable while an event waits: for poll(2), epoll(7) and event loops. It belongs to the channel; do not close it.
    public var fileDescriptor: CInt { unsafe self.handle.raw.pointee.fd }

    /// Waits until one of the queues reports, and takes that event. Then poll the queues, for one event may stand for many
    /// completions, and arm them anew.
    ///
    /// It blocks the thread. After ``makeNonBlocking()`` it does not.
    ///
    /// - Returns: Whether there was one; false only when the channel does not block.
    @discardableResult
    public func wait() throws(VerbsError) -> Bool { try self.handle.takeEvent() }

    /// Lets ``wait()`` return false at once when there is no event.
    public func makeNonBlocking() throws(VerbsError) { try self.handle.makeNonBlocking() }
}

/// Holds a channel until its last queue is gone.
@safe
internal final class ChannelHandle {
    let context: ContextHandle
    // SAFETY: made until `destroyer` has destroyed it.
    let raw: UnsafeMutablePointer<ibv_comp_channel>
    private let destroyer = Destroyer()

    init(_ context: ContextHandle) throws(VerbsError) {
        guard let raw = unsafe context.functions.createChannel(context.raw) else {
            throw .last("ibv_create_comp_channel")
        }
        self.context = context
        unsafe self.raw = unsafe raw
    }

    deinit {
        self.destroyer.destroySilently { unsafe self.context.functions.destroyChannel(self.raw) }
    }

    func close() throws(VerbsError) {
        try self.destroyer.destroy("ibv_destroy_comp_channel") {
            unsafe self.context.functions.destroyChannel(self.raw)
        }
    }

    /// Takes one event and acknowledges it; false when the channel does not block and there is none.
    func takeEvent() throws(VerbsError) -> Bool {
        var queue: UnsafeMutablePointer<ibv_cq>?
        var userContext: UnsafeMutableRawPointer?
        while true {
            guard self.destroyer.isInOwnProcess else { throw .forked("ibv_get_cq_event") }
            if unsafe self.context.functions.getQueueEvent(self.raw, &queue, &userContext) == 0 { break }
            switch Glibc.errno {
            case EINTR: continue
            case EAGAIN: return false
            default: throw .last("ibv_get_cq_event")
            }
        }
        unsafe self.context.functions.acknowledgeQueueEvents(queue, 1)
        return true
    }

    func makeNonBlocking() throws(VerbsError) {
        do throws(Errno) {
            try Descriptor.setNonBlocking(unsafe self.raw.pointee.fd)
        } catch {
            throw VerbsError(error, operation: "fcntl")
        }
    }
}

// SAFETY: verbs may be called from any thread.
extension ChannelHandle: @unchecked Sendable {}
