internal import SystemIO

/// A completion queue whose completions end operations. It lives as long as an operation or a queue pair of it.
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

    init(on context: borrowing Context, executor: (any CompletionExecutor)?) throws(VerbsError) {
        let channel = try CompletionChannel(on: context)
        try channel.makeNonBlocking()
        let queue = try CompletionQueue(capacity: Self.initialCapacity, reportingTo: channel)
        try queue.arm()
        let descriptor = channel.fileDescriptor
        self.channel = channel
        self.queue = queue
        self.watch = try CompletionPoller.watch(descriptor, on: executor) { [weak self] in
            self?.drain()
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

    /// Takes all completions that are there and ends their operations. Called when the channel is readable.
    func drain() {
        while (try? self.channel.wait()) == true {}
        // What comes from now on makes the channel readable again.
        try? self.queue.arm()
        self.drainLock.withLock {
            var batch = InlineArray<32, WorkCompletion>(repeating: WorkCompletion())
            while let count = try? self.queue.poll(into: batch.mutableSpan), count > 0 {
                for index in 0..<count {
                    self.operations.remove(batch[index].id)?.end(batch[index])
                }
            }
        }
    }
}

// SAFETY: see the stored properties.
extension CompletionCore: @unchecked Sendable {}
