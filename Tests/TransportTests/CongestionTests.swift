import TestSupport
import Testing
import Wire

@testable import Transport

/// How the window of a requester follows the network.
@Suite("Congestion")
struct CongestionTests {
    private static let firstPSN: UInt32 = 100
    private static let start = Timestamp(nanoseconds: 1_000)

    private static func requester(
        _ change: (inout RequesterConfiguration) -> Void = { _ in }
    ) -> RequesterUnderTest {
        var configuration = RequesterConfiguration(pathMTU: .bytes512)
        configuration.ackTimeoutNanoseconds = 10_000
        configuration.windowPackets = 256
        configuration.windowBytes = 1 << 20
        configuration.readsMax = 16
        change(&configuration)
        return RequesterUnderTest(capacity: 64, firstPSN: Self.firstPSN, configuration: configuration)
    }

    private static func acknowledge(_ psn: UInt32, _ syndrome: AETHSyndrome = .ack(credits: .unlimited)) -> PacketHeader
    {
        PacketHeader(
            bth: BTH(opcode: .rcAcknowledge, destQP: QPN(truncating: 1), psn: PSN(truncating: psn)),
            aeth: AETH(syndrome: syndrome)
        )
    }

    private static func postMegabytes(_ count: Int, to requester: RequesterUnderTest) {
        for _ in 0..<count { _ = requester.post(SendRequest(operation: .write, byteCount: 1 << 20)) }
    }

    @Test func `the window begins with 32 KiB and doubles with what is acknowledged`() {
        let requester = Self.requester()
        Self.postMegabytes(2, to: requester)
        var acknowledged = Self.firstPSN
        for expected in [64, 128, 256, 256] {
            let count = requester.packets(now: Self.start).count
            acknowledged += UInt32(count)
            _ = requester.receive(Self.acknowledge(acknowledged - 1), payloadByteCount: 0, now: Self.start)
            #expect(count == expected)
        }
    }

    @Test func `a window that is not used does not grow`() {
        let requester = Self.requester()
        for index in 0..<200 as Range<UInt32> {
            _ = requester.post(SendRequest(operation: .write, byteCount: 8))
            #expect(requester.packets(now: Self.start).count == 1)
            let answer = Self.acknowledge(Self.firstPSN + index)
            _ = requester.receive(answer, payloadByteCount: 0, now: Self.start)
            _ = requester.pollCompletion()
        }
        Self.postMegabytes(2, to: requester)
        #expect(requester.packets(now: Self.start).count == 64)
    }

    @Test func `a loss halves it once, however often it is reported`() {
        let requester = Self.requester()
        Self.postMegabytes(2, to: requester)
        #expect(requester.packets(now: Self.start).count == 64)
        let nak = Self.acknowledge(Self.firstPSN + 8, .nak(.psnSequenceError))
        _ = requester.receive(nak, payloadByteCount: 0, now: Self.start)
        // What the NAK acknowledged counts before: half of 64 + 8.
        #expect(requester.packets(now: Self.start).count == 36)
        // A second gap among what was sent before the first was known.
        let second = Self.acknowledge(Self.firstPSN + 20, .nak(.psnSequenceError))
        _ = requester.receive(second, payloadByteCount: 0, now: Self.start)
        #expect(requester.packets(now: Self.start).count == 36)
    }

    @Test func `after a silence one packet asks whether anybody is there`() throws {
        let requester = Self.requester()
        Self.postMegabytes(1, to: requester)
        #expect(requester.packets(now: Self.start).count == 64)
        var now = Self.start
        for _ in 0..<3 {
            now = try #require(requester.nextTimeout)
            requester.handleTimeout(now: now)
            let packets = requester.packets(now: now)
            #expect(packets.count == 1)
            #expect(packets.first?.header.bth.isAckRequested == true)
        }
        _ = requester.receive(Self.acknowledge(Self.firstPSN), payloadByteCount: 0, now: now)
        #expect(requester.packets(now: now).count == 2)
        #expect(requester.nextTimeout == now.advanced(byNanoseconds: 10_000))
    }

    @Test func `a notification takes a quarter of it, and the next one only after a window`() {
        let requester = Self.requester()
        Self.postMegabytes(2, to: requester)
        #expect(requester.packets(now: Self.start).count == 64)
        requester.receiveCongestionMark()
        requester.receiveCongestionMark()
        #expect(requester.counters.congestionMarks == 2)
        _ = requester.receive(Self.acknowledge(Self.firstPSN + 63), payloadByteCount: 0, now: Self.start)
        // 48, and one for the window that was acknowledged.
        #expect(requester.packets(now: Self.start).count == 49)
    }

