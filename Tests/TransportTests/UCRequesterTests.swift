import Testing
import Wire

@testable import Transport

/// A requester behind a reference, because the test macros copy what they look at.
private final class UnderTest {
    var requester = UCRequester(
        capacity: 4,
        firstPSN: PSN(truncating: 0xFF_FFFF),
        destQP: QPN(truncating: 9),
        pathMTU: .bytes256
    )

    var isInError: Bool { self.requester.isInError }
    var isDrained: Bool { self.requester.isDrained }
    var pendingLocalOperation: Int? { self.requester.pendingLocalOperation }

    func post(_ request: SendRequest) -> RCRequester.PostAction { self.requester.post(request) }
    func pollTransmit() -> RequestPacket? { self.requester.pollTransmit() }

    func statuses() -> [CompletionStatus] {
        var statuses: [CompletionStatus] = []
        while let completion = self.requester.pollCompletion() { statuses.append(completion.status) }
        return statuses
    }
}

@Suite("UC requester")
struct UCRequesterTests {
    private static func send(_ byteCount: UInt32) -> SendRequest {
        SendRequest(operation: .send, byteCount: byteCount)
    }

    @Test func `a WRITE with immediate is done when its last packet is sent`() throws {
        let under = UnderTest()
        var request = SendRequest(operation: .write, byteCount: 300)
        request.remoteAddress = 0x2000
        request.rKey = 5
        request.hasImmediate = true
        request.immediate = 77
        #expect(under.post(request) == .queued(slot: 0))
        let first = try #require(under.pollTransmit())
        #expect(first.header.bth.opcode == .ucWriteFirst)
        #expect(first.header.reth == RETH(virtualAddress: 0x2000, rKey: 5, dmaByteCount: 300))
        #expect(first.header.bth.psn.rawValue == 0xFF_FFFF)
        #expect(under.statuses() == [])
        let last = try #require(under.pollTransmit())
        #expect(last.header.bth.opcode == .ucWriteLastWithImmediate)
        #expect(last.header.immediate == 77)
        #expect(last.header.bth.psn.rawValue == 0)
        #expect(!last.header.bth.isAckRequested)
        #expect(last.messageOffset == 256 && last.payloadByteCount == 44)
        #expect(under.pollTransmit() == nil)
        #expect(under.statuses() == [.success])
    }

    @Test func `bad memory fails its request and flushes the rest, and the queue recovers`() throws {
        let under = UnderTest()
        for _ in 0..<3 { _ = under.post(Self.send(8)) }
        _ = under.pollTransmit()
        let bad = try #require(under.pollTransmit())
        under.requester.poison(slot: bad.slot, status: .localProtectionError)
        #expect(under.pollTransmit() == nil)
        #expect(under.statuses() == [.success, .localProtectionError, .flushed])
        #expect(under.isInError)
        under.requester.recover()
        #expect(under.post(Self.send(8)) == .queued(slot: 3))
        #expect(try #require(under.pollTransmit()).header.bth.psn.rawValue == 1)
        #expect(under.statuses() == [.success])
    }

    @Test func `a refused request fails in its turn`() {
        let under = UnderTest()
        _ = under.post(Self.send(8))
        var bad = Self.send(8)
        bad.localStatus = .localLengthError
        _ = under.post(bad)
        #expect(under.statuses() == [])
        _ = under.pollTransmit()
        #expect(under.statuses() == [.success, .localLengthError])
    }

    @Test func `local operations run in their turn`() {
        let under = UnderTest()
        _ = under.post(Self.send(8))
        _ = under.post(SendRequest(operation: .bindMemoryWindow, byteCount: 0))
        _ = under.post(Self.send(8))
        #expect(under.pendingLocalOperation == nil)
        #expect(under.pollTransmit() != nil)
        #expect(under.pollTransmit() == nil)
        #expect(under.pendingLocalOperation == 1)
        under.requester.completeLocal(slot: 1, status: .success)
        #expect(under.pollTransmit() != nil)
        #expect(under.statuses() == [.success, .success, .success])
    }

    @Test func `a suspended queue finishes the message that has begun`() {
        let under = UnderTest()
        _ = under.post(Self.send(300))
        _ = under.post(Self.send(8))
        _ = under.pollTransmit()
        under.requester.suspend()
        #expect(!under.isDrained)
        #expect(under.pollTransmit() != nil)
        #expect(under.isDrained)
        #expect(under.pollTransmit() == nil)
        under.requester.resume()
        #expect(under.pollTransmit() != nil)
    }
}
