/// The ICRC of RoCEv2, worked out bit by bit from the specification (IBTA volume 1, annex A17.3.3) as a judge of the
/// adapter's own, with which it shares nothing.
enum InvariantCRC {
    static let byteCount = 4
    private static let ipv6ByteCount = 40
    private static let udpByteCount = 8

    /// Whether the last four bytes of a packet, which begins with its IP header, are the ICRC of what stands before.
    static func isRight(_ packet: [UInt8]) -> Bool {
        guard packet.count > Self.ipv6ByteCount else { return false }
        let stored = packet.suffix(Self.byteCount).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return self.value(of: Array(packet.dropLast(Self.byteCount))) == stored
    }

    /// The ICRC of a packet, which begins with its IP header and ends where the ICRC belongs.
    static func value(of packet: [UInt8]) -> UInt32 {
        var covered = packet
        let ipByteCount: Int
        if packet[0] >> 4 == 4 {
            ipByteCount = Int(packet[0] & 15) * 4
            covered[1] = 0xFF  // type of service
            covered[8] = 0xFF  // time to live
            covered[10] = 0xFF  // header checksum
            covered[11] = 0xFF
        } else {
            ipByteCount = Self.ipv6ByteCount
            covered[0] |= 0x0F  // traffic class and flow label
            covered[1] = 0xFF
            covered[2] = 0xFF
            covered[3] = 0xFF
            covered[7] = 0xFF  // hop limit
        }
        covered[ipByteCount + 6] = 0xFF  // UDP checksum
        covered[ipByteCount + 7] = 0xFF
        covered[ipByteCount + Self.udpByteCount + 4] = 0xFF  // reserved byte of the BTH
        // In front stand eight bytes for the local route header, which Ethernet does not have.
        return Self.crc32([UInt8](repeating: 0xFF, count: 8) + covered)
    }

    private static func crc32(_ bytes: [UInt8]) -> UInt32 {
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return ~crc
    }
}
