/// The XRC Extended Transport Header: the shared receive queue that an XRC request is for.
///
/// Specified in IBTA Volume 1, Annex A14. It follows the BTH of every XRC request.
///
/// | Bytes | Contents |
/// |-------|----------|
/// | 0     | Reserved |
/// | 1-3   | XRCSRQ   |
package struct XRCETH: Hashable, Sendable {
    /// Shared receive queues and queue pairs are numbered alike.
    package var xrcSRQ: QPN

    package init(xrcSRQ: QPN = QPN(truncating: 0)) {
        self.xrcSRQ = xrcSRQ
    }
}

// MARK: - Codec

extension XRCETH {
    /// Encoded size in bytes.
    package static var byteCount: Int { 4 }

    /// Parses the header that begins at `offset`.
    package init(parsing bytes: RawSpan, at offset: Int = 0) throws(WireError) {
        try bytes.checkRoom(for: Self.byteCount, at: offset)
        self.xrcSRQ = QPN(truncating: bytes.bigEndian(at: offset))
    }

    /// Writes the header at `offset`, reserved bits as zero.
    ///
    /// - Precondition: `bytes` holds `byteCount` bytes from `offset` on.
    package func encode(into bytes: inout MutableRawSpan, at offset: Int = 0) {
        precondition(bytes.byteCount - offset >= Self.byteCount, "no room for an XRCETH")
        bytes.store(bigEndian: self.xrcSRQ.rawValue, at: offset)
    }
}
