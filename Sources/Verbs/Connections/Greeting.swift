/// What either side says on the TCP connection before the queue pairs are connected.
///
/// ```
///  0  magic "VERBSCN1"          8
///  8  GID                      16
/// 24  LID                       2
/// 26  path MTU in bytes         2
/// 28  QPN                       4
/// 32  PSN                       4
/// 36  bufferByteCount           4
/// 40  bufferCount               4
/// 44  greeting, its length      1
/// 45  greeting, 0 behind it   128
/// ```
///
/// Numbers have their most significant byte first. Then either side sends one byte when its queue pair is ready.
internal struct Greeting {
    var address: QueuePairAddress
    var bufferByteCount: Int
    var bufferCount: Int
    var bytes: [UInt8]

    static var byteCount: Int { 173 }
    static var ready: UInt8 { 0x52 }
    private static var magic: UInt64 { 0x5645_5242_5343_4E31 }

    init(address: QueuePairAddress, options: ConnectionOptions) {
        self.address = address
        self.bufferByteCount = options.bufferByteCount
        self.bufferCount = options.bufferCount
        self.bytes = options.greeting
    }

    var encoded: [UInt8] {
        var encoded: [UInt8] = []
        encoded.reserveCapacity(Self.byteCount)
        encoded.append(bigEndian: Self.magic)
        encoded.append(bigEndian: self.address.gid.subnetPrefix)
        encoded.append(bigEndian: self.address.gid.interfaceID)
        encoded.append(bigEndian: self.address.lid)
        encoded.append(bigEndian: UInt16(self.address.mtu.rawValue))
        encoded.append(bigEndian: self.address.qpn.rawValue)
        encoded.append(bigEndian: self.address.psn.rawValue)
        encoded.append(bigEndian: UInt32(self.bufferByteCount))
        encoded.append(bigEndian: UInt32(self.bufferCount))
        encoded.append(UInt8(self.bytes.count))
        encoded += self.bytes
        encoded += [UInt8](repeating: 0, count: Self.byteCount - encoded.count)
        return encoded
    }

    /// - Returns: nil when the bytes are something else; what the peer says is not trusted.
    init?(_ encoded: [UInt8]) {
        guard encoded.count == Self.byteCount else { return nil }
        func number<Number: FixedWidthInteger>(_ offset: Int, as type: Number.Type) -> Number {
            encoded[offset..<offset + MemoryLayout<Number>.size].reduce(0) { $0 << 8 | Number($1) }
        }
        let options = ConnectionOptions(
            bufferByteCount: Int(number(36, as: UInt32.self)),
            bufferCount: Int(number(40, as: UInt32.self)),
            greeting: []
        )
        let length = Int(encoded[44])
        guard number(0, as: UInt64.self) == Self.magic,
            let mtu = PathMTU(rawValue: Int(number(26, as: UInt16.self))),
            number(28, as: UInt32.self) <= 0xFF_FFFF, number(32, as: UInt32.self) <= 0xFF_FFFF,
            length <= ConnectionOptions.greetingByteCountMax,
            (try? options.validate()) != nil
        else { return nil }
        self.address = QueuePairAddress(
            gid: GID(subnetPrefix: number(8, as: UInt64.self), interfaceID: number(16, as: UInt64.self)),
            lid: number(24, as: UInt16.self),
            qpn: QPN(rawValue: number(28, as: UInt32.self)),
            psn: PSN(rawValue: number(32, as: UInt32.self)),
            mtu: mtu
        )
        self.bufferByteCount = options.bufferByteCount
        self.bufferCount = options.bufferCount
        self.bytes = Array(encoded[45..<45 + length])
    }
}

extension [UInt8] {
    fileprivate mutating func append<Number: FixedWidthInteger>(bigEndian number: Number) {
        for shift in stride(from: Number.bitWidth - 8, through: 0, by: -8) {
            self.append(UInt8(truncatingIfNeeded: number >> Number(shift)))
        }
    }
}
