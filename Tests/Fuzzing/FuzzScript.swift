import Wire

/// Reads an input as a list of steps: a byte that says what to do, and for a packet one that says where its PSN lies from
/// the expected one, two of its length, and the packet from the BTH to the end of the pad.
struct FuzzScript {
    private var bytes: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) {
        self.bytes = bytes[...]
    }

    mutating func nextByte() -> UInt8? { self.bytes.popFirst() }

    mutating func nextNumber() -> UInt32 {
        var number: UInt32 = 0
        for _ in 0..<4 { number = number << 8 | UInt32(self.nextByte() ?? 0) }
        return number
    }

    /// The next packet as bytes, at most 5000; its PSN is `expected` moved by a signed byte.
    mutating func nextPacket(expected: PSN) -> [UInt8]? {
        guard let distance = self.nextByte(), let high = self.nextByte(), let low = self.nextByte() else { return nil }
        let count = min(Int(high) << 8 | Int(low), 5000, self.bytes.count)
        guard count >= BTH.byteCount else { return nil }
        var packet = Array(self.bytes.prefix(count))
        self.bytes = self.bytes.dropFirst(count)
        let offset = UInt32(bitPattern: Int32(Int8(bitPattern: distance)))
        let psn = (expected.rawValue &+ offset) & 0xFF_FFFF
        for index in 0..<3 { packet[9 + index] = UInt8(truncatingIfNeeded: psn >> UInt32(16 - 8 * index)) }
        return packet
    }
}
