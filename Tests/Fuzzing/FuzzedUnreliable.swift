import Transport
import Wire

/// The responder of an unreliable connection under whatever packets come.
enum FuzzedUnreliable {
    static func run(_ bytes: [UInt8]) {
        var script = FuzzScript(bytes)
        var responder = UCResponder(expectedPSN: PSN(truncating: 0xFF_FFFC), pathMTU: .bytes256)
        var host = FuzzedHost()
        var psn = PSN(truncating: 0xFF_FFFC)
        while let step = script.nextByte() {
            if step & 7 == 7 {
                host.receiveCount += 1
                continue
            }
            guard let packet = script.nextPacket(expected: psn) else { continue }
            let span = packet.span.bytes
            guard let header = try? PacketHeader(parsing: span) else { continue }
            psn = header.bth.psn.advanced(by: 1)
            _ = responder.receive(
                header,
                payload: header.payload(of: span),
                host: &host,
                now: Timestamp(nanoseconds: 1)
            )
        }
        responder.enterError(host: &host)
    }
}
