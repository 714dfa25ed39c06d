import Wire

/// The most payload bytes that a packet of a connection carries.
///
/// IBTA Volume 1, section 11.2.5.2. The raw values are those of `ibv_mtu`.
package enum PathMTU: UInt8, BitwiseCopyable, Hashable, Sendable, CaseIterable {
    case bytes256 = 1
    case bytes512 = 2
    case bytes1024 = 3
    case bytes2048 = 4
    case bytes4096 = 5

    @inlinable
    package var byteCount: UInt32 { 1 << self.shift }

    /// The binary logarithm of `byteCount`.
    @inlinable
    package var shift: UInt32 { UInt32(self.rawValue) + 7 }

    /// How many packets a message of `byteCount` bytes takes. A message of no bytes takes one.
    @inlinable
    package func packetCount(ofMessage byteCount: UInt32) -> UInt32 {
        max(1, UInt32((UInt64(byteCount) + UInt64(self.byteCount) - 1) >> UInt64(self.shift)))
    }
}

// MARK: - Rules

extension PathMTU {
    /// Whether a packet with these traits may carry this much (IBTA Volume 1, section 9.7.4.1.5): all but the last
    /// packet of a message are full, and the last of several is not empty.
    func fits(_ payloadByteCount: Int, _ traits: Opcode.Traits) -> Bool {
        let mtu = Int(self.byteCount)
        if !traits.isEnd { return payloadByteCount == mtu }
        return payloadByteCount <= mtu && (payloadByteCount > 0 || traits.isStart)
    }
}

extension Opcode.Traits {
    /// Whether it has any of `traits`. The standard library's `contains` and array literals are generic calls, with an
    /// allocation in the worst case, when used across modules.
    @inline(__always)
    func has(_ traits: Opcode.Traits) -> Bool { self.rawValue & traits.rawValue != 0 }

    /// Whether the packet begins a message.
    var isStart: Bool { self.rawValue & (Self.first.rawValue | Self.only.rawValue) != 0 }

    /// Whether the packet ends a message.
    var isEnd: Bool { self.rawValue & (Self.last.rawValue | Self.only.rawValue) != 0 }
}
