import Glibc
import Segment
import SystemIO
import Testing

@testable import SoftHCA

@Suite("Shared receive queue")
struct SharedReceiveQueueTests {
    private let context: Context
    private let domain: ProtectionDomain

    init() throws {
        self.context = try Context.forTesting()
        self.domain = try ProtectionDomain(context: self.context)
        let descriptor = self.context.asyncEvents.fileDescriptor
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }

    private func fill(_ queue: SharedReceiveQueue, _ count: UInt64) {
        for identifier in 0..<count {
            #expect(queue.post(workRequestID: identifier, elements: nil, count: 0) == nil)
        }
    }

    @Test func `falling below the armed limit raises one event`() throws {
        let queue = try SharedReceiveQueue(domain: self.domain, capacity: 8, scatterMax: 2)
        self.fill(queue, 6)
        var descriptor = ReceiveDescriptor(capacity: 2)
        try queue.modify(capacity: nil, limit: 4)
        #expect(queue.limit == 4)
        var eventCounts: [Int] = []
        while queue.take(into: &descriptor) {
            var count = 0
            while let event = try? self.context.asyncEvents.next() {
                #expect(event.type == .sharedReceiveQueueLimitReached)
                queue.asyncAccount.acknowledge()
                count += 1
            }
            eventCounts.append(count)
        }
        #expect(eventCounts == [0, 0, 1, 0, 0, 0])
        #expect(queue.limit == 0)
        try queue.close()
    }

    @Test func `sizes and limits out of range are invalid and change nothing`() throws {
        for (capacity, scatterMax) in [(0, 1), (Limits.workRequests + 1, 1), (1, Limits.scatterElements + 1), (1, -1)] {
            #expect(
                failure {
                    _ = try SharedReceiveQueue(domain: self.domain, capacity: capacity, scatterMax: scatterMax)
                } == .invalidArgument
            )
        }
        let queue = try SharedReceiveQueue(domain: self.domain, capacity: 8, scatterMax: 1)
        self.fill(queue, 5)
        #expect(failure { try queue.modify(capacity: nil, limit: 9) } == .invalidArgument)
        #expect(failure { try queue.modify(capacity: 4, limit: 2) } == .invalidArgument)
        #expect(queue.capacity == 8 && queue.limit == 0)
        try queue.modify(capacity: 16, limit: 2)
        #expect(queue.capacity == 16 && queue.limit == 2)
        try queue.close()
        #expect(self.domain.users.count == 0)
    }

    @Test func `a full queue has no room`() throws {
        let queue = try SharedReceiveQueue(domain: self.domain, capacity: 4, scatterMax: 1)
        self.fill(queue, 4)
        #expect(queue.post(workRequestID: 4, elements: nil, count: 0) == .noMemory)
        try queue.users.begin()
        #expect(failure { try queue.close() } == .resourceBusy)
        queue.users.end()
        try queue.close()
    }

    @Test func `events that were not fetched go with their queue`() throws {
        let queue = try SharedReceiveQueue(domain: self.domain, capacity: 4, scatterMax: 1)
        self.fill(queue, 2)
        try queue.modify(capacity: nil, limit: 2)
        var descriptor = ReceiveDescriptor(capacity: 1)
        let isTaken = queue.take(into: &descriptor)
        #expect(isTaken)
        try queue.close()
        #expect(failure { _ = try self.context.asyncEvents.next() } == .wouldBlock)
        var item = pollfd(fd: self.context.asyncEvents.fileDescriptor, events: Int16(POLLIN), revents: 0)
        #expect(poll(&item, 1, 0) == 0)
    }
}
