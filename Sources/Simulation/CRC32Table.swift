import Wire

/// The CRC-32 of the ICRC, a byte at a time: the simulator imports no library.
enum CRC32Table: CRC32Algorithm {
    private static let table: [UInt32] = (0..<256).map { byte in
        var value = UInt32(byte)
        for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
        return value
    }

    static func update(_ crc: UInt32, _ bytes: RawSpan) -> UInt32 {
        var value = ~crc
        for offset in 0..<bytes.byteCount {
            let byte: UInt8 = bytes.bigEndian(at: offset)
            value = value >> 8 ^ Self.table[Int(UInt8(truncatingIfNeeded: value) ^ byte)]
        }
        return ~value
    }
}
