internal import HostRegistry
package import Segment
package import SystemIO
package import Wire

/// Receive requests that several queue pairs take from. See ibv_create_srq(3).
@safe
package final class SharedReceiveQueue {
    package let domain: ProtectionDomain
    package let ring: ReceiveRing
    package let generation: UInt32
    /// The queue pairs that take from it.
    package let users = UseCount()
    /// What a queue of extended connections has besides; `nil` for a basic one.
    package let extended: Extended?
    /// Asynchronous events of this queue that the program has fetched.
    package let asyncAccount = EventAccount()
    /// The structure by which C knows this object.
    // SAFETY: set once by the C face, before the object is shared.
    package var userObject: UnsafeMutableRawPointer?

    /// What makes a queue one of extended connections.
    package struct Extended {
        package let domain: OpenXRCDomain
        /// Where what is received is reported.
        package let completions: CompletionQueue
        /// By which requests name the queue. No queue pair of the host has it.
        package let number: QPN
        /// Where other processes find it.
        internal let entry: QueuePairEntry
    }

    /// - Parameters:
    ///   - capacity: Requests that it must hold; it may hold more.
    ///   - scatterMax: Elements that a request may have.
    ///   - limit: Ignored, as ibv_create_srq(3) says: a limit is armed by `modify`.
    ///   - extension: The extended connections that it is for, and where it reports.
    /// - Throws: `EINVAL` when a count is 0 or beyond the limits of the device, `ENOMEM`, `EIO` in a forked child.
    package init(
        domain: ProtectionDomain,
        capacity: Int,
        scatterMax: Int,
        limit: Int = 0,
        extension: (domain: OpenXRCDomain, completions: CompletionQueue)? = nil
    ) throws(Errno) {
        try ProcessGuard.check(domain.generation)
        guard (1...Limits.workRequests).contains(capacity), (0...Limits.scatterElements).contains(scatterMax) else {
            throw .invalidArgument
        }
        let context = domain.context
        if let `extension`, `extension`.domain.context !== context || `extension`.completions.context !== context {
            throw .invalidArgument
        }
        self.domain = domain
        self.generation = ProcessGuard.generation
        unsafe self.userObject = nil
        var undo: [() -> Void] = []
        do throws(Errno) {
            try domain.users.begin()
            undo.append { domain.users.end() }
            let ring = try ReceiveRing(
                in: context.segment,
                capacity: capacity,
                scatterMax: max(scatterMax, 1),
                isShared: true
            )
            undo.append { ring.close(in: context.segment) }
            self.ring = ring
            if let `extension` {
                try `extension`.domain.users.begin()
                undo.append { `extension`.domain.users.end() }
                try `extension`.completions.users.begin()
                undo.append { `extension`.completions.users.end() }
                let number = try context.engine.membership.allocateQPN()
                undo.append { context.engine.membership.releaseQPN(number) }
                self.extended = Extended(
                    domain: `extension`.domain,
                    completions: `extension`.completions,
                    number: number,
                    entry: try context.segment.queuePairs.allocate(number: number.rawValue)
                )
            } else {
                self.extended = nil
            }
        } catch {
            for step in undo.reversed() { step() }
            throw error
        }
        context.engine.insert(self)
        self.publish()
    }

    /// Lets the processes that have the domain open find the queue.
    private func publish() {
        guard let extended, let identity = extended.domain.domain.identity else { return }
        let entry = extended.entry
        // No other queue that has had this number had this version, so that nobody takes one for the other.
        entry.version.storeRelaxed(MonotonicClock.now | 1)
        entry.peerGIDPrefix.storeRelaxed(identity.fileSystem)
        entry.peerGIDInterfaceID.storeRelaxed(identity.inode)
        entry.destQP.storeRelaxed(identity.interfaceIndex)
        entry.receives.storeRelaxed(UInt32(self.ring.index))
        entry.receiveCompletions.storeRelaxed(UInt32(extended.completions.ring.index))
        entry.receiveDomain.storeRelaxed(self.domain.handle)
        entry.hasSharedReceives.storeRelaxed(1)
        entry.type.storeRelaxed(QueuePairEntry.sharedReceiveQueueType)
        entry.version.add(1)
    }
}

