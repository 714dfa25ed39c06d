/// The RDMA Extended Transport Header: where in the responder's memory a WRITE, READ or FLUSH works.
///
/// Specified in IBTA Volume 1, section 9.3.3.
///
/// | Bytes | Contents        |
/// |-------|-----------------|
/// | 0-7   | Virtual address |
/// | 8-11  | R_Key           |
/// | 12-15 | DMA length      |
package struct RETH: Hashable, Sendable {
    package var virtualAddress: UInt64
    package var rKey: UInt32
    /// Length of the whole message in bytes. The specification allows up to 2^31; more is the responder's to refuse.
    package var dmaByteCount: UInt32

    package init(virtualAddress: UInt64 = 0, rKey: UInt32 = 0, dmaByteCount: UInt32 = 0) {
        self.virtualAddress = virtualAddress
        self.rKey = rKey
        self.dmaByteCount = dmaByteCount
    }
}

// MARK: - Codec

extension RETH {
    /// Encoded size in bytes.
    package static var byteCount: Int { 16 }

    private enum Offset {
        static var virtualAddress: Int { 0 }
        static var rKey: Int { 8 }
        static var dmaByteCount: Int { 12 }
    }

    /// Parses the header that begins at `offset`.
    package init(parsing bytes: RawSpan, at offset: Int = 0) throws(WireError) {
        try bytes.checkRoom(for: Self.byteCount, at: offset)
        self.virtualAddress = bytes.bigEndian(at: offset + Offset.virtualAddress)
        self.rKey = bytes.bigEndian(at: offset + Offset.rKey)
        self.dmaByteCount = bytes.bigEndian(at: offset + Offset.dmaByteCount)
    }

    /// Writes the header at `offset`.
    ///
    /// - Precondition: `bytes` holds `byteCount` bytes from `offset` on.
    package func encode(into bytes: inout MutableRawSpan, at offset: Int = 0) {
        precondition(bytes.byteCount - offset >= Self.byteCount, "no room for a RETH")
        bytes.store(bigEndian: self.virtualAddress, at: offset + Offset.virtualAddress)
        bytes.store(bigEndian: self.rKey, at: offset + Offset.rKey)
        bytes.store(bigEndian: self.dmaByteCount, at: offset + Offset.dmaByteCount)
    }
}
