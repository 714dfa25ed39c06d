internal import Synchronization
internal import SystemIO

/// A completion queue whose completions end operations. It lives as long as an operation or a queue pair of it.
///
/// Whoever posts looks for a moment, because many requests end at once, and takes what has ended for all. The last one to leave
/// arms the queue if something is under way still, and the poller's thread takes what comes.
@safe
internal final class CompletionCore {
    let channel: CompletionChannel
    let queue: CompletionQueue
    let operations = OperationTable()

    private let lock = Lock()
    // SAFETY: read and written under the lock only.
    private var reservedCount = 0
    private var watch: CompletionPoller.Watch?
    /// Held while completions are taken, so that those of one queue pair stay in order.
    private let drainLock = Lock()
    /// Somebody wants completions to be taken that have come since.
    private let mustDrain = Atomic<Bool>(false)
    /// An event has been asked for, and its handler has not begun.
    private let isArmed = Atomic<Bool>(false)
    /// Tasks that post or look at the moment.
    private let lookerCount = Atomic<Int>(0)
    private let patience = Patience()

    init(on context: borrowing Context, executor: (any CompletionExecutor)?) throws(VerbsError) {
        let channel = try CompletionChannel(on: context)
        try channel.makeNonBlocking()
        let queue = try CompletionQueue(capacity: Self.initialCapacity, reportingTo: channel)
        let descriptor = channel.fileDescriptor
        self.channel = channel
        self.queue = queue
        self.watch = try CompletionPoller.watch(descriptor, on: executor) { [weak self] in
            self?.handleEvent()
            return self != nil
        }
    }

    deinit {
        self.watch?.cancel()
    }

    private static var initialCapacity: Int { 256 }

    /// Makes room for the completions of one more queue pair.
    func reserve(_ count: Int) throws(VerbsError) {
        try self.lock.withLock { () throws(VerbsError) in
            let wanted = self.reservedCount + count
            if wanted > self.queue.capacity {
                try self.queue.resize(to: max(wanted, 2 * self.queue.capacity))
            }
            self.reservedCount = wanted
        }
    }

    func release(_ count: Int) {
        self.lock.withLock { self.reservedCount -= count }
    }
}

// SAFETY: see the stored properties.
extension CompletionCore: @unchecked Sendable {}

// MARK: - Taking completions

extension CompletionCore {
    /// Posts, looks for a moment until `isOver`, and makes sure that what comes later is taken.
    ///
    /// - Parameters:
    ///   - isOver: Whether what the caller waits for has ended.
    ///   - post: Posts what the caller waits for, if it has not been posted before.
    func look(until isOver: () -> Bool, after post: () throws(VerbsError) -> Void = {}) throws(VerbsError) {
        self.lookerCount.add(1, ordering: .sequentiallyConsistent)
        defer { self.leave() }
        try post()
        // An adapter need not show at once what came after an event was asked for, which somebody may have done.
        for _ in 0..<2 {
            self.drain()
            if isOver() { return }
        }
        self.patience.spin {
            self.drain()
            return isOver()
        }
    }

    private func leave() {
        let isLast = self.lookerCount.subtract(1, ordering: .sequentiallyConsistent).newValue == 0
        if isLast, self.operations.count > 0 { self.arm() }
    }

    /// Makes sure that what comes from now on is taken.
    func arm() {
        guard !self.isArmed.exchange(true, ordering: .sequentiallyConsistent) else { return }
        try? self.queue.arm()
        // What came before is not reported.
        self.drain()
    }

    /// Called when the channel is readable.
    private func handleEvent() {
        // One event stands for all that came; a second makes the channel readable again.
        _ = try? self.channel.wait()
        self.isArmed.store(false, ordering: .sequentiallyConsistent)
        self.drain()
        // Whoever looks at the moment takes what comes, and arms the queue when he leaves.
        if self.lookerCount.load(ordering: .sequentiallyConsistent) == 0, self.operations.count > 0 { self.arm() }
    }

    /// Takes all completions that are there and ends their operations, or lets whoever is doing that do it again: an operation
    /// that ends may post the next one.
    private func drain() {
        self.mustDrain.store(true, ordering: .sequentiallyConsistent)
        while self.mustDrain.load(ordering: .sequentiallyConsistent), self.drainLock.tryLock() {
            self.mustDrain.store(false, ordering: .sequentiallyConsistent)
            self.drainUnderLock()
            self.drainLock.unlock()
        }
    }

    /// Takes all completions that are there now; when it returns, their operations have ended. Not for operations that end.
    func drainToTheEnd() {
        self.drainLock.withLock { self.drainUnderLock() }
        self.drain()
    }

    private func drainUnderLock() {
        var batch = InlineArray<32, WorkCompletion>(repeating: WorkCompletion())
        do throws(VerbsError) {
            while true {
                let count = try self.queue.poll(into: batch.mutableSpan)
                for index in 0..<count { self.operations.remove(batch[index].id)?.end(batch[index]) }
                // A queue that was not full is empty; what came since is reported, or found by who arms it.
                if count < batch.count { return }
            }
        } catch {
            // Completions are lost: nobody can tell whose, so all fail.
            self.operations.fail(error)
        }
    }
}
