/// The Atomic ACK Extended Transport Header: what stood in the responder's memory before the operation.
///
/// Specified in IBTA Volume 1, section 9.5.3. It follows the AETH.
///
/// | Bytes | Contents             |
/// |-------|----------------------|
/// | 0-7   | Original remote data |
package struct AtomicAckETH: Hashable, Sendable {
    package var originalData: UInt64

    package init(originalData: UInt64 = 0) {
        self.originalData = originalData
    }
}

// MARK: - Codec

extension AtomicAckETH {
    /// Encoded size in bytes.
    package static var byteCount: Int { 8 }

    /// Parses the header that begins at `offset`.
    package init(parsing bytes: RawSpan, at offset: Int = 0) throws(WireError) {
        try bytes.checkRoom(for: Self.byteCount, at: offset)
        self.originalData = bytes.bigEndian(at: offset)
    }

    /// Writes the header at `offset`.
    ///
    /// - Precondition: `bytes` holds `byteCount` bytes from `offset` on.
    package func encode(into bytes: inout MutableRawSpan, at offset: Int = 0) {
        precondition(bytes.byteCount - offset >= Self.byteCount, "no room for an AtomicAckETH")
        bytes.store(bigEndian: self.originalData, at: offset)
    }
}