    @Test func `notifications without end leave some packets at a time`() {
        let requester = Self.requester()
        Self.postMegabytes(1, to: requester)
        var psn = Self.firstPSN
        var last = 0
        for _ in 0..<100 {
            last = requester.packets(now: Self.start).count
            requester.receiveCongestionMark()
            psn += UInt32(last)
            _ = requester.receive(Self.acknowledge(psn - 1), payloadByteCount: 0, now: Self.start)
        }
        #expect((1...4).contains(last))
        #expect(!requester.isInError)
    }

    @Test func `a window that becomes smaller does not wait for acknowledges that nobody asked for`() throws {
        // The last packet of a full window asks; one that is not full asks at every 32nd.
        let requester = Self.requester { $0.ackRequestInterval = 64 }
        Self.postMegabytes(1, to: requester)
        var packets: [RequestPacket] = []
        for _ in 0..<40 { packets.append(try #require(requester.pollTransmit(now: Self.start))) }
        #expect(packets.allSatisfy { !$0.header.bth.isAckRequested })
        for _ in 0..<20 { requester.receiveCongestionMark() }
        // 48 now: up to it, the last one asking.
        packets = requester.packets(now: Self.start)
        #expect(packets.count == 8)
        #expect(packets.last?.header.bth.isAckRequested == true)
    }

    @Test func `in a window below what is under way, one more packet asks`() throws {
        let requester = Self.requester { $0.ackRequestInterval = 64 }
        Self.postMegabytes(1, to: requester)
        for _ in 0..<60 { _ = try #require(requester.pollTransmit(now: Self.start)) }
        requester.receiveCongestionMark()
        let packets = requester.packets(now: Self.start)
        #expect(packets.count == 1)
        #expect(packets.first?.header.bth.isAckRequested == true)
    }

    @Test func `parts of a READ become smaller by losses, and a retry asks for no more than before`() throws {
        let requester = Self.requester { $0.readRequestPackets = 64 }
        _ = requester.post(SendRequest(operation: .read, byteCount: 1 << 20))
        var packet = try #require(requester.pollTransmit(now: Self.start))
        #expect(packet.header.reth.dmaByteCount == 64 << 9)
        var now = Self.start
        for expected in [32, 16, 8, 8] as [UInt32] {
            now = try #require(requester.nextTimeout)
            requester.handleTimeout(now: now)
            packet = try #require(requester.pollTransmit(now: now))
            #expect(packet.header.reth.dmaByteCount == expected << 9)
            #expect(requester.pollTransmit(now: now) == nil)
        }
    }

    @Test func `an answer that was asked for as one long part fits shorter ones`() throws {
        let requester = Self.requester { $0.readRequestPackets = 64 }
        _ = requester.post(SendRequest(operation: .read, byteCount: 1 << 20))
        _ = try #require(requester.pollTransmit(now: Self.start))
        requester.handleTimeout(now: try #require(requester.nextTimeout))
        // The first attempt's answer arrives after all: 64 packets with the only end behind the last.
        for index in 0..<64 as Range<UInt32> {
            let opcode: Opcode =
                index == 0 ? .rcReadResponseFirst : index == 63 ? .rcReadResponseLast : .rcReadResponseMiddle
            let header = PacketHeader(
                bth: BTH(opcode: opcode, destQP: QPN(truncating: 1), psn: PSN(truncating: Self.firstPSN + index)),
                aeth: AETH(syndrome: .ack(credits: .unlimited))
            )
            let action = requester.receive(header, payloadByteCount: 512, now: Self.start)
            #expect(action == .place(slot: 0, messageOffset: index << 9, byteCount: 512))
        }
        // An end in the middle of a part is none.
        let header = PacketHeader(
            bth: BTH(opcode: .rcReadResponseOnly, destQP: QPN(truncating: 1), psn: PSN(truncating: Self.firstPSN + 64)),
            aeth: AETH(syndrome: .ack(credits: .unlimited))
        )
        _ = try #require(requester.pollTransmit(now: Self.start))
        #expect(requester.receive(header, payloadByteCount: 512, now: Self.start) == .none)
        #expect(requester.counters.invalid == 1)
    }

    @Test func `a crowd of marks makes one notification in fifty microseconds`() throws {
        var notifier = CongestionNotifier(destQP: QPN(truncating: 0x1234))
        var sent: [PacketHeader] = []
        for time in stride(from: UInt64(1_000), to: 101_000, by: 1_000) {
            notifier.noteMark(now: Timestamp(nanoseconds: time))
            if let header = notifier.pollTransmit() { sent.append(header) }
        }
        #expect(sent.count == 2)
        let header = try #require(sent.first)
        #expect(header.bth.opcode.rawValue == 0x81)
        #expect(header.bth.isBackwardCongestion)
        #expect(header.bth.destQP.rawValue == 0x1234)
        #expect(!header.bth.isAckRequested)
    }
}
