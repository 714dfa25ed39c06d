package import Wire

/// A datagram that a member of the group sends to find out which socket has which index.
///
/// It looks like a RoCEv2 packet to a queue pair number that nobody gets, carries the index where the PSN stands, and the
/// steering program sends it to just that index. Nobody outside the host can make one that is believed: the nonce is
/// secret.
///
/// | Bytes | Contents                                            |
/// |-------|-----------------------------------------------------|
/// | 0-11  | BTH: opcode 0xFF, DestQP 0xFFFFFE, PSN is the index |
/// | 12-19 | Nonce of the round, lower half first                 |
package struct IndexProbe: Hashable, Sendable {
    package let index: UInt32
    package let nonce: UInt64

    package init(index: UInt32, nonce: UInt64) {
        precondition(index < 1 << 24, "a PSN has 24 bits")
        self.index = index
        self.nonce = nonce
    }

    /// The queue pair number by which probes are known.
    package static var destQP: QPN { QPN(truncating: 0x00FF_FFFE) }
    package static var byteCount: Int { 20 }
    /// No transport uses it, so that even a stray probe does nothing.
    private static var opcode: Opcode { Opcode(rawValue: 0xFF) }
}

// MARK: - Codec

extension IndexProbe {
    /// Reads a datagram, or returns `nil` when it is no probe.
    package init?(parsing bytes: RawSpan) {
        guard bytes.byteCount == Self.byteCount, let header = try? BTH(parsing: bytes) else { return nil }
        guard header.opcode == Self.opcode, header.destQP == Self.destQP else { return nil }
        self.index = header.psn.rawValue
        let low: UInt32 = bytes.bigEndian(at: 12)
        let high: UInt32 = bytes.bigEndian(at: 16)
        self.nonce = UInt64(high) << 32 | UInt64(low)
    }

    /// Writes the datagram at the start of `bytes`.
    package func encode(into bytes: inout MutableRawSpan) {
        BTH(opcode: Self.opcode, destQP: Self.destQP, psn: PSN(truncating: self.index)).encode(into: &bytes)
        bytes.store(bigEndian: UInt32(truncatingIfNeeded: self.nonce), at: 12)
        bytes.store(bigEndian: UInt32(truncatingIfNeeded: self.nonce >> 32), at: 16)
    }
}
