package import Segment
package import SystemIO

/// Where finished work requests are reported. See ibv_create_cq(3).
@safe
package final class CompletionQueue {
    package let context: Context
    package let channel: CompletionChannel?
    package let ring: CompletionRing
    package let generation: UInt32
    /// The queue pairs that report here.
    package let users = UseCount()
    /// Completion events that the program has fetched.
    package let completionAccount = EventAccount()
    /// Asynchronous events of this queue that the program has fetched.
    package let asyncAccount = EventAccount()
    /// Completions carry the time at which they were appended. Set before a queue pair reports here.
    // SAFETY: set once by the C face, before the object is shared.
    package var recordsTimes = false
    /// The structure by which C knows this object.
    // SAFETY: set once by the C face, before the object is shared.
    package var userObject: UnsafeMutableRawPointer?

    /// - Parameters:
    ///   - capacity: Completions that it must hold; it may hold more.
    ///   - channel: Where events go; `nil` when nobody waits for events.
    /// - Throws: `EINVAL` when `capacity` is 0, less, or more than `Limits.completions`, or the channel is of another
    ///   context; `ENOMEM`; `EIO` in a forked child.
    package init(context: Context, capacity: Int, channel: CompletionChannel? = nil) throws(Errno) {
        try ProcessGuard.check(context.generation)
        guard (1...Limits.completions).contains(capacity), channel == nil || channel?.context === context else {
            throw .invalidArgument
        }
        self.context = context
        self.channel = channel
        self.generation = ProcessGuard.generation
        self.ring = try CompletionRing(in: context.segment, capacity: capacity)
        do throws(Errno) {
            try channel?.attach(self)
        } catch {
            self.ring.close(in: context.segment)
            throw error
        }
    }
}

// SAFETY: see `userObject`; the ring is made for several threads, and the rest does not change.
extension CompletionQueue: @unchecked Sendable {}

// MARK: - Consuming

extension CompletionQueue {
    /// Begins a series of `nextCompletion`. Holds a lock until `endPoll`.
    ///
    /// - Returns: `false`, with no lock held, in a forked child.
    @inline(always)
    package func beginPoll() -> Bool {
        ProcessGuard.isOwn(self.generation) && self.ring.beginConsuming()
    }

    /// Takes the oldest completion, or says that there is none. Between `beginPoll` and `endPoll`.
    @inline(always)
    package func nextCompletion(_ completion: inout WorkCompletion) -> Bool {
        self.ring.next(into: &completion)
    }

    @inline(always)
    package func endPoll() {
        self.ring.endConsuming()
    }

    /// Makes sure that completions which only wait for somebody to look are there: for callers of `beginPoll`.
    ///
    /// - Returns: Whether there is a completion.
    @inline(always)
    package func makeProgressIfEmpty() -> Bool {
        if !self.ring.isEmpty { return true }
        self.context.engine.makeProgress()
        return !self.ring.isEmpty
    }

    /// Takes up to `count` completions and gives each to `body` with its place, 0 and up.
    ///
    /// - Returns: How many; -1 in a forked child, and once the queue is empty after an overrun.
    @inline(always)
    package func poll(_ count: Int, _ body: (Int, WorkCompletion) -> Void) -> Int {
        guard ProcessGuard.isOwn(self.generation) else { return -1 }
        guard self.makeProgressIfEmpty() else { return self.hasOverrun ? -1 : 0 }
        guard self.ring.beginConsuming() else { return -1 }
        var completion = WorkCompletion()
        var taken = 0
        while taken < count, self.ring.next(into: &completion) {
            body(taken, completion)
            taken += 1
        }
        self.ring.endConsuming()
        return taken
    }

    /// Completions were lost because the queue was full. It stays so.
    @inline(always) package var hasOverrun: Bool { self.ring.hasOverrun }

    package var capacity: Int { self.ring.capacity }

    /// Asks for one event on the channel at the next completion. See ibv_req_notify_cq(3).
    ///
    /// - Parameter solicitedOnly: Only for completions of messages that were sent as solicited, and for errors.
    /// - Throws: `EIO` in a forked child.
    package func requestNotification(solicitedOnly: Bool) throws(Errno) {
        try ProcessGuard.check(self.generation)
        guard self.channel != nil else { return }
        if self.ring.arm(solicitedOnly: solicitedOnly) { self.context.engine.noteArmed() }
        self.context.engine.willBlock()
    }

    /// Notes that the program is done with `count` completion events.
    package func acknowledgeEvents(_ count: Int) {
        guard ProcessGuard.isOwn(self.generation) else { return }
        self.completionAccount.acknowledge(count)
    }
}

// MARK: - Producing

extension CompletionQueue {
    /// Appends a completion, and raises an event if one was asked for.
    ///
    /// - Parameter isSolicited: Whether the message was sent as solicited. A completion with an error always counts so.
    /// - Returns: `false` when the queue was full: the caller's queue pair has to go to the error state.
    @discardableResult
    package func push(_ completion: WorkCompletion, isSolicited: Bool) -> Bool {
        var completion = completion
        if self.recordsTimes { completion.timestampNanoseconds = MonotonicClock.now }
        switch self.ring.push(completion, isSolicited: isSolicited || completion.status != 0) {
        case .stored:
            return true
        case .storedAndDue:
            self.context.engine.noteFired()
            self.channel?.signal()
            return true
        case .overrun:
            self.reportOverrun()
            return false
        case .overrunAgain:
            return false
        }
    }

    /// Removes what a queue pair that is reset or destroyed has left.
    package func removeCompletions(ofQueuePair number: UInt32) {
        self.ring.removeCompletions(ofQueuePair: number)
    }

    private func reportOverrun() {
        self.context.segment.header.counter(.completionOverruns).add(1)
        self.context.asyncEvents.push(AsyncEvent(.completionQueueError, .completionQueue(self)))
    }
}

// MARK: - Changing and closing

extension CompletionQueue {
    /// Changes the capacity, and keeps what is queued.
    ///
    /// - Throws: `EINVAL` when `capacity` is out of range or less than what is queued; `ENOMEM`; `EIO` in a forked child.
    package func resize(to capacity: Int) throws(Errno) {
        try ProcessGuard.check(self.generation)
        guard (1...Limits.completions).contains(capacity) else { throw .invalidArgument }
        try self.ring.resize(to: capacity, in: self.context.segment)
    }

    /// Not built: the device attributes say that no moderation is there.
    ///
    /// - Throws: `EOPNOTSUPP`.
    package func moderate(count: UInt16, periodMicroseconds: UInt16) throws(Errno) {
        throw .notSupported
    }

    /// Closes the queue. Returns when all events that the program fetched are acknowledged.
    ///
    /// - Throws: `EBUSY` while queue pairs report here, `EINVAL` when it is closed already, `EIO` in a forked child.
    package func close() throws(Errno) {
        try ProcessGuard.check(self.generation)
        try self.users.close()
        if self.ring.disarm() { self.context.engine.noteFired() }
        self.channel?.detach(self)
        self.context.asyncEvents.retire(self.asyncAccount)
        self.completionAccount.waitUntilAcknowledged()
        self.ring.close(in: self.context.segment)
    }
}
