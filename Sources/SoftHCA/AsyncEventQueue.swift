package import SystemIO

/// The asynchronous events of a context that the program has not fetched yet, behind a descriptor to wait on.
package final class AsyncEventQueue {
    private let semaphore: EventSemaphore
    private let generation = ProcessGuard.generation
    // SAFETY: the events are read and written under `lock` only.
    private let lock = Lock()
    private var events: [AsyncEvent] = []
    /// Events that came while `Limits.pendingAsyncEvents` were waiting.
    package private(set) var lostCount = 0

    /// - Throws: `EMFILE`.
    package init() throws(Errno) {
        self.semaphore = try EventSemaphore()
    }

    /// Readable while an event waits. It blocks or not as the program sets it.
    package var fileDescriptor: CInt { self.semaphore.rawDescriptor }
}

// SAFETY: see the stored properties.
extension AsyncEventQueue: @unchecked Sendable {}

extension AsyncEventQueue {
    /// Appends an event. Takes no other lock, so it may be called under any.
    package func push(_ event: AsyncEvent) {
        let isTaken = self.lock.withLock {
            guard self.events.count < Limits.pendingAsyncEvents else {
                self.lostCount += 1
                return false
            }
            self.events.append(event)
            return true
        }
        if isTaken { self.semaphore.signal() }
    }

    /// Waits for the next event and takes it. The program acknowledges it to the object's `asyncAccount`.
    ///
    /// - Throws: `EAGAIN` when there is none and the descriptor does not block, `EINTR` when a signal came first, `EIO`
    ///   in a forked child.
    package func next() throws(Errno) -> AsyncEvent {
        while true {
            try ProcessGuard.check(self.generation)
            try self.semaphore.wait()
            // Nothing is there when the event went with its object in this moment: wait again.
            if let event = self.takeFirst() { return event }
        }
    }

    private func takeFirst() -> AsyncEvent? {
        self.lock.withLock {
            guard !self.events.isEmpty else { return nil }
            let event = self.events.removeFirst()
            // Under the lock: the object's `retire` sees the event either waiting or delivered.
            event.account?.deliver()
            return event
        }
    }

    /// Drops the waiting events of an object that is being closed, and returns once those that the program has fetched are
    /// acknowledged.
    package func retire(_ account: EventAccount) {
        let droppedCount = self.lock.withLock {
            let count = self.events.count
            self.events.removeAll { $0.account === account }
            return count - self.events.count
        }
        for _ in 0..<droppedCount { self.semaphore.takeNow() }
        account.waitUntilAcknowledged()
    }
}
