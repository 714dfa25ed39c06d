import Testing
import Wire

@testable import Transport

@Suite("RC responder")
struct RCResponderTests {
    @Test func `a SEND of three packets fills one receive request, and is acknowledged once`() {
        let responder = ResponderUnderTest()
        #expect(responder.receive(.rcSendFirst, 10, 256) == .none)
        #expect(responder.receive(.rcSendMiddle, 11, 256) == .none)
        #expect(!responder.hasOutput)
        var last = ResponderUnderTest.header(.rcSendLastWithImmediate, 12, asksAck: true)
        last.immediate = 0xCAFE
        last.bth.isSolicited = true
        #expect(responder.receive(last, payloadByteCount: 3) == .none)
        #expect(responder.calls == ["begin", "receive 0 256", "receive 256 256", "receive 512 3"])
        let completion = ReceiveCompletion(
            status: .success,
            operation: .send,
            byteCount: 515,
            hasImmediate: true,
            immediate: 0xCAFE,
            invalidatedRKey: nil,
            isSolicited: true
        )
        #expect(responder.host.completions == [completion])
        let packet = responder.pollTransmit()
        #expect(packet?.header.bth.psn.rawValue == 12)
        #expect(packet?.header.aeth == AETH(syndrome: .ack(credits: .unlimited), msn: MSN(truncating: 1)))
        #expect(packet?.header.bth.destQP.rawValue == 0x123456)
        #expect(responder.pollTransmit() == nil)
    }

    @Test func `acknowledges are joined`() {
        let responder = ResponderUnderTest()
        for psn in 10..<15 as Range<UInt32> { _ = responder.receive(.rcSendOnly, psn, 8, asksAck: true) }
        #expect(responder.said == ["14 ack"])
    }

    @Test func `a WRITE of three packets goes to consecutive addresses, checked once`() {
        let responder = ResponderUnderTest()
        #expect(responder.receive(.rcWriteFirst, 10, 256, dma: 515) == .none)
        #expect(responder.receive(.rcWriteMiddle, 11, 256) == .none)
        #expect(responder.receive(.rcWriteLast, 12, 3) == .none)
        #expect(responder.calls == ["check write 515", "write 4096 256", "write 4352 256", "write 4608 3"])
        #expect(responder.host.completions.isEmpty)
    }

    @Test func `an empty WRITE with a bad key is fine, and one with immediate completes a receive`() {
        let responder = ResponderUnderTest()
        responder.host.isAccessible = false
        #expect(responder.receive(.rcWriteOnly, 10, 0, dma: 0) == .none)
        #expect(responder.receive(.rcWriteOnlyWithImmediate, 11, 0, dma: 0) == .none)
        #expect(responder.calls == ["begin"])
        #expect(responder.host.completions.map(\.operation) == [.writeWithImmediate])
    }

    /// Packets that break the order of opcodes, after those that are in order.
    @Test(arguments: [
        ([], Opcode.rcSendMiddle), ([], .rcSendLast), ([], .rcWriteMiddle), ([], .rcWriteLast),
        ([Opcode.rcSendFirst], .rcSendFirst), ([.rcSendFirst], .rcSendOnly), ([.rcSendFirst], .rcWriteMiddle),
        ([.rcSendFirst], .rcWriteFirst), ([.rcSendFirst], .rcReadRequest), ([.rcSendFirst], .rcFetchAdd),
        ([.rcWriteFirst], .rcWriteOnly), ([.rcWriteFirst], .rcSendMiddle), ([.rcWriteFirst], .rcCompareSwap),
        ([], .rcFlush), ([], Opcode(rawValue: 0x1F)), ([], Opcode(rawValue: 0x15)),
    ])
    func `an opcode out of order is an invalid request`(before: [Opcode], opcode: Opcode) {
        let responder = ResponderUnderTest()
        var psn: UInt32 = 10
        for opcode in before {
            #expect(responder.receive(opcode, psn, 256, dma: 1000) == .none)
            psn += 1
        }
        #expect(responder.receive(opcode, psn, 256, dma: 1000) == .failed(.requestError))
        #expect(responder.said == ["\(psn) invalidRequest"])
        #expect(responder.isInError)
        // The receive request of the message that broke off does not get lost.
        #expect(responder.host.completions.map(\.status) == (before == [.rcSendFirst] ? [.remoteInvalidRequest] : []))
        #expect(responder.receive(.rcSendOnly, psn, 8) == .none)
        #expect(!responder.hasOutput)
    }

    @Test(arguments: [
        (Opcode.rcSendFirst, 255), (.rcSendFirst, 257), (.rcSendFirst, 0), (.rcSendOnly, 257),
    ])
    func `a SEND packet of a wrong length is an invalid request`(opcode: Opcode, payloadByteCount: Int) {
        let responder = ResponderUnderTest()
        #expect(responder.receive(opcode, 10, payloadByteCount) == .failed(.requestError))
        #expect(responder.said == ["10 invalidRequest"])
    }

