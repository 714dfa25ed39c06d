import Wire

/// A packet on its way between two queue pairs.
struct SimulatedPacket: Sendable {
    var header: PacketHeader
    var payload: [UInt8]
    /// Whether it bears the congestion mark.
    var isMarked = false

    /// The bytes that it takes on a link, with what stands around it.
    var byteCount: Int { self.payload.count + self.header.byteCount + 70 }
}

// MARK: - Bytes

extension SimulatedPacket {
    /// The packet as it stands on the wire, from the BTH to the ICRC.
    func encoded(over path: ICRCPath) -> [UInt8] {
        let headerByteCount = self.header.byteCount
        var bytes = [UInt8](repeating: 0xEE, count: headerByteCount)
        bytes += self.payload
        bytes += [UInt8](repeating: 0, count: Int(self.header.bth.padCount) + ICRCPath.byteCount)
        var span = bytes.mutableSpan
        // SAFETY: every byte is a valid UInt8.
        var raw = unsafe span.mutableBytes
        self.header.encode(into: &raw)
        path.seal(&raw, using: CRC32Table.self)
        return bytes
    }

    /// What a receiver makes of bytes, or `nil` when it drops them.
    init?(receiving bytes: [UInt8], over path: ICRCPath) {
        // SAFETY: bytes have no padding between them.
        let raw = unsafe bytes.span.bytes
        guard path.identification(proving: raw, using: CRC32Table.self) != nil else { return nil }
        let packet = raw.extracting(droppingLast: ICRCPath.byteCount)
        guard let header = try? PacketHeader(parsing: packet) else { return nil }
        let payload = header.payload(of: packet)
        // SAFETY: the bytes are copied before they go.
        self.init(header: header, payload: unsafe payload.withUnsafeBytes { unsafe [UInt8]($0) })
    }

    /// Damages bytes. Over IPv4 the check of a UDP socket is sure of single bits only (see `ICRCPath`).
    static func damage(_ bytes: inout [UInt8], isCheckWhole: Bool, using random: inout SeededGenerator) {
        guard isCheckWhole, random.chance(70) else {
            let bit = random.number(in: 0...(8 * bytes.count - 1))
            bytes[bit / 8] ^= 1 << UInt8(bit & 7)
            return
        }
        switch random.number(in: 0...2) {
        case 0:
            for _ in 0..<random.number(in: 2...6) {
                let bit = random.number(in: 0...(8 * bytes.count - 1))
                bytes[bit / 8] ^= 1 << UInt8(bit & 7)
            }
        case 1:
            bytes.removeLast(random.number(in: 1...(bytes.count - 1)))
        default:
            let start = random.number(in: 0...(bytes.count - 1))
            for index in start..<min(bytes.count, start + 8) { bytes[index] = UInt8(truncatingIfNeeded: random.next()) }
        }
    }

    /// Whether it means the same: but for the bits that may change on the way.
    func means(_ other: SimulatedPacket) -> Bool {
        var header = self.header
        header.bth.isForwardCongestion = other.header.bth.isForwardCongestion
        header.bth.isBackwardCongestion = other.header.bth.isBackwardCongestion
        return header.encodesAs(other.header) && self.payload == other.payload
    }
}

extension PacketHeader {
    /// Whether both are the same on the wire: fields that the opcode does not have do not count.
    fileprivate func encodesAs(_ other: PacketHeader) -> Bool {
        guard self.bth == other.bth else { return false }
        return self.bytes == other.bytes
    }

    private var bytes: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: self.byteCount)
        var span = bytes.mutableSpan
        // SAFETY: every byte is a valid UInt8.
        var raw = unsafe span.mutableBytes
        self.encode(into: &raw)
        return bytes
    }
}
