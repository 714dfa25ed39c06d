import Segment
import SystemIO
import Testing
import Transport
import Wire

@testable import SoftHCA

/// Two queue pairs of one process talk over the wire path: every packet goes through the socket.
@Suite("Queue pairs over the socket", .serialized)
struct QueuePairLoopbackTests {
    @Test(arguments: [0, 1, 1000, 4096, 100_000])
    func `a message arrives whole, and both sides complete once`(byteCount: Int) throws {
        let pair = try ConnectedPair(type: .reliable, byteCount: byteCount)
        pair.fillSource(seed: 7)
        #expect(pair.postReceive(workRequestID: 11) == nil)
        #expect(pair.postSend(workRequestID: 22, opcode: 2) == nil)
        let received = try #require(pair.waitForReceive())
        let sent = try #require(pair.waitForSend())
        #expect(received.status == 0)
        #expect(received.workRequestID == 11)
        #expect(received.byteCount == UInt32(byteCount))
        #expect(sent.status == 0)
        #expect(sent.workRequestID == 22)
        #expect(pair.targetEqualsSource)
        try pair.close()
    }

    @Test func `a write and a read move bytes without a receive request`() throws {
        let pair = try ConnectedPair(type: .reliable, byteCount: 50_000)
        pair.fillSource(seed: 1)
        #expect(pair.postSend(workRequestID: 1, opcode: 0) == nil)
        #expect(try #require(pair.waitForSend()).status == 0)
        #expect(pair.targetEqualsSource)
        pair.fillSource(seed: 2)
        #expect(pair.postSend(workRequestID: 2, opcode: 4) == nil)
        #expect(try #require(pair.waitForSend()).status == 0)
        #expect(pair.targetEqualsSource)
        try pair.close()
    }

    @Test func `a place in the send queue is free only when its completion was polled`() throws {
        let pair = try ConnectedPair(type: .reliable, byteCount: 64)
        let capacity = Int(pair.queuePairs[0].capabilities.sendRequests)
        for index in 0..<capacity {
            #expect(pair.postSend(workRequestID: UInt64(index), opcode: 0) == nil)
        }
        let deadline = MonotonicClock.now + 20_000_000_000
        while pair.completions[0].ring.count < capacity, MonotonicClock.now < deadline {
            pair.context.engine.makeProgress()
        }
        #expect(pair.completions[0].ring.count == capacity)
        #expect(pair.postSend(workRequestID: 99, opcode: 0) == .noMemory)
        #expect(try #require(pair.waitForSend()).workRequestID == 0)
        #expect(pair.postSend(workRequestID: 99, opcode: 0) == nil)
        try pair.close()
    }

    @Test func `a message of more bytes than there can be fails, and takes nothing with it`() throws {
        let pair = try ConnectedPair(type: .reliable, byteCount: 64)
        #expect(pair.postSend(workRequestID: 1, opcode: 0, byteCount: .max) == nil)
        let completion = try #require(pair.waitForSend())
        #expect(completion.status == UInt32(CompletionStatus.localLengthError.rawValue))
        try pair.close()
    }

    @Test func `a datagram that does not fit is dropped, and its request waits for the next`() throws {
        let pair = try ConnectedPair(type: .datagram, byteCount: 64)
        // The target has room for the global route and 24 bytes.
        #expect(pair.postReceive(workRequestID: 5) == nil)
        #expect(pair.postSend(workRequestID: 1, opcode: 2, byteCount: 25) == nil)
        #expect(pair.postSend(workRequestID: 2, opcode: 2, byteCount: 24) == nil)
        let received = try #require(pair.waitForReceive())
        #expect(received.status == 0)
        #expect(received.workRequestID == 5)
        #expect(received.byteCount == 64)
        #expect(pair.queuePairs[1].state == .readyToSend)
        try pair.close()
    }

    @Test(arguments: [QueuePairType.unreliableConnected, .reliable])
    func `what a full socket stopped goes on when there is room`(type: QueuePairType) throws {
        let pair = try ConnectedPair(type: type, byteCount: 5000)
        pair.fillSource(seed: 3)
        let engine = pair.context.engine
        #expect(pair.postReceive(workRequestID: 1) == nil)
        // As if the kernel had refused a packet just before; the next round finds room again.
        engine.lock.withLock { engine.isBlocked = true }
        #expect(pair.postSend(workRequestID: 2, opcode: 2) == nil)
        #expect(try #require(pair.waitForReceive()).status == 0)
        #expect(try #require(pair.waitForSend()).status == 0)
        #expect(pair.targetEqualsSource)
        try pair.close()
    }

    @Test(.timeLimit(.minutes(1)))
    func `a reset waits for a batch of polls without the engine's lock`() throws {
        let pair = try ConnectedPair(type: .reliable, byteCount: 64)
        let (resetting, other) = (pair.queuePairs[0], pair.queuePairs[1])
        try #require(pair.completions[0].beginPoll())
        let thread = try BackgroundThread(name: "reset") {
            var wanted = QueuePairAttributes()
            wanted.state = QueuePairState.reset.rawValue
            try? resetting.modify(wanted, mask: .state)
        }
        while try resetting.query().state != QueuePairState.reset.rawValue {}
        // The thread waits for the end of the batch now, or will; the engine is free all the same.
        #expect(try other.query().state == QueuePairState.readyToSend.rawValue)
        pair.completions[0].endPoll()
        thread.join()
        try pair.close()
    }
}
