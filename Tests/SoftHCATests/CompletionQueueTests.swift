import Glibc
import Segment
import SystemIO
import TestSupport
import Testing

@testable import SoftHCA

@Suite("Completion queue")
struct CompletionQueueTests {
    private let context: Context

    init() throws {
        self.context = try Context.forTesting()
    }

    /// Whether the descriptor is readable now.
    private func isReadable(_ channel: CompletionChannel) -> Bool {
        var item = pollfd(fd: channel.fileDescriptor, events: Int16(POLLIN), revents: 0)
        return poll(&item, 1, 0) == 1
    }

    private func makeNonBlocking(_ descriptor: CInt) {
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }

    @Test func `completions are polled in batches, in order`() throws {
        let queue = try CompletionQueue(context: self.context, capacity: 10)
        #expect(queue.capacity == 16)
        for identifier in UInt64(0)..<5 { #expect(queue.push(WorkCompletion(identifier), isSolicited: false)) }
        var seen: [UInt64] = []
        #expect(queue.poll(3) { place, completion in seen.append(UInt64(place) << 32 | completion.workRequestID) } == 3)
        #expect(seen == [0, 1 << 32 | 1, 2 << 32 | 2])
        #expect(queue.poll(16) { _, _ in } == 2)
        #expect(queue.poll(16) { _, _ in } == 0)
        try queue.close()
    }

    @Test func `a capacity out of range is invalid`() {
        for capacity in [0, -1, Limits.completions + 1] {
            #expect(failure { _ = try CompletionQueue(context: self.context, capacity: capacity) } == .invalidArgument)
        }
    }

    @Test func `an overrun tells the program, and then polling fails`() throws {
        let queue = try CompletionQueue(context: self.context, capacity: 1)
        #expect(queue.push(WorkCompletion(1), isSolicited: false))
        #expect(!queue.push(WorkCompletion(2), isSolicited: false))
        #expect(!queue.push(WorkCompletion(3), isSolicited: false))
        let event = try self.context.asyncEvents.next()
        #expect(event.type == .completionQueueError)
        self.makeNonBlocking(self.context.asyncEvents.fileDescriptor)
        #expect(failure { _ = try self.context.asyncEvents.next() } == .wouldBlock)
        #expect(queue.poll(4) { _, _ in } == 1)
        #expect(queue.poll(4) { _, _ in } == -1)
        queue.asyncAccount.acknowledge()
        try queue.close()
    }

    @Test func `one arming makes the descriptor readable once`() throws {
        let channel = try CompletionChannel(context: self.context)
        let queue = try CompletionQueue(context: self.context, capacity: 8, channel: channel)
        queue.push(WorkCompletion(0), isSolicited: false)
        #expect(!self.isReadable(channel))
        try queue.requestNotification(solicitedOnly: false)
        queue.push(WorkCompletion(1), isSolicited: false)
        queue.push(WorkCompletion(2), isSolicited: false)
        #expect(self.isReadable(channel))
        #expect(try channel.nextEvent() === queue)
        #expect(!self.isReadable(channel))
        queue.acknowledgeEvents(1)
        try queue.close()
        try channel.close()
    }

    @Test func `errors wake who waits for solicited completions only`() throws {
        let channel = try CompletionChannel(context: self.context)
        let queue = try CompletionQueue(context: self.context, capacity: 8, channel: channel)
        try queue.requestNotification(solicitedOnly: true)
        queue.push(WorkCompletion(0), isSolicited: false)
        #expect(!self.isReadable(channel))
        queue.push(WorkCompletion(1, status: 5), isSolicited: false)
        // Else the test would wait for ever below.
        try #require(self.isReadable(channel))
        try queue.requestNotification(solicitedOnly: true)
        queue.push(WorkCompletion(2), isSolicited: true)
        #expect(try channel.nextEvent() === queue)
        #expect(try channel.nextEvent() === queue)
        #expect(!self.isReadable(channel))
        queue.acknowledgeEvents(2)
        try queue.close()
    }

    @Test func `a descriptor that the program made non-blocking says so`() throws {
        let channel = try CompletionChannel(context: self.context)
        let queue = try CompletionQueue(context: self.context, capacity: 8, channel: channel)
        self.makeNonBlocking(channel.fileDescriptor)
        #expect(failure { _ = try channel.nextEvent() } == .wouldBlock)
        try queue.requestNotification(solicitedOnly: false)
        queue.push(WorkCompletion(0), isSolicited: false)
        #expect(try channel.nextEvent() === queue)
        #expect(failure { _ = try channel.nextEvent() } == .wouldBlock)
        queue.acknowledgeEvents(1)
        try queue.close()
    }

    @Test func `epoll sees the events of a channel`() throws {
        let channel = try CompletionChannel(context: self.context)
        let queue = try CompletionQueue(context: self.context, capacity: 8, channel: channel)
        let poller = try Poller()
        defer { poller.close() }
        func wait() throws -> Int { try poller.wait(timeoutNanoseconds: 0) { _ in } }
        try poller.add(channel.fileDescriptor, token: 7)
        #expect(try wait() == 0)
        try queue.requestNotification(solicitedOnly: false)
        queue.push(WorkCompletion(0), isSolicited: false)
        #expect(try wait() == 1)
        try poller.arm(channel.fileDescriptor, token: 7)
        #expect(try wait() == 1)
        #expect(try channel.nextEvent() === queue)
        try poller.arm(channel.fileDescriptor, token: 7)
        #expect(try wait() == 0)
        queue.acknowledgeEvents(1)
        try queue.close()
    }

    @Test func `a busy queue does not hide another`() throws {
        let channel = try CompletionChannel(context: self.context)
        let queues = try (0..<3).map { _ in
            try CompletionQueue(context: self.context, capacity: 64, channel: channel)
        }
        for queue in queues {
            for identifier in UInt64(0)..<2 {
                try queue.requestNotification(solicitedOnly: false)
                queue.push(WorkCompletion(identifier), isSolicited: false)
            }
        }
        let order = try (0..<6).map { _ in
            let queue = try channel.nextEvent()
            queue.acknowledgeEvents(1)
            return queues.firstIndex { $0 === queue }
        }
        #expect(order == [0, 1, 2, 0, 1, 2])
        for queue in queues { try queue.close() }
    }

    @Test func `events that were not fetched go with their queue`() throws {
        let channel = try CompletionChannel(context: self.context)
        let doomed = try CompletionQueue(context: self.context, capacity: 8, channel: channel)
        let queue = try CompletionQueue(context: self.context, capacity: 8, channel: channel)
        for one in [doomed, queue] {
            try one.requestNotification(solicitedOnly: false)
            one.push(WorkCompletion(0), isSolicited: false)
        }
        #expect(failure { try channel.close() } == .resourceBusy)
        try doomed.close()
        #expect(self.isReadable(channel))
        #expect(try channel.nextEvent() === queue)
        #expect(!self.isReadable(channel))
        queue.acknowledgeEvents(1)
        try queue.close()
        try channel.close()
        #expect(failure { try channel.close() } == .invalidArgument)
    }

    @Test func `closing waits until fetched events are acknowledged`() throws {
        let channel = try CompletionChannel(context: self.context)
        let queue = try CompletionQueue(context: self.context, capacity: 8, channel: channel)
        try queue.requestNotification(solicitedOnly: false)
        queue.push(WorkCompletion(0), isSolicited: false)
        _ = try channel.nextEvent()
        let steps = Steps()
        _ = Threads.run(2) { index in
            if index == 0 {
                try? queue.close()
                steps.note("closed")
            } else {
                for _ in 0..<200 { Scheduling.yield() }
                steps.note("acknowledging")
                queue.acknowledgeEvents(1)
            }
        }
        #expect(steps.all == ["acknowledging", "closed"])
    }

    @Test func `a thread that sleeps on the channel is woken`() throws {
        let channel = try CompletionChannel(context: self.context)
        let queue = try CompletionQueue(context: self.context, capacity: 8, channel: channel)
        try queue.requestNotification(solicitedOnly: false)
        let results = Threads.run(2) { index -> Bool in
            if index == 0 { return (try? channel.nextEvent()) === queue }
            for _ in 0..<50 { Scheduling.yield() }
            return queue.push(WorkCompletion(0), isSolicited: false)
        }
        #expect(results == [true, true])
        queue.acknowledgeEvents(1)
        try queue.close()
    }

    @Test func `a queue that is in use is busy`() throws {
        let queue = try CompletionQueue(context: self.context, capacity: 8)
        try queue.users.begin()
        #expect(failure { try queue.close() } == .resourceBusy)
        queue.users.end()
        try queue.close()
        #expect(failure { try queue.close() } == .invalidArgument)
        #expect(failure { try queue.users.begin() } == .invalidArgument)
    }

    @Test func `resizing below what is queued is invalid`() throws {
        let queue = try CompletionQueue(context: self.context, capacity: 8)
        for identifier in UInt64(0)..<5 { queue.push(WorkCompletion(identifier), isSolicited: false) }
        #expect(failure { try queue.resize(to: 4) } == .invalidArgument)
        #expect(failure { try queue.resize(to: 0) } == .invalidArgument)
        #expect(failure { try queue.resize(to: Limits.completions + 1) } == .invalidArgument)
        try queue.resize(to: 5)
        #expect(queue.poll(10) { _, _ in } == 5)
        try queue.close()
    }
}

/// What several threads did, in the order in which they did it.
private final class Steps: @unchecked Sendable {
    private let lock = Lock()
    private var steps: [String] = []

    func note(_ step: String) { self.lock.withLock { self.steps.append(step) } }
    var all: [String] { self.lock.withLock { self.steps } }
}
