import Glibc
import SystemIO
import Testing

@Suite("Poller and event descriptor")
struct PollerTests {
    @Test func `a descriptor reports once until it is armed again`() throws {
        let poller = try Poller()
        let event = try EventDescriptor(isNonBlocking: true)
        try poller.add(event.rawDescriptor, token: 0xABCD_0123_4567_89EF)
        #expect(try poller.wait(timeoutNanoseconds: 0) { _ in } == 0)
        event.signal()
        var tokens: [UInt64] = []
        #expect(try poller.wait(timeoutNanoseconds: nil) { tokens.append($0) } == 1)
        #expect(try poller.wait(timeoutNanoseconds: 0) { tokens.append($0) } == 0)
        #expect(tokens == [0xABCD_0123_4567_89EF])
        try poller.arm(event.rawDescriptor, token: 5)
        #expect(try poller.wait(timeoutNanoseconds: nil) { tokens.append($0) } == 1)
        #expect(tokens.last == 5)
        try poller.remove(event.rawDescriptor)
        #expect(throws: Errno.noSuchFile) { try poller.arm(event.rawDescriptor, token: 5) }
    }

    @Test func `a timeout of some microseconds is kept, and not rounded to 0`() throws {
        let poller = try Poller()
        let start = MonotonicClock.now
        #expect(try poller.wait(timeoutNanoseconds: 300_000) { _ in } == 0)
        #expect(MonotonicClock.now - start >= 300_000)
    }

    @Test func `many descriptors are reported in several batches`() throws {
        let poller = try Poller()
        let event = try EventDescriptor()
        let copies = (0..<40).map { _ in dup(event.rawDescriptor) }
        defer { copies.forEach { close($0) } }
        for (index, copy) in copies.enumerated() { try poller.add(copy, token: UInt64(index)) }
        event.signal()
        var tokens: Set<UInt64> = []
        while try poller.wait(timeoutNanoseconds: 0, { tokens.insert($0) }) > 0 {}
        #expect(tokens == Set(0..<40))
    }

    @Test func `a counter gives all at once`() throws {
        let counter = try EventDescriptor(isNonBlocking: true)
        counter.signal(by: 3)
        counter.signal()
        #expect(try counter.wait() == 4)
        #expect(throws: Errno.wouldBlock) { try counter.wait() }
    }

    @Test func `a semaphore gives one by one, and blocks or not as its descriptor says`() throws {
        let semaphore = try EventSemaphore()
        semaphore.signal()
        semaphore.signal()
        try semaphore.wait()
        #expect(fcntl(semaphore.rawDescriptor, F_SETFL, O_NONBLOCK) == 0)
        try semaphore.wait()
        #expect(throws: Errno.wouldBlock) { try semaphore.wait() }
    }

    @Test func `the flags of the descriptor decide whether it blocks`() throws {
        let event = try EventDescriptor()
        try event.descriptor.setNonBlocking(true)
        #expect(throws: Errno.wouldBlock) { try event.wait() }
        try event.descriptor.setNonBlocking(false)
        event.signal()
        #expect(try event.wait() == 1)
    }

    @Test func `closing twice closes once`() throws {
        let event = try EventDescriptor()
        let number = event.rawDescriptor
        event.descriptor.close()
        #expect(event.rawDescriptor == -1)
        let other = try EventDescriptor(isNonBlocking: true)
        event.descriptor.close()
        #expect(throws: Errno.wouldBlock, "descriptor \(number) was closed under its new owner") { try other.wait() }
    }
}
