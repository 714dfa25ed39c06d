import Testing
import Wire

@testable import Transport

// Gaps, duplicates, receivers that are not ready; READ and atomics.

extension RCResponderTests {
    @Test func `a gap is reported once, and again when another opens`() {
        let responder = ResponderUnderTest()
        _ = responder.receive(.rcSendOnly, 11, 8)
        _ = responder.receive(.rcSendOnly, 12, 8)
        #expect(responder.said == ["10 psnSequenceError"])
        _ = responder.receive(.rcSendOnly, 13, 8)
        #expect(responder.said == [])
        _ = responder.receive(.rcSendOnly, 10, 8, asksAck: true)
        #expect(responder.said == ["10 ack"])
        _ = responder.receive(.rcSendOnly, 12, 8)
        #expect(responder.said == ["11 psnSequenceError"])
        #expect(responder.counters.outOfSequence == 4)
        #expect(responder.host.completions.count == 1)
    }

    @Test func `a gap that closes before it was reported is not reported`() {
        let responder = ResponderUnderTest()
        _ = responder.receive(.rcSendOnly, 11, 8)
        _ = responder.receive(.rcSendOnly, 10, 8)
        #expect(responder.said == [])
    }

    @Test func `a SEND that finds no receive request is asked for later, and what follows stays silent`() {
        let responder = ResponderUnderTest(rnrTimer: 5)
        responder.host.receiveCount = 0
        #expect(responder.receive(.rcSendFirst, 10, 256) == .none)
        #expect(responder.receive(.rcSendLast, 11, 8, asksAck: true) == .none)
        #expect(responder.said == ["10 rnr 5"])
        responder.host.receiveCount = 1
        _ = responder.receive(.rcSendFirst, 10, 256)
        _ = responder.receive(.rcSendLast, 11, 8, asksAck: true)
        #expect(responder.said == ["11 ack"])
        #expect(responder.host.completions.map(\.byteCount) == [264])
        #expect(responder.counters.receiverNotReady == 1)
    }

    @Test func `a WRITE with immediate that finds no receive request repeats its last packet only`() {
        let responder = ResponderUnderTest()
        responder.host.receiveCount = 0
        _ = responder.receive(.rcWriteFirst, 10, 256, dma: 264)
        _ = responder.receive(.rcWriteLastWithImmediate, 11, 8)
        #expect(responder.said == ["11 rnr 12"])
        responder.host.receiveCount = 1
        _ = responder.receive(.rcWriteLastWithImmediate, 11, 8, asksAck: true)
        #expect(responder.said == ["11 ack"])
        #expect(responder.host.completions.map(\.byteCount) == [264])
        #expect(responder.calls == ["check write 264", "write 4096 256", "begin", "write 4352 8"])
    }

    @Test func `a repeated SEND is acknowledged and not executed`() {
        let responder = ResponderUnderTest()
        for psn in 10..<13 as Range<UInt32> { _ = responder.receive(.rcSendOnly, psn, 8) }
        #expect(responder.said == [])
        _ = responder.receive(.rcSendOnly, 10, 8)
        #expect(responder.said == ["12 ack"])
        #expect(responder.host.completions.count == 3)
        #expect(responder.counters.duplicates == 1)
    }

    @Test func `READ answers come in packets of the path MTU, before the acknowledge of what follows`() {
        let responder = ResponderUnderTest()
        #expect(responder.receive(.rcReadRequest, 10, dma: 600) == .none)
        #expect(responder.receive(.rcSendOnly, 13, 8, asksAck: true) == .none)
        #expect(responder.said == ["10 first 4096+256", "11 middle 4352+256", "12 last 4608+88", "13 ack"])
    }

    @Test func `a READ answer acknowledges what is before it`() {
        let responder = ResponderUnderTest()
        _ = responder.receive(.rcSendOnly, 10, 8, asksAck: true)
        _ = responder.receive(.rcReadRequest, 11, dma: 8)
        #expect(responder.said == ["11 only 4096+8"])
    }

    @Test func `an empty READ is answered without asking for access`() {
        let responder = ResponderUnderTest()
        responder.host.isAccessible = false
        #expect(responder.receive(.rcReadRequest, 10, dma: 0) == .none)
        #expect(responder.said == ["10 only"])
    }

