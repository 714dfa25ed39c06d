/// Where ends of work requests are reported, in the order in which they happened for each queue pair.
/// See ibv_create_cq(3).
@safe
public struct CompletionQueue: ~Copyable {
    internal let handle: QueueHandle
    // SAFETY: the queue, and the function of its context that polls it; both live as long as the handle.
    @usableFromInline internal let raw: UnsafeMutableRawPointer
    @usableFromInline internal let rawPoll: PollFunction

    /// Makes a queue that is polled.
    ///
    /// - Parameters:
    ///   - capacity: Completions that it holds at least. Post no more signalled requests than that between two polls: a queue
    ///     that overruns is lost, and its queue pairs with it.
    ///   - context: Its device.
    public init(capacity: Int, on context: borrowing Context) throws(VerbsError) {
        self.init(try QueueHandle(context.handle, capacity: capacity, channel: nil))
    }

    /// Makes a queue that can also report to a channel.
    public init(capacity: Int, reportingTo channel: borrowing CompletionChannel) throws(VerbsError) {
        self.init(try QueueHandle(channel.handle.context, capacity: capacity, channel: channel.handle))
    }

    internal init(_ handle: QueueHandle) {
        self.handle = handle
        unsafe self.raw = unsafe UnsafeMutableRawPointer(handle.raw)
        unsafe self.rawPoll = unsafe handle.poll
    }

    /// - Throws: ``VerbsError/Code/busy`` while queue pairs report to it; it then goes with the last of them.
    public consuming func close() throws(VerbsError) {
        try self.handle.close()
    }
}

// SAFETY: verbs may be called from any thread.
extension CompletionQueue: @unchecked Sendable {}

extension CompletionQueue {
    /// Completions that it holds.
    public var capacity: Int { self.handle.capacity }

    /// Takes completions that are there. It does not wait, and allocates nothing.
    ///
    /// - Parameter completions: Where they are put, from its beginning on.
    /// - Returns: How many there were, at most as many as fit.
    /// - Throws: When the queue overran, or the process is a forked child.
    @inlinable
    @inline(always)
    public func poll(into completions: consuming MutableSpan<WorkCompletion>) throws(VerbsError) -> Int {
        let count = unsafe completions.withUnsafeMutableBufferPointer { buffer in
            // SAFETY: a WorkCompletion is laid out as an ibv_wc.
            unsafe self.rawPoll(self.raw, CInt(truncatingIfNeeded: buffer.count), buffer.baseAddress)
        }
        guard count >= 0 else { throw self.pollFailure() }
        return Int(count)
    }

    /// Takes one completion, or nil when there is none now.
    @inlinable
    @inline(always)
    public func poll() throws(VerbsError) -> WorkCompletion? {
        var completion = WorkCompletion()
        // SAFETY: a WorkCompletion is laid out as an ibv_wc.
        let count = unsafe self.rawPoll(self.raw, 1, &completion)
        guard count >= 0 else { throw self.pollFailure() }
        return count == 1 ? completion : nil
    }

    /// Polls until a completion comes. The thread spins; for waiting without that, see ``CompletionChannel`` and
    /// ``AsyncQueuePair``.
    @inlinable
    public func spin() throws(VerbsError) -> WorkCompletion {
        while true {
            if let completion = try self.poll() { return completion }
        }
    }

    @inline(never)
    @usableFromInline
    internal func pollFailure() -> VerbsError { self.handle.pollFailure() }

    /// Asks for one event on the channel at the next completion.
    ///
    /// A completion that came before is not reported: after arming, poll once more before waiting.
    ///
    /// - Parameter solicitedOnly: Whether only messages that were sent with ``SendOptions/solicited``, and failures, count.
    public func arm(solicitedOnly: Bool = false) throws(VerbsError) {
        try self.handle.arm(solicitedOnly: solicitedOnly)
    }

    /// Changes how many completions it holds.
    public func resize(to capacity: Int) throws(VerbsError) {
        try self.handle.resize(to: capacity)
    }
}
