import Testing
import Wire

@testable import Transport

/// What the simulation cannot reach, because its peer is honest, and the exact packets of simple cases.
@Suite("RC requester")
struct RCRequesterTests {
    static let start = Timestamp(nanoseconds: 1_000)

    static func requester(
        capacity: Int = 8,
        firstPSN: UInt32 = 10,
        _ change: (inout RequesterConfiguration) -> Void = { _ in }
    ) -> RequesterUnderTest {
        var configuration = RequesterConfiguration(pathMTU: .bytes256)
        configuration.ackTimeoutNanoseconds = 10_000
        configuration.readsMax = 4
        change(&configuration)
        return RequesterUnderTest(capacity: capacity, firstPSN: firstPSN, configuration: configuration)
    }

    static func acknowledge(_ psn: UInt32, _ syndrome: AETHSyndrome = .ack(credits: .unlimited)) -> PacketHeader {
        PacketHeader(
            bth: BTH(opcode: .rcAcknowledge, destQP: QPN(truncating: 1), psn: PSN(truncating: psn)),
            aeth: AETH(syndrome: syndrome)
        )
    }

    static func readResponse(_ psn: UInt32, _ opcode: Opcode) -> PacketHeader {
        PacketHeader(
            bth: BTH(opcode: opcode, destQP: QPN(truncating: 1), psn: PSN(truncating: psn)),
            aeth: AETH(syndrome: .ack(credits: .unlimited))
        )
    }

    static func write(_ byteCount: UInt32) -> SendRequest {
        var request = SendRequest(operation: .write, byteCount: byteCount)
        request.remoteAddress = 0x1000
        request.rKey = 0xABCD
        return request
    }

    @Test func `a WRITE of three packets has RETH in the first, and asks for an acknowledge in the last`() throws {
        let requester = Self.requester()
        #expect(requester.post(Self.write(515)) == .queued(slot: 0))
        let first = try #require(requester.pollTransmit(now: Self.start))
        let middle = try #require(requester.pollTransmit(now: Self.start))
        let last = try #require(requester.pollTransmit(now: Self.start))
        #expect(requester.pollTransmit(now: Self.start) == nil)

        #expect(first.header.bth.opcode == .rcWriteFirst)
        #expect(first.header.reth == RETH(virtualAddress: 0x1000, rKey: 0xABCD, dmaByteCount: 515))
        #expect(first.header.bth.destQP == QPN(truncating: 0x123456))
        #expect(!first.header.bth.isAckRequested)
        #expect(middle.header.bth.opcode == .rcWriteMiddle)
        #expect(last.header.bth.opcode == .rcWriteLast)
        #expect(last.header.bth.padCount == 1)
        #expect(last.header.bth.isAckRequested)
        #expect([first, middle, last].map(\.header.bth.psn.rawValue) == [10, 11, 12])
        #expect([first, middle, last].map(\.messageOffset) == [0, 256, 512])
        #expect([first, middle, last].map(\.payloadByteCount) == [256, 256, 3])
    }

    @Test(arguments: [
        (0, 1, Opcode.rcSendOnly), (255, 1, .rcSendOnly), (256, 1, .rcSendOnly), (257, 2, .rcSendFirst),
        (512, 2, .rcSendFirst), (513, 3, .rcSendFirst),
    ])
    func `a SEND has as many packets as it needs`(byteCount: UInt32, packetCount: Int, opcode: Opcode) {
        let requester = Self.requester()
        _ = requester.post(SendRequest(operation: .send, byteCount: byteCount))
        var opcodes: [Opcode] = []
        while let packet = requester.pollTransmit(now: Self.start) { opcodes.append(packet.header.bth.opcode) }
        #expect(opcodes.count == packetCount)
        #expect(opcodes.first == opcode)
    }