    @Test func `more READs than were agreed are an invalid request`() {
        let responder = ResponderUnderTest(readsMax: 2)
        #expect(responder.receive(.rcReadRequest, 10, dma: 8) == .none)
        #expect(responder.receive(.rcReadRequest, 11, dma: 8) == .none)
        #expect(responder.receive(.rcReadRequest, 12, dma: 8) == .failed(.requestError))
        #expect(responder.said == ["10 only 4096+8", "11 only 4096+8", "12 invalidRequest"])
        let none = ResponderUnderTest(readsMax: 0)
        #expect(none.receive(.rcReadRequest, 10, dma: 8) == .failed(.requestError))
    }

    @Test func `a READ is repeated from where the requester asks`() {
        let responder = ResponderUnderTest()
        _ = responder.receive(.rcReadRequest, 10, dma: 600)
        #expect(responder.said.count == 3)
        _ = responder.receive(.rcReadRequest, 11, dma: 344, address: 0x1100)
        #expect(responder.said == ["11 first 4352+256", "12 last 4608+88"])
    }

    @Test func `a repeated READ whose answer is still to come is answered once`() {
        let responder = ResponderUnderTest()
        _ = responder.receive(.rcReadRequest, 10, dma: 600)
        _ = responder.receive(.rcReadRequest, 10, dma: 600)
        #expect(responder.said.count == 3)
    }

