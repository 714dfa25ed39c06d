import HostRegistry
import SystemIO
import TestSupport
import Testing
import Transport
import Wire

@testable import SoftHCA

/// What a host says at queue pair 1, where nobody listens.
@Suite("Management", .serialized)
struct ManagementTests {
    private static let service = ServiceID(ipProtocol: 6, port: 7174)

    private static func request(_ id: UInt32 = 0x0102_0304) -> CM.Message {
        var path = CM.Path(localGID: GID(ipv4: 0x7F00_0001), remoteGID: GID(ipv4: 0x7F00_0001))
        path.hopLimit = 64
        return .req(
            CM.REQ(
                localCommunicationID: id,
                serviceID: Self.service,
                localQPN: QPN(truncating: 0x4321),
                startingPSN: PSN(truncating: 5),
                pathMTUCode: 3,
                primaryPath: path
            )
        )
    }

    static let exchanges: [(question: CM.Message, answer: CM.Message)] = [
        (
            Self.request(),
            .rej(
                CM.REJ(
                    localCommunicationID: 0,
                    remoteCommunicationID: 0x0102_0304,
                    rejected: .req,
                    reason: .invalidServiceID
                )
            )
        ),
        (
            .sidrReq(CM.SIDRREQ(requestID: 9, serviceID: Self.service)),
            .sidrRep(CM.SIDRREP(requestID: 9, status: .serviceIDNotSupported, serviceID: Self.service))
        ),
        (
            .dreq(CM.DREQ(localCommunicationID: 1, remoteCommunicationID: 2, remoteQPN: QPN(truncating: 3))),
            .drep(CM.DREP(localCommunicationID: 2, remoteCommunicationID: 1))
        ),
    ]

    @Test(arguments: 0..<3)
    func `a question is answered once, at once, and with no more bytes`(index: Int) throws {
        let (question, answer) = Self.exchanges[index]
        let pair = try ConnectedPair(type: .datagram, byteCount: 64)
        let attacker = try Attacker(on: pair)
        Self.waitForTokens()
        let capture = try LoopbackCapture()
        let before = pair.context.engine.countersNow
        try attacker.send(question)
        Self.settle(attacker)
        let after = pair.context.engine.countersNow
        #expect(after.connectionRefusals == before.connectionRefusals + 1)

        // The question itself is seen on its way too.
        var packets: [LoopbackCapture.Packet] = []
        while let packet = capture.next() { packets.append(packet) }
        try #require(packets.count == 2)
        let port = pair.context.engine.membership.socket.port
        let packet = packets[1]
        #expect(packet.bytes.count == packets[0].bytes.count)
        #expect(packet.sourcePort == port && packet.destinationPort == port)
        #expect(packet.source == attacker.address && packet.destination == attacker.address)
        let path = ICRCPath(source: GID(packet.source), destination: GID(packet.destination), sourcePort: port)
        #expect(path.identification(proving: packet.bytes.span.bytes, using: ISALCRC32.self) == 0)
        let bytes = Array(packet.bytes.dropLast(ICRCPath.byteCount))
        let header = try PacketHeader(parsing: bytes.span.bytes)
        #expect(header.bth.opcode == .udSendOnly && header.bth.destQP == QPN.generalServices)
        #expect(header.bth.pKey == 0xFFFF)
        #expect(header.deth == DETH(qKey: 0x8001_0000, sourceQP: QPN.generalServices))
        let datagram = try CM.Datagram(parsing: header.payload(of: bytes.span.bytes))
        #expect(datagram == CM.Datagram(transactionID: Attacker.transactionID, message: answer))
        try pair.close()
    }

