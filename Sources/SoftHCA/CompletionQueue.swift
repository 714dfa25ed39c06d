package import Segment
internal import Synchronization
package import SystemIO
internal import Transport

/// Where finished work requests are reported. See ibv_create_cq(3).
@safe
package final class CompletionQueue {
    package let context: Context
    package let channel: CompletionChannel?
    package let ring: CompletionRing
    // SAFETY: the context keeps both. On the data path no references are counted.
    private let engine: Unmanaged<Engine>
    // SAFETY: likewise.
    private let segment: Unmanaged<ProcessSegment>
    /// The slot of the key that receive requests name. Under the consumer's lock.
    // SAFETY: guarded as said.
    private var placeKey = KeyMemo()
    package let generation: UInt32
    /// The queue pairs that report here.
    package let users = UseCount()
    /// Completion events that the program has fetched.
    package let completionAccount = EventAccount()
    /// Asynchronous events of this queue that the program has fetched.
    package let asyncAccount = EventAccount()
    /// Completions carry the time at which they were appended. Set before a queue pair reports here.
    // SAFETY: set once by the C face, before the object is shared.
    package var recordsTimes = false {
        didSet { self.ring.recordsTimes.storeRelaxed(self.recordsTimes ? 1 : 0) }
    }
    /// The first completion, counted from the beginning, that came after the program had asked for an event; `.max` when
    /// none is withheld. See `CompletionQueue+Arming.swift`.
    internal let firstWithheld = Atomic<UInt64>(.max)
    internal let withheldUntil = Atomic<UInt64>(0)
    /// The structure by which C knows this object.
    // SAFETY: set once by the C face, before the object is shared.
    package var userObject: UnsafeMutableRawPointer?
    /// The parent domain that it was made in, if any.
    // SAFETY: set once, before the object is shared, and taken away when it is closed.
    private var domain: ProtectionDomain?

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
        unsafe self.engine = .passUnretained(context.engine)
        unsafe self.segment = .passUnretained(context.segment)
        self.channel = channel
        self.generation = ProcessGuard.generation
        self.ring = try CompletionRing(in: context.segment, capacity: capacity)
        if let channel {
            self.ring.channelNumber.storeRelaxed(channel.number)
            self.ring.channelDescriptor.storeReleasing(UInt32(bitPattern: channel.counterDescriptor + 1))
        }
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
        guard ProcessGuard.isOwn(self.generation) else { return false }
        self.ring.beginConsuming()
        return true
    }

    /// Takes the oldest completion, or says that there is none. Between `beginPoll` and `endPoll`.
    @inline(always)
    package func nextCompletion(_ completion: inout WorkCompletion) -> Bool {
        guard !self.isWithholding else { return false }
        return self.ring.next(into: &completion) { self.place($0) }
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
        if self.isWithholding {
            // One look: whoever looks again, without having been told, shall find what is there.
            self.showAll()
            return false
        }
        if !self.ring.isEmpty {
            unsafe self.engine._withUnsafeGuaranteedRef { $0.noteCompletion() }
            return true
        }
        unsafe self.engine._withUnsafeGuaranteedRef { $0.makeProgress() }
        return !self.ring.isEmpty
    }

    /// Takes up to `count` completions. Their time is left out: it is 0.
    ///
    /// - Parameter completions: Room for `count`.
    /// - Returns: How many; -1 in a forked child, and once the queue is empty after an overrun.
    @unsafe
    package func poll(into completions: UnsafeMutablePointer<WorkCompletion>, count: Int) -> Int {
        guard ProcessGuard.isOwn(self.generation) else { return -1 }
        guard self.makeProgressIfEmpty() else { return self.hasOverrun ? -1 : 0 }
        self.ring.beginConsuming()
        var taken = 0
        while taken < count, unsafe self.nextCompletion(&completions[taken]) {
            unsafe completions[taken].timestampNanoseconds = 0
            taken += 1
        }
        self.ring.endConsuming()
        return taken
    }

    /// Completions were lost because the queue was full. It stays so.
    @inline(always) package var hasOverrun: Bool { self.ring.hasOverrun }

    package var capacity: Int { self.ring.capacity }

}

