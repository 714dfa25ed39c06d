import Testing
import Wire

@testable import Transport

/// A responder and its host behind a reference, because the test macros copy what they look at.
private final class UnderTest {
    var responder = UCResponder(expectedPSN: PSN(truncating: 10), pathMTU: .bytes256)
    var host = RecordingHost()

    var calls: [String] { self.host.calls }
    var completions: [ReceiveCompletion] { self.host.completions }

    var counters: ResponderCounters { self.responder.counters }
    var isInError: Bool { self.responder.isInError }

    func receive(_ opcode: Opcode, _ psn: UInt32, _ byteCount: Int, dma dmaByteCount: UInt32 = 0) -> ResponderAction {
        var header = PacketHeader(bth: BTH(opcode: opcode, destQP: QPN(truncating: 1), psn: PSN(truncating: psn)))
        header.reth = RETH(virtualAddress: 0x1000, rKey: 7, dmaByteCount: dmaByteCount)
        let payload = [UInt8](repeating: 0, count: byteCount)
        return self.responder.receive(
            header,
            payload: payload.span.bytes,
            host: &self.host,
            now: Timestamp(nanoseconds: 0)
        )
    }
}

@Suite("UC responder")
struct UCResponderTests {
    @Test func `a message that arrives whole is received`() {
        let under = UnderTest()
        #expect(under.receive(.ucSendFirst, 10, 256) == .none)
        #expect(under.receive(.ucSendLast, 11, 8) == .none)
        #expect(under.completions.map(\.byteCount) == [264])
        #expect(under.receive(.ucWriteOnly, 12, 8, dma: 8) == .none)
        #expect(under.calls == ["begin", "receive 0 256", "receive 256 8", "check write 8", "write 4096 8"])
    }

    @Test func `a message with a gap is dropped, and its receive request serves the next`() {
        let under = UnderTest()
        _ = under.receive(.ucSendFirst, 10, 256)
        _ = under.receive(.ucSendLast, 12, 8)
        #expect(under.completions.isEmpty)
        _ = under.receive(.ucSendOnly, 13, 5)
        #expect(under.completions.map(\.byteCount) == [5])
        #expect(under.calls.filter { $0 == "begin" }.count == 1)
        #expect(under.counters.droppedMessages == 1)
    }

    @Test(arguments: [11, 500, 65_546, 1 << 23, (1 << 24) - 1] as [UInt32])
    func `a message may begin at any PSN, and silences nobody`(psn: UInt32) {
        let under = UnderTest()
        // As somebody might forge it.
        _ = under.receive(.ucSendOnly, psn, 1)
        _ = under.receive(.ucSendFirst, 10, 256)
        _ = under.receive(.ucSendLast, 11, 2)
        _ = under.receive(.ucSendOnly, 12, 3)
        #expect(under.completions.map(\.byteCount) == [1, 258, 3])
        #expect(under.counters.outOfSequence == 0)
    }

    @Test(arguments: [10, 12, 65_547, 1 << 23, (1 << 24) - 1] as [UInt32])
    func `the rest of a message must follow, and the next message need not`(psn: UInt32) {
        let under = UnderTest()
        _ = under.receive(.ucSendFirst, 10, 256)
        _ = under.receive(.ucSendMiddle, psn, 256)
        #expect(under.counters.outOfSequence == 1)
        // What would have been right before.
        _ = under.receive(.ucSendLast, 11, 2)
        #expect(under.completions.isEmpty)
        _ = under.receive(.ucSendFirst, 12, 256)
        _ = under.receive(.ucSendLast, 13, 3)
        #expect(under.completions.map(\.byteCount) == [259])
        #expect(under.counters.droppedMessages == 1)
    }

    @Test func `a message may be longer than the PSNs before the wrap`() {
        let under = UnderTest()
        _ = under.receive(.ucSendFirst, 0xFF_FFFF, 256)
        _ = under.receive(.ucSendLast, 0, 2)
        #expect(under.completions.map(\.byteCount) == [258])
    }

