/// The Datagram Extended Transport Header: who sent a datagram, and the key that lets it in.
///
/// Specified in IBTA Volume 1, section 9.3.2.
///
/// | Bytes | Contents  |
/// |-------|-----------|
/// | 0-3   | Q_Key     |
/// | 4     | Reserved  |
/// | 5-7   | Source QP |
package struct DETH: Hashable, Sendable {
    package var qKey: UInt32
    package var sourceQP: QPN

    package init(qKey: UInt32 = 0, sourceQP: QPN = QPN(truncating: 0)) {
        self.qKey = qKey
        self.sourceQP = sourceQP
    }
}

// MARK: - Codec

extension DETH {
    /// Encoded size in bytes.
    package static var byteCount: Int { 8 }

    private enum Offset {
        static var qKey: Int { 0 }
        /// The reserved byte and the source QP, read as one word.
        static var sourceQP: Int { 4 }
    }

    /// Parses the header that begins at `offset`.
    package init(parsing bytes: RawSpan, at offset: Int = 0) throws(WireError) {
        try bytes.checkRoom(for: Self.byteCount, at: offset)
        self.qKey = bytes.bigEndian(at: offset + Offset.qKey)
        self.sourceQP = QPN(truncating: bytes.bigEndian(at: offset + Offset.sourceQP))
    }

    /// Writes the header at `offset`, reserved bits as zero.
    ///
    /// - Precondition: `bytes` holds `byteCount` bytes from `offset` on.
    package func encode(into bytes: inout MutableRawSpan, at offset: Int = 0) {
        precondition(bytes.byteCount - offset >= Self.byteCount, "no room for a DETH")
        bytes.store(bigEndian: self.qKey, at: offset + Offset.qKey)
        bytes.store(bigEndian: self.sourceQP.rawValue, at: offset + Offset.sourceQP)
    }
}
