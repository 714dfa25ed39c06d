import SystemIO
import Wire

/// What parses must encode to what parses to the same.
enum FuzzedCodecs {
    static func run(_ bytes: [UInt8]) {
        let span = bytes.span.bytes
        self.packet(span)
        _ = try? MADHeader(parsing: span)
        _ = try? GRH(parsing: span)
        self.icrc(span)
    }

    private static func packet(_ span: RawSpan) {
        guard let header = try? PacketHeader(parsing: span) else { return }
        let payload = header.payload(of: span)
        precondition(payload.byteCount == header.payloadByteCount(packetByteCount: span.byteCount))
        precondition(header.byteCount + payload.byteCount + Int(header.bth.padCount) == span.byteCount)
        var copy = [UInt8](repeating: 0xA5, count: header.byteCount)
        self.encode(header, into: &copy)
        copy += [UInt8](repeating: 0, count: span.byteCount - header.byteCount)
        guard let again = try? PacketHeader(parsing: copy.span.bytes) else {
            preconditionFailure("what was encoded does not parse")
        }
        precondition(again == header, "what was encoded parses to something else")
    }

    private static func encode(_ header: PacketHeader, into bytes: inout [UInt8]) {
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        header.encode(into: &raw)
    }

    private static func icrc(_ span: RawSpan) {
        let own = GID(prefix: 0, interfaceID: 0x0000_FFFF_7F00_0001)
        let path = ICRCPath(source: own, destination: own, sourcePort: 4791)
        _ = path.identification(proving: span, using: ISALCRC32.self)
        let path6 = ICRCPath(
            source: GID(prefix: 1, interfaceID: 2),
            destination: GID(prefix: 1, interfaceID: 3),
            sourcePort: 1
        )
        _ = path6.identification(proving: span, using: ISALCRC32.self)
    }
}