    @Test func `a message that begins inside another ends that one`() {
        let under = UnderTest()
        _ = under.receive(.ucSendFirst, 10, 256)
        _ = under.receive(.ucSendFirst, 11, 256)
        _ = under.receive(.ucSendLast, 12, 2)
        #expect(under.completions.map(\.byteCount) == [258])
        #expect(under.counters.droppedMessages == 1)
    }

    @Test(arguments: [
        (Opcode.ucSendMiddle, 256), (.ucSendLast, 8), (.ucSendFirst, 8), (.ucSendOnly, 257), (.ucWriteMiddle, 256),
        (.rcSendOnly, 8), (.udSendOnly, 8),
    ])
    func `what does not fit is dropped without a word`(opcode: Opcode, byteCount: Int) {
        let under = UnderTest()
        #expect(under.receive(opcode, 10, byteCount) == .none)
        #expect(under.calls.isEmpty && under.completions.isEmpty)
        #expect(under.counters.invalid == 1)
        #expect(!under.isInError)
    }

    @Test func `without a receive request a message is dropped`() {
        let under = UnderTest()
        under.host.receiveCount = 0
        #expect(under.receive(.ucSendFirst, 10, 256) == .none)
        #expect(under.receive(.ucSendLast, 11, 8) == .none)
        #expect(under.completions.isEmpty)
        #expect(under.counters.receiverNotReady == 1)
    }

    @Test func `a WRITE without access is dropped`() {
        let under = UnderTest()
        under.host.isAccessible = false
        #expect(under.receive(.ucWriteFirst, 10, 256, dma: 264) == .none)
        #expect(under.receive(.ucWriteLast, 11, 8) == .none)
        #expect(under.calls == ["check write 264"])
    }

    @Test func `a receive request with bad memory ends the connection`() {
        let under = UnderTest()
        under.host.placement = .localProtectionError
        #expect(under.receive(.ucSendOnly, 10, 8) == .failed(.receiveError))
        #expect(under.completions.map(\.status) == [.localProtectionError])
        #expect(under.isInError)
    }

    @Test func `a responder that failed takes nothing any more`() {
        let under = UnderTest()
        under.host.placement = .localProtectionError
        _ = under.receive(.ucSendOnly, 10, 8)
        under.host.placement = .success
        #expect(under.receive(.ucSendOnly, 11, 8) == .none)
        #expect(under.receive(.ucWriteOnly, 12, 8, dma: 8) == .none)
        #expect(under.completions.count == 1)
        #expect(under.calls == ["begin", "receive 0 8"])
        #expect(under.counters.invalid == 2)
    }

    @Test func `a message that does not fit its receive request is dropped, and the request serves the next`() {
        let under = UnderTest()
        under.host.placement = .localLengthError
        #expect(under.receive(.ucSendFirst, 10, 256) == .none)
        #expect(under.receive(.ucSendLast, 11, 8) == .none)
        #expect(under.completions.isEmpty)
        under.host.placement = .success
        #expect(under.receive(.ucSendOnly, 12, 8) == .none)
        #expect(under.completions.map(\.byteCount) == [8])
        #expect(under.calls.filter { $0 == "begin" }.count == 1)
    }

    @Test(arguments: [(7, 8), (9, 8), (0, 8), (8, 0)] as [(UInt32, Int)])
    func `a WRITE brings as many bytes as it said, or none is written`(said: UInt32, brought: Int) {
        let under = UnderTest()
        #expect(under.receive(.ucWriteOnly, 10, brought, dma: said) == .none)
        #expect(!under.calls.contains { $0.hasPrefix("write") })
        #expect(under.counters.invalid == 1)
    }

    @Test(arguments: [0, 7, 9] as [Int])
    func `the last packet of a WRITE brings what is left`(brought: Int) {
        let under = UnderTest()
        _ = under.receive(.ucWriteFirst, 10, 256, dma: 264)
        #expect(under.receive(.ucWriteLastWithImmediate, 11, brought) == .none)
        #expect(under.calls == ["check write 264", "write 4096 256"])
        #expect(under.completions.isEmpty)
    }

    @Test func `entering the error state flushes the receive request that was kept`() {
        let under = UnderTest()
        _ = under.receive(.ucSendFirst, 10, 256)
        under.responder.enterError(host: &under.host)
        #expect(under.completions.map(\.status) == [.flushed])
    }
}
