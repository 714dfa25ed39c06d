import Transport
import Wire

/// A responder that takes whatever packets come, is polled and loses memory at any time.
enum FuzzedResponder {
    static func run(_ bytes: [UInt8]) {
        var script = FuzzScript(bytes)
        var configuration = ResponderConfiguration(pathMTU: .bytes256)
        configuration.readsMax = 3
        var responder = RCResponder(
            expectedPSN: PSN(truncating: 0xFF_FFFC),
            destQP: QPN(truncating: 2),
            configuration: configuration
        )
        var host = FuzzedHost()
        let now = Timestamp(nanoseconds: 1)
        while let step = script.nextByte() {
            switch step & 7 {
            case 0...3:
                guard let packet = script.nextPacket(expected: responder.expectedPSN) else { continue }
                let span = packet.span.bytes
                guard let header = try? PacketHeader(parsing: span) else { continue }
                _ = responder.receive(header, payload: header.payload(of: span), host: &host, now: now)
            case 4: self.poll(&responder, countMax: Int(step >> 3))
            case 5:
                if let packet = responder.pollTransmit(now: now), case .memory = packet.source {
                    _ = responder.failRead()
                }
            case 6: host.receiveCount += 1
            default: responder.repeatAcknowledge()
            }
        }
        self.poll(&responder, countMax: 100)
        responder.enterError(host: &host)
    }

    private static func poll(_ responder: inout RCResponder, countMax: Int) {
        for _ in 0..<countMax {
            guard let packet = responder.pollTransmit(now: Timestamp(nanoseconds: 1)) else { return }
            precondition(packet.header.bth.opcode.isResponse, "a responder answers")
            if case .memory(_, _, let byteCount) = packet.source { precondition((1...256).contains(byteCount)) }
        }
    }
}
