internal import CVerbs
internal import SystemIO

/// A completion queue whose completions are awaited one by one, for programs that number their work requests themselves.
///
/// ```swift
/// func count(_ completions: CompletionSequence) async throws -> Int {
///     var byteCount = 0
///     for try await completion in completions where completion.isReceive {
///         byteCount += completion.byteCount
///     }
///     return byteCount
/// }
/// ```
///
/// It takes a completion from the adapter when one is asked for, and never more: who asks slowly holds up nobody but its own
/// queue pairs. One task at a time may ask. The sequence ends when that task is cancelled.
@safe
public final class CompletionSequence: Sendable {
    /// The queue, to make queue pairs with. Who also polls it takes completions from the sequence.
    public let queue: CompletionQueue
    private let signal: ReadableSignal

    /// - Parameters:
    ///   - capacity: Completions that the queue holds.
    ///   - context: Its device.
    ///   - executor: Where its events are taken; nil for the thread that waits.
    public init(
        capacity: Int,
        on context: borrowing Context,
        executor: (any CompletionExecutor)? = nil
    ) throws(VerbsError) {
        let channel = try CompletionChannel(on: context)
        try channel.makeNonBlocking()
        self.queue = try CompletionQueue(capacity: capacity, reportingTo: channel)
        self.signal = try ReadableSignal(channel.handle, executor: executor)
    }
}

extension CompletionSequence: AsyncSequence {
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let sequence: CompletionSequence

        /// - Throws: ``VerbsError`` when the queue overran.
        public mutating func next() async throws -> WorkCompletion? {
            try await self.sequence.next()
        }
    }

    public func makeAsyncIterator() -> Iterator { Iterator(sequence: self) }

    private func next() async throws -> WorkCompletion? {
        while !Task.isCancelled {
            if let completion = try self.queue.poll() { return completion }
            let wake = self.signal.next()
            try self.queue.arm()
            // What came before the queue was armed is not reported.
            if let completion = try self.queue.poll() { return completion }
            do {
                try await wake.value()
            } catch is CancellationError {
                return nil
            }
        }
        return nil
    }
}

/// Tells one task that a channel has become readable.
@safe
private final class ReadableSignal {
    private let channel: ChannelHandle
    private let lock = Lock()
    // SAFETY: read and written under the lock only.
    private var waiter: Outcome<Void>?
    private var watch: CompletionPoller.Watch?

    init(_ channel: ChannelHandle, executor: (any CompletionExecutor)?) throws(VerbsError) {
        self.channel = channel
        let descriptor = unsafe channel.raw.pointee.fd
        self.watch = try CompletionPoller.watch(descriptor, on: executor) { [weak self] in
            self?.fire()
            return self != nil
        }
    }

    deinit {
        self.watch?.cancel()
    }

    /// What ends at the next event.
    func next() -> Outcome<Void> {
        self.lock.withLock {
            let waiter = Outcome<Void>()
            self.waiter = waiter
            return waiter
        }
    }

    private func fire() {
        while (try? self.channel.takeEvent()) == true {}
        let waiter = self.lock.withLock {
            defer { self.waiter = nil }
            return self.waiter
        }
        waiter?.end(.success(()))
    }
}

// SAFETY: see the stored properties.
extension ReadableSignal: @unchecked Sendable {}