    @Test func `a repeated READ whose answer is half said begins anew, before what is owed behind it`() {
        let responder = ResponderUnderTest()
        _ = responder.receive(.rcReadRequest, 10, dma: 600)
        _ = responder.receive(.rcReadRequest, 13, dma: 8)
        _ = responder.pollTransmit()
        _ = responder.pollTransmit()
        _ = responder.receive(.rcReadRequest, 10, dma: 600)
        #expect(
            responder.said == ["10 first 4096+256", "11 middle 4352+256", "12 last 4608+88", "13 only 4096+8"]
        )
    }

    @Test func `a repeated READ beyond what was asked for at first is not answered`() {
        let responder = ResponderUnderTest()
        _ = responder.receive(.rcReadRequest, 10, dma: 600)
        _ = responder.said
        _ = responder.receive(.rcReadRequest, 11, dma: 600)
        #expect(responder.said == [])
        #expect(responder.counters.invalid == 1)
    }

    @Test func `a late copy of a READ does not fail the connection, though its region is gone`() {
        let responder = ResponderUnderTest()
        _ = responder.receive(.rcReadRequest, 10, dma: 8)
        _ = responder.said
        responder.host.isAccessible = false
        #expect(responder.receive(.rcReadRequest, 10, dma: 8) == .none)
        #expect(!responder.isInError && !responder.hasOutput)
    }

    @Test func `a flood of late copies is bounded`() {
        let responder = ResponderUnderTest(readsMax: 2)
        for psn in 10..<20 as Range<UInt32> {
            _ = responder.receive(.rcReadRequest, psn, dma: 8)
            _ = responder.said
        }
        for psn in 10..<20 as Range<UInt32> { _ = responder.receive(.rcReadRequest, psn, dma: 8) }
        _ = responder.receive(.rcReadRequest, 20, dma: 8)
        _ = responder.receive(.rcReadRequest, 21, dma: 8)
        #expect(responder.said == ["10 only 4096+8", "11 only 4096+8", "20 only 4096+8", "21 only 4096+8"])
    }

    @Test func `READ memory that is gone is an access error of the packet that it was for`() {
        let responder = ResponderUnderTest()
        _ = responder.receive(.rcReadRequest, 10, dma: 600)
        _ = responder.receive(.rcReadRequest, 13, dma: 8)
        _ = responder.pollTransmit()
        _ = responder.pollTransmit()
        #expect(responder.failRead() == .failed(.accessError))
        #expect(responder.said == ["11 remoteAccessError"])
    }

    @Test func `memory of a repeated READ that is gone ends its answer only`() {
        let responder = ResponderUnderTest()
        _ = responder.receive(.rcReadRequest, 10, dma: 600)
        _ = responder.said
        _ = responder.receive(.rcReadRequest, 10, dma: 600)
        _ = responder.receive(.rcReadRequest, 13, dma: 8)
        _ = responder.pollTransmit()
        #expect(responder.failRead() == .none)
        #expect(responder.said == ["13 only 4096+8"])
    }

    private static func fetchAdd(_ psn: UInt32, address: UInt64 = 0x1000) -> PacketHeader {
        var header = ResponderUnderTest.header(.rcFetchAdd, psn)
        header.atomicETH = AtomicETH(virtualAddress: address, rKey: 7, swapOrAdd: 5)
        return header
    }

    @Test func `an atomic is executed once and answered as often as it is asked for`() {
        let responder = ResponderUnderTest()
        responder.host.word = 100
        _ = responder.receive(Self.fetchAdd(10))
        _ = responder.receive(Self.fetchAdd(11))
        #expect(responder.said == ["10 was 100", "11 was 105"])
        _ = responder.receive(Self.fetchAdd(10))
        _ = responder.receive(Self.fetchAdd(11))
        #expect(responder.said == ["10 was 100", "11 was 105"])
        #expect(responder.host.word == 110)
    }

    @Test func `an atomic that nobody remembers is not answered`() {
        let responder = ResponderUnderTest(readsMax: 1)
        for psn in 10..<12 as Range<UInt32> {
            _ = responder.receive(Self.fetchAdd(psn))
            _ = responder.said
        }
        _ = responder.receive(Self.fetchAdd(10))
        #expect(responder.said == [])
    }

    @Test func `an atomic on memory that somebody else works on is asked for again`() {
        let responder = ResponderUnderTest()
        responder.host.isBusy = true
        #expect(responder.receive(Self.fetchAdd(10)) == .none)
        #expect(responder.said == ["10 rnr 12"])
        #expect(!responder.isInError)
        responder.host.isBusy = false
        responder.host.word = 5
        #expect(responder.receive(Self.fetchAdd(10)) == .none)
        #expect(responder.said == ["10 was 5"])
    }

    @Test func `an atomic on an address that is not aligned is an invalid request`() {
        let responder = ResponderUnderTest()
        #expect(responder.receive(Self.fetchAdd(10, address: 0x1004)) == .failed(.requestError))
        #expect(responder.calls.isEmpty)
    }

    @Test func `an ATOMIC WRITE writes once, and is answered with an empty READ response`() {
        let responder = ResponderUnderTest()
        #expect(responder.receive(.rcAtomicWrite, 10, 8, dma: 8) == .none)
        #expect(responder.receive(.rcAtomicWrite, 10, 8, dma: 8) == .none)
        #expect(responder.said == ["10 only"])
        #expect(responder.calls == ["check write 8", "write 4096 8"])
        #expect(responder.receive(.rcAtomicWrite, 11, 4, dma: 4) == .failed(.requestError))
    }

    /// Raised while the connection is drained: what is owed, and what atomics answered, stays known.
    @Test func `takes more READs when told so, and forgets nothing`() {
        let responder = ResponderUnderTest(readsMax: 1)
        var add = ResponderUnderTest.header(.rcFetchAdd, 10)
        add.atomicETH = AtomicETH(virtualAddress: 0x1000, rKey: 7, swapOrAdd: 5)
        #expect(responder.receive(add) == .none)
        let answer = responder.said
        #expect(responder.receive(.rcReadRequest, 11, dma: 8) == .none)
        responder.grow(readsMax: 3)
        #expect(responder.receive(.rcReadRequest, 12, dma: 8, address: 0x2000) == .none)
        #expect(responder.receive(.rcReadRequest, 13, dma: 8, address: 0x3000) == .none)
        #expect(responder.receive(add) == .none)
        #expect(responder.said == answer + ["11 only 4096+8", "12 only 8192+8", "13 only 12288+8"])
        // Three owed are the limit, and one more is too many.
        for psn in 14..<17 as Range<UInt32> { #expect(responder.receive(.rcReadRequest, psn, dma: 8) == .none) }
        #expect(responder.receive(.rcReadRequest, 17, dma: 8) == .failed(.requestError))
    }
}