    @Test func `a burst asks for one acknowledge, at its end`() {
        let requester = Self.requester()
        for _ in 0..<5 { _ = requester.post(Self.write(8)) }
        var asks: [Bool] = []
        while let packet = requester.pollTransmit(now: Self.start) { asks.append(packet.header.bth.isAckRequested) }
        #expect(asks == [false, false, false, false, true])
        #expect(requester.receive(Self.acknowledge(14), payloadByteCount: 0, now: Self.start) == .none)
        for slot in 0..<5 { #expect(requester.pollCompletion()?.slot == slot) }
        #expect(requester.pollCompletion() == nil)
        #expect(requester.nextTimeout == nil)
    }

    @Test func `the window closes, and its last packet asks for an acknowledge`() throws {
        let requester = Self.requester { $0.windowPackets = 3 }
        _ = requester.post(Self.write(256 * 5))
        var asks: [Bool] = []
        while let packet = requester.pollTransmit(now: Self.start) { asks.append(packet.header.bth.isAckRequested) }
        #expect(asks == [false, false, true])
        _ = requester.receive(Self.acknowledge(10), payloadByteCount: 0, now: Self.start)
        #expect(try #require(requester.pollTransmit(now: Self.start)).header.bth.psn.rawValue == 13)
        #expect(requester.pollTransmit(now: Self.start) == nil)
    }

    @Test func `an acknowledge of what was never sent changes nothing`() {
        let requester = Self.requester()
        _ = requester.post(Self.write(8))
        #expect(requester.receive(Self.acknowledge(10), payloadByteCount: 0, now: Self.start) == .none)
        #expect(requester.pollCompletion() == nil)
        _ = requester.pollTransmit(now: Self.start)
        _ = requester.post(Self.write(8))
        for psn in [11, 9, 10 + 1 << 23] as [UInt32] {
            _ = requester.receive(Self.acknowledge(psn), payloadByteCount: 0, now: Self.start)
            _ = requester.receive(Self.acknowledge(psn, .nak(.remoteAccessError)), payloadByteCount: 0, now: Self.start)
        }
        #expect(requester.pollCompletion() == nil)
        #expect(!requester.isInError)
        #expect(requester.counters.stale == 7)
        _ = requester.receive(Self.acknowledge(10), payloadByteCount: 0, now: Self.start)
        #expect(requester.pollCompletion()?.status == .success)
        #expect(requester.pollCompletion() == nil)
    }

    @Test(arguments: [
        (NAKCode.invalidRequest, CompletionStatus.remoteInvalidRequest), (.remoteAccessError, .remoteAccessError),
        (.remoteOperationalError, .remoteOperationError), (.invalidRDRequest, .remoteInvalidReadRequest),
    ])
    func `a NAK completes what is before it, fails its request, and flushes the rest`(
        code: NAKCode,
        status: CompletionStatus
    ) {
        let requester = Self.requester()
        for _ in 0..<4 { _ = requester.post(Self.write(8)) }
        while requester.pollTransmit(now: Self.start) != nil {}
        _ = requester.receive(Self.acknowledge(12, .nak(code)), payloadByteCount: 0, now: Self.start)
        #expect(requester.isInError)
        #expect(requester.completionStatuses() == [.success, .success, status, .flushed])
        _ = requester.post(Self.write(8))
        #expect(requester.pollTransmit(now: Self.start) == nil)
        #expect(requester.pollCompletion()?.status == .flushed)
    }

    @Test func `a syndrome without a meaning changes nothing`() {
        let requester = Self.requester()
        _ = requester.post(Self.write(8))
        _ = requester.pollTransmit(now: Self.start)
        for rawValue in [0x40, 0x5F, 0x65, 0x7F] as [UInt8] {
            let header = Self.acknowledge(10, AETHSyndrome(rawValue: rawValue))
            _ = requester.receive(header, payloadByteCount: 0, now: Self.start)
        }
        #expect(requester.counters.invalid == 4)
        #expect(!requester.isInError)
        #expect(requester.pollCompletion() == nil)
    }

    @Test(arguments: [(0, 1), (1, 2), (7, 8)])
    func `a request that nobody answers is sent once, and once for each retry`(retryCount: UInt8, sendCount: Int) throws
    {
        let requester = Self.requester { $0.retryCount = retryCount }
        _ = requester.post(Self.write(8))
        _ = requester.post(Self.write(8))
        var now = Self.start
        var count = 0
        while true {
            var isSent = false
            while requester.pollTransmit(now: now) != nil { isSent = true }
            guard isSent else { break }
            count += 1
            // Twice as long after each silence, up to the four times that the specification allows.
            let factor = UInt64([1, 2, 4][min(count - 1, 2)])
            #expect(requester.nextTimeout == now.advanced(byNanoseconds: 10_000 * factor))
            now = try #require(requester.nextTimeout)
            requester.handleTimeout(now: now)
        }
        #expect(count == sendCount)
        #expect(requester.pollCompletion()?.status == .retryExceeded)
        #expect(requester.pollCompletion()?.status == .flushed)
        #expect(requester.nextTimeout == nil)
    }

    @Test func `progress gives all retries back`() throws {
        let requester = Self.requester { $0.retryCount = 1 }
        for _ in 0..<3 { _ = requester.post(Self.write(8)) }
        var now = Self.start
        for psn in 10..<13 as Range<UInt32> {
            while requester.pollTransmit(now: now) != nil {}
            now = try #require(requester.nextTimeout)
            requester.handleTimeout(now: now)
            _ = requester.receive(Self.acknowledge(psn), payloadByteCount: 0, now: now)
            #expect(requester.pollCompletion()?.status == .success)
        }
    }

    @Test func `without a timeout it waits for ever`() {
        let requester = Self.requester { $0.ackTimeoutNanoseconds = 0 }
        _ = requester.post(Self.write(8))
        _ = requester.pollTransmit(now: Self.start)
        #expect(requester.nextTimeout == nil)
    }

    @Test func `a sequence NAK sends again from its PSN, and a copy of it does nothing`() throws {
        let requester = Self.requester()
        for _ in 0..<4 { _ = requester.post(Self.write(8)) }
        while requester.pollTransmit(now: Self.start) != nil {}
        _ = requester.receive(Self.acknowledge(12, .nak(.psnSequenceError)), payloadByteCount: 0, now: Self.start)
        #expect(try #require(requester.pollTransmit(now: Self.start)).header.bth.psn.rawValue == 12)
        _ = requester.receive(Self.acknowledge(12, .nak(.psnSequenceError)), payloadByteCount: 0, now: Self.start)
        #expect(try #require(requester.pollTransmit(now: Self.start)).header.bth.psn.rawValue == 13)
        #expect(requester.pollTransmit(now: Self.start) == nil)
        #expect(requester.pollCompletion()?.slot == 0)
        #expect(requester.pollCompletion()?.slot == 1)
        #expect(requester.pollCompletion() == nil)
    }

    @Test(arguments: [(0, 1), (3, 4)])
    func `RNR NAKs run out`(rnrRetryCount: UInt8, sendCount: Int) throws {
        let requester = Self.requester { $0.rnrRetryCount = rnrRetryCount }
        _ = requester.post(SendRequest(operation: .send, byteCount: 8))
        var now = Self.start
        var count = 0
        while requester.pollTransmit(now: now) != nil {
            count += 1
            let nak = Self.acknowledge(10, .rnrNAK(RNRTimer(truncating: 1)))
            _ = requester.receive(nak, payloadByteCount: 0, now: now)
            _ = requester.receive(nak, payloadByteCount: 0, now: now)
            #expect(requester.pollTransmit(now: now) == nil)
            guard let time = requester.nextTimeout else { break }
            #expect(time == now.advanced(byNanoseconds: 10_000))
            requester.handleTimeout(now: Timestamp(nanoseconds: time.nanoseconds - 1))
            #expect(requester.pollTransmit(now: now) == nil)
            now = time
            requester.handleTimeout(now: now)
        }
        #expect(count == sendCount)
        #expect(requester.pollCompletion()?.status == .rnrRetryExceeded)
    }

    @Test func `seven RNR retries never run out`() throws {
        let requester = Self.requester()
        _ = requester.post(SendRequest(operation: .send, byteCount: 8))
        var now = Self.start
        for _ in 0..<100 {
            try #require(requester.pollTransmit(now: now) != nil)
            let nak = Self.acknowledge(10, .rnrNAK(RNRTimer(truncating: 1)))
            _ = requester.receive(nak, payloadByteCount: 0, now: now)
            now = try #require(requester.nextTimeout)
            requester.handleTimeout(now: now)
        }
        #expect(!requester.isInError)
    }

    @Test func `retries and timeout that change while it is drained count from then on`() throws {
        let requester = Self.requester { $0.retryCount = 7 }
        var changed = RequesterConfiguration(pathMTU: .bytes256)
        changed.ackTimeoutNanoseconds = 70_000
        changed.retryCount = 1
        requester.update(changed)
        _ = requester.post(SendRequest(operation: .send, byteCount: 8))
        var now = Self.start
        try #require(requester.pollTransmit(now: now) != nil)
        #expect(requester.nextTimeout == now.advanced(byNanoseconds: 70_000))
        for isLast in [false, true] {
            now = try #require(requester.nextTimeout)
            requester.handleTimeout(now: now)
            #expect(requester.isInError == isLast)
            _ = requester.pollTransmit(now: now)
        }
    }
}
