/// Memory of a peer that this side may use by one-sided operations: where it is, how long, and its key.
///
/// A plain value. The peer makes it from its region (``MemoryRegion/remote``) and sends it, for example as a message;
/// ``encoded`` and ``init(encoded:)`` are the form for that.
public struct RemoteRegion: Sendable, Hashable {
    /// The address of the first byte in the peer's address space.
    public let address: UInt64
    public let byteCount: Int
    public let rKey: RKey

    /// Names memory of a peer.
    ///
    /// - Parameters:
    ///   - address: Of the first byte, in the peer's address space.
    ///   - byteCount: Not negative.
    ///   - rKey: The peer's key for it.
    @inlinable
    public init(address: UInt64, byteCount: Int, rKey: RKey) {
        precondition(byteCount >= 0, "a length cannot be negative")
        self.address = address
        self.byteCount = byteCount
        self.rKey = rKey
    }

    /// A part of the memory. The range must lie inside.
    @inlinable
    public subscript(range: Range<Int>) -> RemoteRegion {
        precondition(range.lowerBound >= 0 && range.upperBound <= self.byteCount, "the range reaches beyond the region")
        return RemoteRegion(
            address: self.address &+ UInt64(range.lowerBound),
            byteCount: range.count,
            rKey: self.rKey
        )
    }

    /// A value of type `Value` at a byte offset, which must lie inside and be a multiple of the type's alignment.
    @inlinable
    public subscript<Value: BitwiseCopyable>(byteOffset: Int, as type: Value.Type) -> RemoteValue<Value> {
        precondition(byteOffset % MemoryLayout<Value>.alignment == 0, "the offset does not fit the type's alignment")
        return RemoteValue(region: self[byteOffset..<byteOffset + MemoryLayout<Value>.size])
    }
}

/// A value of a known type in the memory of a peer.
public struct RemoteValue<Value: BitwiseCopyable>: Sendable, Hashable {
    public let region: RemoteRegion

    @inlinable
    internal init(region: RemoteRegion) {
        self.region = region
    }
}

// MARK: - On the wire

extension RemoteRegion {
    public static var encodedByteCount: Int { 20 }

    /// Address, length and key, most significant byte first.
    public var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.encodedByteCount)
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: self.address >> UInt64(shift)))
        }
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: UInt64(self.byteCount) >> UInt64(shift)))
        }
        for shift in stride(from: 24, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: self.rKey.rawValue >> UInt32(shift)))
        }
        return bytes
    }

    /// What ``encoded`` made; nil when the bytes are something else.
    public init?(encoded bytes: some Collection<UInt8>) {
        guard bytes.count == Self.encodedByteCount else { return nil }
        let words = bytes.reduce(into: (UInt64(0), UInt64(0), UInt64(0), 0)) { words, byte in
            switch words.3 {
            case 0..<8: words.0 = words.0 << 8 | UInt64(byte)
            case 8..<16: words.1 = words.1 << 8 | UInt64(byte)
            default: words.2 = words.2 << 8 | UInt64(byte)
            }
            words.3 += 1
        }
        guard let byteCount = Int(exactly: words.1) else { return nil }
        self.init(address: words.0, byteCount: byteCount, rKey: RKey(rawValue: UInt32(words.2)))
    }
}