// SAFETY: see `userObject`; the ring is made for several threads, and the rest does not change.
extension SharedReceiveQueue: @unchecked Sendable {}

// MARK: - Requests

extension SharedReceiveQueue {
    /// Appends a request. See ibv_post_srq_recv(3).
    ///
    /// - Returns: `nil` when it was taken, `ENOMEM` when the queue is full, `EINVAL` for too many elements, `EIO` in a
    ///   forked child.
    @unsafe
    package func post(workRequestID: UInt64, elements: UnsafePointer<ScatterElement>?, count: Int) -> Errno? {
        guard ProcessGuard.isOwn(self.generation) else { return ProcessGuard.foreignObject }
        if let refusal = unsafe self.ring.post(workRequestID: workRequestID, elements: elements, count: count) {
            return refusal
        }
        if self.ring.takeWaiter() { self.domain.context.engine.notifyWaiters(of: self.ring) }
        return nil
    }

    /// Takes the oldest request, or says that there is none. Raises the limit event when the count falls below the limit.
    package func take(into descriptor: inout ReceiveDescriptor) -> Bool {
        guard self.ring.take(into: &descriptor) else { return false }
        if self.ring.takeLimitEvent() { self.reportLimit() }
        return true
    }

    private func reportLimit() {
        self.domain.context.asyncEvents.push(AsyncEvent(.sharedReceiveQueueLimitReached, .sharedReceiveQueue(self)))
    }

    /// Raises the event for a process of this host that took the request which reached the limit, and what else it left.
    internal func catchUpWithPeers() {
        self.extended?.completions.catchUpWithPeers()
        guard self.ring.unreportedLimit.relaxed != 0, self.ring.unreportedLimit.exchange(0) != 0 else { return }
        self.ring.limit.storeRelaxed(0)
        self.reportLimit()
    }
}

// MARK: - Changing and closing

extension SharedReceiveQueue {
    package var capacity: Int { self.ring.capacity }
    package var scatterMax: Int { self.ring.scatterMax }
    /// The armed limit; 0 when none is, or its event has been raised.
    package var limit: Int { Int(self.ring.limit.relaxed) }

    /// Changes what is not `nil`. See ibv_modify_srq(3).
    ///
    /// - Throws: `EINVAL` when the capacity is out of range or less than what is queued, or the limit above the capacity;
    ///   `ENOMEM`; `EIO` in a forked child. Nothing has changed then.
    package func modify(capacity: Int?, limit: Int?) throws(Errno) {
        try ProcessGuard.check(self.generation)
        if let capacity, !(1...Limits.workRequests).contains(capacity) { throw .invalidArgument }
        if let limit {
            let bound = capacity.map { max(CompletionRing.roundedCapacity($0), $0) } ?? self.capacity
            guard (0...bound).contains(limit) else { throw .invalidArgument }
        }
        if let capacity { try self.ring.resize(to: capacity, in: self.domain.context.segment) }
        if let limit { self.ring.limit.storeReleasing(UInt32(limit)) }
    }

    /// Closes the queue. Returns when all events that the program fetched are acknowledged.
    ///
    /// - Throws: `EBUSY` while queue pairs take from it, `EINVAL` when it is closed already, `EIO` in a forked child.
    package func close() throws(Errno) {
        try ProcessGuard.check(self.generation)
        try self.users.close()
        self.domain.context.engine.remove(self)
        if let extended {
            self.domain.context.segment.queuePairs.free(extended.entry)
            // Whoever found it before is done with it then.
            self.domain.context.segment.waitForInitiators()
        }
        self.domain.context.asyncEvents.retire(self.asyncAccount)
        self.ring.close(in: self.domain.context.segment)
        if let extended {
            self.domain.context.engine.membership.releaseQPN(extended.number)
            extended.completions.users.end()
            extended.domain.users.end()
        }
        self.domain.users.end()
    }
}