    @Test func `a flood of requests is answered at a bounded rate`() throws {
        let pair = try ConnectedPair(type: .datagram, byteCount: 64)
        let attacker = try Attacker(on: pair)
        Self.waitForTokens()
        let before = pair.context.engine.countersNow
        let start = MonotonicClock.now
        for id in 0..<5000 as Range<UInt32> { try attacker.send(Self.request(id)) }
        Self.settle(attacker)
        let milliseconds = (MonotonicClock.now - start) / 1_000_000
        let after = pair.context.engine.countersNow
        let answers = after.connectionRefusals - before.connectionRefusals
        #expect(answers >= 64 && answers <= 64 + milliseconds + 1, "\(answers) answers in \(milliseconds) ms")
        // The others, and the answers themselves, which come back here.
        let unanswered = after.unansweredManagement - before.unansweredManagement
        #expect(unanswered >= 5000 - answers && unanswered <= 5000)
        try pair.close()
    }

    /// Each would be answered, were it not for the one thing that is wrong with it.
    @Test func `what is wrong in any way is counted only`() throws {
        let pair = try ConnectedPair(type: .datagram, byteCount: 64)
        let attacker = try Attacker(on: pair)
        Self.waitForTokens()
        let before = pair.context.engine.countersNow
        let question = Self.request()
        try attacker.send(question, change: { $0.deth.qKey = 0x8001_0001 })
        try attacker.send(question, change: { $0.bth.pKey = 0x8001 })
        try attacker.send(question, change: { $0.bth.opcode = .udSendOnlyWithImmediate })
        try attacker.send(question, change: { $0.bth.opcode = .rcSendOnly })
        try attacker.send(question, sealed: false)
        // Base version, class, class version, method, attribute: LAP.
        for offset in [0, 1, 2, 3] { try attacker.send(question, damage: { $0[offset] ^= 4 }) }
        try attacker.send(question, damage: { $0[17] = 0x19 })
        try attacker.send(question, damage: { $0.removeLast(4) })
        try attacker.send(question, damage: { $0 += [0, 0, 0, 0] })
        for exchange in Self.exchanges { try attacker.send(exchange.answer) }
        Self.settle(attacker)
        let after = pair.context.engine.countersNow
        #expect(after.connectionRefusals == before.connectionRefusals)
        #expect(after.sentPackets == before.sentPackets)
        #expect(after.wrongSender - before.wrongSender == 4)
        #expect(after.wrongICRC - before.wrongICRC == 1)
        #expect(after.malformedPackets - before.malformedPackets == 7)
        #expect(after.unansweredManagement - before.unansweredManagement == 3)
        try pair.close()
    }

    /// Other tests of the process may have used them up.
    private static func waitForTokens() {
        MonotonicClock.sleep(nanoseconds: 100_000_000)
    }

    /// Lets everything arrive, be answered, and the answers come back.
    private static func settle(_ attacker: Attacker) {
        attacker.letVictimReceive()
        for _ in 0..<4 { attacker.victim.context.engine.makeProgress() }
        attacker.letVictimReceive()
    }
}

extension Attacker {
    static var transactionID: UInt64 { 0x5_6677_8899 }

    /// Sends a message of connection management to queue pair 1.
    ///
    /// - Parameters:
    ///   - damage: What to do with its bytes.
    ///   - change: What to do with the headers in front of it.
    fileprivate func send(
        _ message: CM.Message,
        sealed: Bool = true,
        damage: (inout [UInt8]) -> Void = { _ in },
        change: (inout PacketHeader) -> Void = { _ in }
    ) throws {
        let header = self.header(.udSendOnly, psn: PSN(truncating: 0), destQP: QPN.generalServices) {
            $0.deth = DETH(qKey: 0x8001_0000, sourceQP: QPN.generalServices)
            change(&$0)
        }
        var bytes = [UInt8](repeating: 0, count: CM.Datagram.byteCount)
        Self.encode(CM.Datagram(transactionID: Self.transactionID, message: message), into: &bytes)
        damage(&bytes)
        try self.send(header, payload: bytes, sealed: sealed)
    }

    private static func encode(_ datagram: CM.Datagram, into bytes: inout [UInt8]) {
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        datagram.encode(into: &raw)
    }
}
