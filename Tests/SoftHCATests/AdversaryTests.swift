import Glibc
import Segment
import SystemIO
import TestSupport
import Testing
import Transport
import Wire

@testable import SoftHCA

/// The attacks of ReDMArk (Rothenberger and others, USENIX Security 2021), on the wire: real packets through the socket.
/// None may do more than be counted. What an attacker can do who sees the traffic stands at the end.
@Suite("Adversary", .serialized)
struct AdversaryTests {
    /// Runs an attack, and looks whether anybody but a counter has noticed.
    private static func expectHarmless(
        _ type: QueuePairType = .reliable,
        _ attack: (Attacker) throws -> Void
    ) throws -> EngineCounters {
        let pair = try ConnectedPair(type: type, byteCount: 4096)
        pair.fillSource(seed: 3)
        for index in 0..<4096 { pair.buffers[1][index] = 0x5A }
        let before = pair.context.engine.lock.withLock { pair.context.engine.counters }
        let attacker = try Attacker(on: pair)
        try attack(attacker)
        attacker.letVictimReceive()
        #expect(attacker.sentCount > 0)
        #expect(pair.takenPacketCount >= UInt64(attacker.sentCount), "packets of the attack were lost")
        #expect(pair.buffers[1].prefix(4096).allSatisfy { $0 == 0x5A }, "memory was written")
        for queuePair in pair.queuePairs { #expect(queuePair.state == .readyToSend) }
        for completions in pair.completions { #expect(completions.ring.count == 0) }
        // Work goes on as if nothing had happened.
        #expect(pair.postReceive(workRequestID: 1) == nil)
        #expect(pair.postSend(workRequestID: 2, opcode: 2, byteCount: type == .datagram ? 64 : nil) == nil)
        #expect(try #require(pair.waitForReceive()).status == 0)
        #expect(try #require(pair.waitForSend()).status == 0)
        if type != .datagram { #expect(pair.targetEqualsSource) }
        let after = pair.context.engine.lock.withLock { pair.context.engine.counters }
        try pair.close()
        return after.growth(since: before)
    }

    private static let payload: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]
    /// As long as the path allows.
    private static let fullPayload = [UInt8](repeating: 1, count: 1024)

    // MARK: - Injection

    @Test func `a packet that is right but for its source is refused`() throws {
        let counters = try Self.expectHarmless { attacker in
            try attacker.send(
                attacker.header(.rcWriteOnly, psn: attacker.expectedPSN),
                payload: Self.payload,
                from: attacker.strangeAddress
            )
        }
        #expect(counters.wrongSender == 1)
    }

    @Test func `a packet whose ICRC is wrong is refused`() throws {
        let counters = try Self.expectHarmless { attacker in
            let header = attacker.header(.rcWriteOnly, psn: attacker.expectedPSN)
            for _ in 0..<100 { try attacker.send(header, payload: Self.payload, sealed: false) }
        }
        #expect(counters.wrongICRC == 100)
    }

    @Test func `PSNs that are guessed write nothing, though address and key are right`() throws {
        _ = try Self.expectHarmless { attacker in
            for _ in 0..<3000 {
                try attacker.send(attacker.header(.rcWriteOnly, psn: attacker.guessedPSN()), payload: Self.payload)
                try attacker.send(attacker.header(.rcFetchAdd, psn: attacker.guessedPSN()))
                try attacker.send(attacker.header(.rcSendOnly, psn: attacker.guessedPSN()), payload: Self.payload)
            }
        }
    }

    @Test func `keys that are guessed with a guessed PSN do not break the connection`() throws {
        _ = try Self.expectHarmless { attacker in
            for _ in 0..<3000 {
                let header = attacker.header(.rcWriteOnly, psn: attacker.guessedPSN()) { header in
                    header.reth.rKey = UInt32(truncatingIfNeeded: attacker.random.next())
                }
                try attacker.send(header, payload: Self.payload)
                let read = attacker.header(.rcReadRequest, psn: attacker.guessedPSN()) { header in
                    header.reth.rKey = UInt32(truncatingIfNeeded: attacker.random.next())
                    header.reth.dmaByteCount = UInt32(truncatingIfNeeded: attacker.random.next())
                }
                try attacker.send(read)
            }
        }
    }

    @Test func `queue pair numbers that are guessed are counted`() throws {
        let counters = try Self.expectHarmless { attacker in
            // The numbers of the victim's block, which the kernel steers to it.
            let block = attacker.target.number & ~0xFFF
            for _ in 0..<500 {
                let number = QPN(truncating: block | UInt32(truncatingIfNeeded: attacker.random.next() & 0xFFF))
                guard !attacker.victim.queuePairs.contains(where: { $0.qpn == number }) else { continue }
                let header = attacker.header(.rcWriteOnly, psn: attacker.expectedPSN, destQP: number)
                try attacker.send(header, payload: Self.payload)
            }
        }
        #expect(counters.unknownQueuePair > 400)
    }

    @Test func `another partition is refused`() throws {
        let counters = try Self.expectHarmless { attacker in
            let header = attacker.header(.rcWriteOnly, psn: attacker.expectedPSN) { $0.bth.pKey = 0x8001 }
            try attacker.send(header, payload: Self.payload)
        }
        #expect(counters.wrongSender == 1)
    }

    @Test func `on an unreliable connection, guessed keys write nothing and break nothing`() throws {
        let pair = try ConnectedPair(type: .unreliableConnected, byteCount: 4096)
        for index in 0..<4096 { pair.buffers[1][index] = 0x5A }
        let attacker = try Attacker(on: pair)
        for _ in 0..<3000 {
            // No PSN is wrong here: each begins a message. What is left is the key.
            let header = attacker.header(.ucWriteOnly, psn: attacker.guessedPSN()) { header in
                header.reth.rKey = UInt32(truncatingIfNeeded: attacker.random.next())
            }
            try attacker.send(header, payload: Self.payload)
        }
        attacker.letVictimReceive()
        #expect(pair.takenPacketCount >= 3000)
        #expect(pair.buffers[1].prefix(4096).allSatisfy { $0 == 0x5A }, "memory was written")
        for queuePair in pair.queuePairs { #expect(queuePair.state == .readyToSend) }
        for completions in pair.completions { #expect(completions.ring.count == 0) }
        try pair.close()
    }

    // MARK: - Breaking connections

    @Test(arguments: [1, 100, 65_535, 1 << 23, (1 << 24) - 100] as [UInt32])
    func `on an unreliable connection, a forged PSN silences nobody`(offset: UInt32) throws {
        let counters = try Self.expectHarmless(.unreliableConnected) { attacker in
            // What the peer sends next begins at the PSN that the connection began with.
            let psn = PSN(truncating: 0xFF_FFF0).advanced(by: offset)
            for opcode in [Opcode.ucWriteOnly, .ucSendOnly, .ucSendMiddle] {
                let header = attacker.header(opcode, psn: psn) { $0.reth.rKey ^= 0x0101_0101 }
                try attacker.send(header, payload: opcode == .ucSendMiddle ? Self.fullPayload : Self.payload)
            }
        }
        #expect(counters.wrongSender == 0)
    }

    @Test func `forged answers of every kind to nothing do nothing`() throws {
        _ = try Self.expectHarmless { attacker in
            let syndromes: [AETHSyndrome] = [
                .ack(credits: .unlimited), .nak(.psnSequenceError), .nak(.invalidRequest), .nak(.remoteAccessError),
                .nak(.remoteOperationalError), .rnrNAK(RNRTimer(truncating: 1)),
            ]
            for offset in [0, 1, 100, 1 << 22, 1 << 23] as [UInt32] {
                for syndrome in syndromes {
                    let psn = attacker.expectedPSN.advanced(by: offset)
                    let answer = attacker.header(.rcAcknowledge, psn: psn, destQP: attacker.victim.queuePairs[0].qpn) {
                        $0.aeth = AETH(syndrome: syndrome)
                    }
                    try attacker.send(answer)
                }
                for opcode in [Opcode.rcReadResponseOnly, .rcReadResponseFirst, .rcReadResponseMiddle] {
                    let answer = attacker.header(opcode, psn: attacker.expectedPSN.advanced(by: offset))
                    try attacker.send(answer, payload: Self.payload)
                }
            }
        }
    }

    @Test func `every opcode with every kind of nonsense behind it is refused`() throws {
        _ = try Self.expectHarmless { attacker in
            for rawValue in 0...255 as ClosedRange<UInt8> {
                for count in [0, 4, 16, 28, 40, 300] {
                    var bytes = (0..<(BTH.byteCount + count + ICRCPath.byteCount)).map { _ in
                        UInt8(truncatingIfNeeded: attacker.random.next())
                    }
                    let psn = attacker.guessedPSN()
                    bytes[0] = rawValue
                    // The transport's version is right, so that more than one check is met.
                    bytes[1] &= 0xF0
                    bytes[2] = 0xFF
                    bytes[3] = 0xFF
                    for index in 0..<3 {
                        bytes[5 + index] = UInt8(truncatingIfNeeded: attacker.target.number >> UInt32(16 - 8 * index))
                        bytes[9 + index] = UInt8(truncatingIfNeeded: psn.rawValue >> UInt32(16 - 8 * index))
                    }
                    // A datagram or a message of another service has no PSN that could be wrong.
                    try attacker.send(bytes: &bytes)
                }
            }
        }
    }

    @Test func `datagrams too short for a packet are counted`() throws {
        let counters = try Self.expectHarmless { attacker in
            for count in 12..<16 {
                var bytes = [UInt8](repeating: 0, count: count)
                let number = attacker.target.number
                bytes[5] = UInt8(truncatingIfNeeded: number >> 16)
                bytes[6] = UInt8(truncatingIfNeeded: number >> 8)
                bytes[7] = UInt8(truncatingIfNeeded: number)
                try attacker.send(bytes: &bytes, sealed: false)
            }
        }
        #expect(counters.malformedPackets == 4)
    }

    @Test func `congestion notifications without end slow nobody down who has nothing under way`() throws {
        let counters = try Self.expectHarmless { attacker in
            let header = attacker.header(.cnp, psn: PSN(truncating: 0), destQP: attacker.victim.queuePairs[0].qpn)
            for _ in 0..<2000 { try attacker.send(header, payload: [UInt8](repeating: 0, count: 16)) }
        }
        #expect(counters.receivedCongestionNotifications == 2000)
    }

    // MARK: - Datagrams

    @Test func `datagrams with another Q_Key are counted`() throws {
        let counters = try Self.expectHarmless(.datagram) { attacker in
            for _ in 0..<200 {
                let header = attacker.header(.udSendOnly, psn: PSN(truncating: 0)) {
                    $0.deth = DETH(
                        qKey: UInt32(truncatingIfNeeded: attacker.random.next()) | 1 << 31,
                        sourceQP: $0.bth.destQP
                    )
                }
                try attacker.send(header, payload: Self.payload)
            }
        }
        #expect(counters.wrongSender == 200)
    }

    @Test func `datagrams that nobody waits for are counted`() throws {
        let counters = try Self.expectHarmless(.datagram) { attacker in
            for _ in 0..<2000 {
                let header = attacker.header(.udSendOnly, psn: PSN(truncating: 0)) {
                    $0.deth = DETH(qKey: 0x1111_1111, sourceQP: $0.bth.destQP)
                }
                try attacker.send(header, payload: Self.payload)
            }
        }
        #expect(counters.droppedDatagrams == 2000)
    }

    // MARK: - Exhaustion

    @Test(arguments: [QPN(truncating: 0), QPN(truncating: 1)])
    func `a flood of a management queue pair changes nothing`(number: QPN) throws {
        let counters = try Self.expectHarmless { attacker in
            for _ in 0..<5000 {
                let header = attacker.header(.udSendOnly, psn: PSN(truncating: 0), destQP: number) {
                    $0.deth = DETH(qKey: 0x8001_0000, sourceQP: QPN(truncating: 1))
                }
                let message = (0..<256).map { _ in UInt8(truncatingIfNeeded: attacker.random.next()) }
                try attacker.send(header, payload: message)
            }
        }
        #expect(counters.refusedReceives == 0)
    }

    @Test func `a flood of everything takes no memory`() throws {
        _ = try Self.expectHarmless { attacker in
            func flood(_ count: Int) throws {
                for index in 0..<count {
                    switch index % 5 {
                    case 0:
                        try attacker.send(
                            attacker.header(.rcSendFirst, psn: attacker.guessedPSN()),
                            payload: [UInt8](repeating: 1, count: 1024)
                        )
                    case 1: try attacker.send(attacker.header(.rcReadRequest, psn: attacker.guessedPSN()))
                    case 2: try attacker.send(attacker.header(.rcFetchAdd, psn: attacker.guessedPSN()))
                    case 3:
                        let number = QPN(truncating: UInt32(truncatingIfNeeded: attacker.random.next()))
                        if !attacker.victim.queuePairs.contains(where: { $0.qpn == number }) {
                            try attacker.send(
                                attacker.header(.rcSendOnly, psn: attacker.guessedPSN()),
                                payload: Self.payload,
                                sealed: false
                            )
                        }
                    default: try attacker.send(attacker.header(.rcAcknowledge, psn: attacker.guessedPSN()))
                    }
                }
                attacker.letVictimReceive()
            }
            try flood(5000)
            let before = try Self.residentPageCount()
            try flood(50_000)
            #expect(try Self.residentPageCount() - before < 256)
        }
    }

    static func residentPageCount() throws -> Int {
        let fields = try Shell.run("cat", "/proc/\(getpid())/statm").split(separator: " ")
        return Int(fields[1]) ?? 0
    }

    // MARK: - Predictability

    @Test func `keys and numbers do not tell the next one`() throws {
        let pair = try ConnectedPair(type: .reliable, byteCount: 64)
        var keys: [UInt32] = []
        for _ in 0..<500 {
            let region = try MemoryRegion(
                domain: pair.domain,
                address: pair.targetAddress,
                byteCount: 64,
                iova: pair.targetAddress,
                access: [.localWrite, .remoteWrite]
            )
            keys.append(region.rKey)
            try region.close()
        }
        let keySteps = Set(zip(keys, keys.dropFirst()).map { $1 &- $0 })
        #expect(Set(keys).count == keys.count)
        #expect(keySteps.count > 480, "the steps from key to key repeat")

        var numbers: [UInt32] = []
        for _ in 0..<100 {
            let queuePair = try QueuePair(
                domain: pair.domain,
                QueuePairInit(
                    type: .reliable,
                    sendQueue: pair.completions[0],
                    receiveQueue: pair.completions[0],
                    capabilities: QueuePairCapabilities(
                        sendRequests: 1,
                        receiveRequests: 1,
                        sendScatter: 1,
                        receiveScatter: 1
                    )
                )
            )
            numbers.append(queuePair.number)
            try queuePair.close()
        }
        let numberSteps = Set(zip(numbers, numbers.dropFirst()).map { $1 &- $0 })
        #expect(numberSteps.count > 80, "the steps from number to number repeat")
        try pair.close()
    }

    // MARK: - What the protocol does not prevent

    @Test func `who sees the traffic can break a connection, and still writes nothing without a key`() throws {
        let pair = try ConnectedPair(type: .reliable, byteCount: 64)
        for index in 0..<64 { pair.buffers[1][index] = 0x5A }
        let attacker = try Attacker(on: pair)
        // Address, number and PSN as the peer's next packet would have them; the key is not one.
        let header = attacker.header(.rcWriteOnly, psn: attacker.expectedPSN) { $0.reth.rKey ^= 0x0101_0101 }
        try attacker.send(header, payload: Self.payload)
        attacker.letVictimReceive()
        #expect(attacker.target.state == .error)
        #expect(pair.buffers[1].prefix(64).allSatisfy { $0 == 0x5A })
        try pair.close()
    }
}

extension EngineCounters {
    fileprivate func growth(since before: EngineCounters) -> EngineCounters {
        var growth = self
        growth.refusedReceives -= before.refusedReceives
        growth.malformedPackets -= before.malformedPackets
        growth.wrongICRC -= before.wrongICRC
        growth.unknownQueuePair -= before.unknownQueuePair
        growth.wrongSender -= before.wrongSender
        growth.droppedDatagrams -= before.droppedDatagrams
        growth.receivedCongestionNotifications -= before.receivedCongestionNotifications
        return growth
    }
}
