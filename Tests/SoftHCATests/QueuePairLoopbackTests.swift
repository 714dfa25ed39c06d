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
}
