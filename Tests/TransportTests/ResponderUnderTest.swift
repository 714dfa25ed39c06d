import Transport
import Wire

/// A responder and its host behind a reference, because the test macros copy what they look at.
final class ResponderUnderTest {
    private var responder: RCResponder
    var host = RecordingHost()
    private let now = Timestamp(nanoseconds: 1_000)

    init(expectedPSN: UInt32 = 10, readsMax: Int = 4, rnrTimer: UInt8 = 12) {
        var configuration = ResponderConfiguration(pathMTU: .bytes256)
        configuration.readsMax = readsMax
        configuration.rnrTimer = RNRTimer(truncating: rnrTimer)
        self.responder = RCResponder(
            expectedPSN: PSN(truncating: expectedPSN),
            destQP: QPN(truncating: 0x123456),
            configuration: configuration
        )
    }

    var counters: ResponderCounters { self.responder.counters }
    var isInError: Bool { self.responder.isInError }
    var hasOutput: Bool { self.responder.hasOutput }
    var calls: [String] { self.host.calls }

    func receive(_ header: PacketHeader, payloadByteCount: Int = 0) -> ResponderAction {
        let payload = [UInt8](repeating: 0x5A, count: payloadByteCount)
        return self.responder.receive(header, payload: payload.span.bytes, host: &self.host, now: self.now)
    }

    /// A packet without extension headers.
    func receive(_ opcode: Opcode, _ psn: UInt32, _ payloadByteCount: Int, asksAck: Bool = false) -> ResponderAction {
        self.receive(Self.header(opcode, psn, asksAck: asksAck), payloadByteCount: payloadByteCount)
    }

    static func header(_ opcode: Opcode, _ psn: UInt32, asksAck: Bool = false) -> PacketHeader {
        PacketHeader(
            bth: BTH(opcode: opcode, destQP: QPN(truncating: 1), isAckRequested: asksAck, psn: PSN(truncating: psn))
        )
    }

    /// A packet with RETH.
    func receive(
        _ opcode: Opcode,
        _ psn: UInt32,
        _ payloadByteCount: Int = 0,
        dma dmaByteCount: UInt32,
        address: UInt64 = 0x1000
    ) -> ResponderAction {
        var header = Self.header(opcode, psn)
        header.reth = RETH(virtualAddress: address, rKey: 7, dmaByteCount: dmaByteCount)
        return self.receive(header, payloadByteCount: payloadByteCount)
    }

    func pollTransmit() -> ResponsePacket? { self.responder.pollTransmit(now: self.now) }
    func failRead() -> ResponderAction { self.responder.failRead() }
    func grow(readsMax: Int) { self.responder.update(rnrTimer: RNRTimer(truncating: 12), readsMax: readsMax) }
    func enterError() { self.responder.enterError(host: &self.host) }

    /// What is said next, in short.
    var said: [String] {
        var said: [String] = []
        while let packet = self.pollTransmit() {
            let bth = packet.header.bth
            switch bth.opcode {
            case .rcAcknowledge: said.append("\(bth.psn.rawValue) \(packet.header.aeth.syndrome.short)")
            case .rcAtomicAcknowledge: said.append("\(bth.psn.rawValue) was \(packet.header.atomicAckETH.originalData)")
            case .rcReadResponseFirst: said.append("\(bth.psn.rawValue) first\(packet.source.short)")
            case .rcReadResponseMiddle: said.append("\(bth.psn.rawValue) middle\(packet.source.short)")
            case .rcReadResponseLast: said.append("\(bth.psn.rawValue) last\(packet.source.short)")
            case .rcReadResponseOnly: said.append("\(bth.psn.rawValue) only\(packet.source.short)")
            default: said.append("opcode \(bth.opcode.rawValue)")
            }
        }
        return said
    }
}

extension AETHSyndrome {
    fileprivate var short: String {
        switch self {
        case .ack: "ack"
        case .rnrNAK(let timer): "rnr \(timer.rawValue)"
        case .nak(let code): "\(code)"
        case .unknown(let rawValue): "unknown \(rawValue)"
        }
    }
}

extension ResponsePacket.Source {
    fileprivate var short: String {
        switch self {
        case .none: ""
        case .memory(_, let address, let byteCount): " \(address)+\(byteCount)"
        }
    }
}
