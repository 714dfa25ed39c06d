/// The Invalidate Extended Transport Header: the key that a SEND with Invalidate revokes at the receiver.
///
/// Specified in IBTA Volume 1, section 9.3.7.
///
/// | Bytes | Contents |
/// |-------|----------|
/// | 0-3   | R_Key    |
package struct IETH: Hashable, Sendable {
    package var rKey: UInt32

    package init(rKey: UInt32 = 0) {
        self.rKey = rKey
    }
}

// MARK: - Codec

extension IETH {
    /// Encoded size in bytes.
    package static var byteCount: Int { 4 }

    /// Parses the header that begins at `offset`.
    package init(parsing bytes: RawSpan, at offset: Int = 0) throws(WireError) {
        try bytes.checkRoom(for: Self.byteCount, at: offset)
        self.rKey = bytes.bigEndian(at: offset)
    }

    /// Writes the header at `offset`.
    ///
    /// - Precondition: `bytes` holds `byteCount` bytes from `offset` on.
    package func encode(into bytes: inout MutableRawSpan, at offset: Int = 0) {
        precondition(bytes.byteCount - offset >= Self.byteCount, "no room for an IETH")
        bytes.store(bigEndian: self.rKey, at: offset)
    }
}