// MARK: - Payloads

extension CompletionQueue {
    /// Puts the payload of a SEND, which a process of this host left with the completion, into the memory of its receive
    /// request. Memory that was deregistered meanwhile is nobody's any more, and stays as it is.
    internal func place(_ entry: CompletionEntry) {
        unsafe self.segment._withUnsafeGuaranteedRef { segment in
            // Regions that are found now stay until then.
            let place = segment.placers.enter()
            self.place(entry, in: segment)
            segment.placers.leave(place)
        }
        unsafe self.engine._withUnsafeGuaranteedRef { $0.noteDirectArrival() }
    }

    @inline(always)
    private func place(_ entry: CompletionEntry, in segment: ProcessSegment) {
        guard let queuePair = segment.queuePairs.find(number: entry.qpNumber) else { return }
        let domain = queuePair.receiveDomain.relaxed
        // A datagram's completion counts the global route in front of it, which travels with the payload.
        let byteCount = Int(entry.byteCount)
        switch entry.payload {
        case .none:
            break
        case .entry:
            var words = entry.words
            let element = ScatterElement(
                address: entry.placeAddress,
                byteCount: UInt32(min(byteCount, CompletionEntry.payloadByteCountMax)),
                lKey: entry.placeKeyOrCount
            )
            // SAFETY: the words hold as many bytes.
            unsafe withUnsafeBytes(of: &words) { bytes in
                if let base = bytes.baseAddress { unsafe self.place(base, element, domain, in: segment) }
            }
        case .arena:
            unsafe segment.view.arena(of: queuePair)?.take(
                at: entry.words.0,
                elementCount: Int(entry.placeKeyOrCount),
                payloadByteCount: byteCount
            ) { elements, bytes in
                var done = 0
                for index in 0..<elements.count where done < byteCount {
                    var element = unsafe elements[index]
                    element.byteCount = min(element.byteCount, UInt32(byteCount - done))
                    // SAFETY: the message has `byteCount` bytes.
                    unsafe self.place(bytes + done, element, domain, in: segment)
                    done += Int(element.byteCount)
                }
            }
        }
    }

    private func place(
        _ source: UnsafeRawPointer,
        _ element: ScatterElement,
        _ domain: UInt32,
        in segment: ProcessSegment
    ) {
        guard element.byteCount > 0 else { return }
        let target = segment.memory.resolve(
            key: element.lKey,
            address: element.address,
            byteCount: UInt64(element.byteCount),
            access: .localWrite,
            by: .local(domain: domain),
            memo: &self.placeKey
        )
        guard let target else { return }
        // SAFETY: the caller has as many bytes there.
        unsafe self.engine._withUnsafeGuaranteedRef { engine in
            _ = unsafe engine.ownMemory.write(source, byteCount: Int(element.byteCount), to: target)
        }
    }
}

// MARK: - Producing

extension CompletionQueue {
    /// Appends a completion, and raises an event if one was asked for. The caller holds the engine's lock.
    ///
    /// - Parameter isSolicited: Whether the message was sent as solicited. A completion with an error always counts so.
    /// - Returns: `false` when the queue was full: the caller's queue pair has to go to the error state.
    @inline(always)
    @discardableResult
    package func push(_ completion: WorkCompletion, isSolicited: Bool) -> Bool {
        var completion = completion
        if self.recordsTimes { completion.timestampNanoseconds = MonotonicClock.now }
        // An error counts as solicited.
        let isSolicited = isSolicited || completion.status != 0
        let outcome = self.ring.push(completion, isSolicited: isSolicited)
        if case .stored = outcome { return true }
        return self.finishPush(outcome)
    }

