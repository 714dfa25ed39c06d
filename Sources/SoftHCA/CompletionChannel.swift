internal import Segment
internal import Synchronization
package import SystemIO

/// The descriptor on which a program waits for completions of any number of queues. See ibv_create_comp_channel(3).
@safe
package final class CompletionChannel {
    package let context: Context
    package let generation = ProcessGuard.generation
    /// The queues that report here.
    package let users = UseCount()
    /// The structure by which C knows this object.
    // SAFETY: set once by the C face, before the object is shared.
    package var userObject: UnsafeMutableRawPointer?

    /// No other channel of this process has it, so that a peer's duplicate of the descriptor is known to be this channel's.
    internal let number = CompletionChannel.lastNumber.wrappingAdd(1, ordering: .relaxed).newValue
    private static let lastNumber = Atomic<UInt32>(0)

    private let semaphore: EventSemaphore
    // SAFETY: the queues and the index are read and written under `lock` only.
    private let lock = Lock()
    private var queues: [CompletionQueue] = []
    /// Where the next search begins, so that a busy queue does not hide the others.
    private var nextIndex = 0

    /// - Throws: `EMFILE`, `EIO` in a forked child.
    package init(context: Context) throws(Errno) {
        try ProcessGuard.check(context.generation)
        self.context = context
        self.semaphore = try EventSemaphore()
    }

    /// Readable while an event waits. It blocks or not as the program sets it.
    package var fileDescriptor: CInt { self.semaphore.rawDescriptor }

    /// Where processes of this host add the events that they raise.
    internal var counterDescriptor: CInt { self.semaphore.rawCounter }
}

// SAFETY: see the stored properties.
extension CompletionChannel: @unchecked Sendable {}

// MARK: - Events

extension CompletionChannel {
    /// Waits for an event and takes it. The program acknowledges it to the queue.
    ///
    /// - Returns: The queue that has completions.
    /// - Throws: `EAGAIN` when there is none and the descriptor does not block, `EINTR` when a signal came first, `EIO`
    ///   in a forked child.
    package func nextEvent() throws(Errno) -> CompletionQueue {
        while true {
            try ProcessGuard.check(self.generation)
            // Nobody polls while this thread sleeps: the engine's own thread has to make progress.
            self.context.engine.willBlock()
            try self.semaphore.wait()
            // Nothing is due when the event went with its queue in this moment: wait again.
            if let queue = self.takeDueQueue() {
                queue.showAll()
                return queue
            }
        }
    }

    private func takeDueQueue() -> CompletionQueue? {
        self.lock.withLock {
            let count = self.queues.count
            for step in 0..<count {
                let index = (self.nextIndex + step) % count
                let queue = self.queues[index]
                guard queue.ring.dueEvents.takeOne() else { continue }
                self.nextIndex = (index + 1) % count
                // Under the lock: `detach` sees the event either due or delivered.
                queue.completionAccount.deliver()
                return queue
            }
            return nil
        }
    }

    /// Wakes whoever waits: an event of one of the queues is due.
    internal func signal() {
        self.semaphore.signal()
    }
}

// MARK: - Queues

extension CompletionChannel {
    /// - Throws: `EINVAL` when the channel is closed.
    internal func attach(_ queue: CompletionQueue) throws(Errno) {
        try self.users.begin()
        self.lock.withLock { self.queues.append(queue) }
    }

    /// Forgets a queue, and its events that were not fetched.
    internal func detach(_ queue: CompletionQueue) {
        let droppedCount = self.lock.withLock {
            self.queues.removeAll { $0 === queue }
            self.nextIndex = 0
            return queue.ring.dueEvents.exchange(0)
        }
        for _ in 0..<droppedCount { self.semaphore.takeNow() }
        self.users.end()
    }

    /// - Throws: `EBUSY` while queues report here, `EINVAL` when it is closed already, `EIO` in a forked child.
    package func close() throws(Errno) {
        try ProcessGuard.check(self.generation)
        try self.users.close()
        self.semaphore.close()
    }
}