    @Test(arguments: [(Opcode.rcSendMiddle, 0), (.rcSendMiddle, 255), (.rcSendLast, 0), (.rcSendLast, 257)])
    func `a later SEND packet of a wrong length is an invalid request`(opcode: Opcode, payloadByteCount: Int) {
        let responder = ResponderUnderTest()
        _ = responder.receive(.rcSendFirst, 10, 256)
        #expect(responder.receive(opcode, 11, payloadByteCount) == .failed(.requestError))
    }

    @Test(arguments: [
        (Opcode.rcWriteOnly, 8, 9 as UInt32), (.rcWriteOnly, 9, 8), (.rcWriteFirst, 256, 256), (.rcWriteFirst, 256, 0),
        (.rcWriteFirst, 256, 0x8000_0001),
    ])
    func `a WRITE that does not keep its length is an invalid request`(
        opcode: Opcode,
        payloadByteCount: Int,
        dmaByteCount: UInt32
    ) {
        let responder = ResponderUnderTest()
        #expect(responder.receive(opcode, 10, payloadByteCount, dma: dmaByteCount) == .failed(.requestError))
        #expect(responder.calls.isEmpty)
    }

    @Test func `a WRITE may neither end early nor go on too long`() {
        var responder = ResponderUnderTest()
        _ = responder.receive(.rcWriteFirst, 10, 256, dma: 515)
        #expect(responder.receive(.rcWriteLast, 11, 100) == .failed(.requestError))
        responder = ResponderUnderTest()
        _ = responder.receive(.rcWriteFirst, 10, 256, dma: 512)
        #expect(responder.receive(.rcWriteMiddle, 11, 256) == .failed(.requestError))
    }

    @Test func `a refused access is told, and ends the connection`() {
        var responder = ResponderUnderTest()
        responder.host.isAccessible = false
        #expect(responder.receive(.rcWriteFirst, 10, 256, dma: 512) == .failed(.accessError))
        #expect(responder.said == ["10 remoteAccessError"])
        #expect(responder.calls == ["check write 512"], "something was written of a message that may not be")
        responder = ResponderUnderTest()
        responder.host.allowsOperation = false
        #expect(responder.receive(.rcReadRequest, 10, dma: 512) == .failed(.requestError))
        #expect(responder.said == ["10 invalidRequest"])
    }

    @Test(arguments: [
        (CompletionStatus.localLengthError, "10 invalidRequest"), (.localProtectionError, "10 remoteOperationalError"),
    ])
    func `a receive request that cannot take the message completes with the reason`(
        status: CompletionStatus,
        answer: String
    ) {
        let responder = ResponderUnderTest()
        responder.host.placement = status
        #expect(responder.receive(.rcSendOnly, 10, 8) == .failed(.receiveError))
        #expect(responder.said == [answer])
        #expect(responder.host.completions.map(\.status) == [status])
    }

    @Test func `a receive request that is no good itself completes with the reason`() {
        let responder = ResponderUnderTest()
        responder.host.startStatus = .localProtectionError
        #expect(responder.receive(.rcSendOnly, 10, 8) == .failed(.receiveError))
        #expect(responder.said == ["10 remoteOperationalError"])
        #expect(responder.host.completions.map(\.status) == [.localProtectionError])
    }

    @Test func `a SEND with invalidate revokes the key, and one that cannot is refused`() {
        let responder = ResponderUnderTest()
        var header = ResponderUnderTest.header(.rcSendOnlyWithInvalidate, 10)
        header.invalidateRKey = 99
        #expect(responder.receive(header, payloadByteCount: 8) == .none)
        #expect(responder.host.completions.first?.invalidatedRKey == 99)
        responder.host.isAccessible = false
        header.bth.psn = PSN(truncating: 11)
        #expect(responder.receive(header, payloadByteCount: 8) == .failed(.accessError))
        #expect(responder.host.completions.count == 2)
        #expect(responder.host.completions.last?.status == .remoteInvalidRequest)
    }

    @Test func `entering the error state flushes the receive request in work, and is silent`() {
        let responder = ResponderUnderTest()
        _ = responder.receive(.rcSendFirst, 10, 256, asksAck: true)
        responder.enterError()
        #expect(responder.host.completions.map(\.status) == [.flushed])
        #expect(!responder.hasOutput)
        #expect(responder.receive(.rcSendLast, 11, 8) == .none)
        #expect(responder.calls.count == 2)
    }

    @Test func `responses and other services change nothing`() {
        let responder = ResponderUnderTest()
        for rawValue in [0x0D, 0x11, 0x12, 0x24, 0x64, 0x81, 0xA4] as [UInt8] {
            #expect(responder.receive(Opcode(rawValue: rawValue), 10, 8) == .none)
        }
        #expect(responder.counters.invalid == 7)
        #expect(responder.calls.isEmpty && !responder.hasOutput)
    }
}