    /// - Returns: As `push`.
    private func finishPush(_ outcome: CompletionRing.PushOutcome) -> Bool {
        switch outcome {
        case .stored:
            return true
        case .storedAndWaiting:
            self.context.engine.noteDeadline(self.moderationDeadline)
            return true
        case .storedAndDue:
            self.fire()
            return true
        case .overrun:
            self.reportOverrun()
            return false
        case .overrunAgain, .refused, .busy:
            return false
        }
    }

    private func fire() {
        self.context.segment.header.armedCount.subtract(1)
        self.channel?.signal()
    }

    /// When a moderated event is due at the latest. The caller holds the engine's lock.
    internal var moderationDeadline: Timestamp? {
        self.ring.moderationDeadline.map { Timestamp(nanoseconds: $0) }
    }

    /// Raises a moderated event whose time has come. The caller holds the engine's lock.
    internal func handleModerationTimeout(now: Timestamp) {
        if self.ring.endModeration(now: now.nanoseconds) { self.fire() }
    }

    /// Removes what a queue pair that is reset or destroyed has left.
    package func removeCompletions(ofQueuePair number: UInt32) {
        self.ring.removeCompletions(ofQueuePair: number)
    }

    /// Does what a process of this host has left to be done: it appended a completion and could not tell, or its event waits.
    internal func catchUpWithPeers() {
        self.context.engine.noteDeadline(self.moderationDeadline)
        if self.ring.unreportedOverrun.relaxed != 0, self.ring.unreportedOverrun.exchange(0) != 0 {
            self.reportOverrun()
        }
        guard self.ring.unsignaledEvents.relaxed != 0 else { return }
        for _ in 0..<self.ring.unsignaledEvents.exchange(0) { self.channel?.signal() }
    }

    /// A process of this host died that may have been about to raise an event here: raises one, to be on the safe side.
    internal func raiseEventAfterDeath() {
        guard let channel, !self.ring.isEmpty else { return }
        self.ring.dueEvents.add(1)
        channel.signal()
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

    /// Lets events wait until `count` completions are there, or the first has waited so long, whichever is earlier; 0 is
    /// no limit. See ibv_modify_cq(3).
    ///
    /// - Throws: `EIO` in a forked child.
    package func moderate(count: UInt16, periodMicroseconds: UInt16) throws(Errno) {
        try ProcessGuard.check(self.generation)
        self.context.engine.lock.withLock {
            // What waits under the old limits is due now: the new ones would never count it.
            if self.ring.isModerated, self.ring.raiseIfArmed() { self.fire() }
            self.ring.moderate(countMax: count, periodNanoseconds: UInt64(periodMicroseconds) * 1_000)
            self.context.engine.setModerated(self, self.ring.isModerated)
        }
    }

    /// Closes the queue. Returns when all events that the program fetched are acknowledged.
    ///
    /// - Throws: `EBUSY` while queue pairs report here, `EINVAL` when it is closed already, `EIO` in a forked child.
    package func close() throws(Errno) {
        try ProcessGuard.check(self.generation)
        try self.users.close()
        self.context.engine.lock.withLock { self.context.engine.setModerated(self, false) }
        if self.ring.disarm() { self.context.segment.header.armedCount.subtract(1) }
        // Whoever is about to signal the channel has signalled it then.
        self.context.segment.waitForInitiators()
        self.channel?.detach(self)
        self.context.asyncEvents.retire(self.asyncAccount)
        self.completionAccount.waitUntilAcknowledged()
        self.ring.close(in: self.context.segment)
        self.domain?.users.end()
        self.domain = nil
    }

    /// Puts the queue into a parent domain, which stays as long as it. See ibv_create_cq_ex(3).
    ///
    /// - Throws: `EINVAL` when the domain is none, or of another context.
    package func enter(_ domain: ProtectionDomain) throws(Errno) {
        guard domain.isParent, domain.context === self.context else { throw .invalidArgument }
        try domain.users.begin()
        self.domain = domain
    }
}
