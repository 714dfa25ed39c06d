/// The Immediate Extended Transport Header: 32 bits that travel into the receiver's completion.
///
/// Specified in IBTA Volume 1, section 9.3.6.
///
/// | Bytes | Contents       |
/// |-------|----------------|
/// | 0-3   | Immediate data |
package struct ImmDt: Hashable, Sendable {
    /// The four bytes read as a big-endian number. The C interface has it in network order (`imm_data`).
    package var value: UInt32

    package init(value: UInt32 = 0) {
        self.value = value
    }
}

// MARK: - Codec

extension ImmDt {
    /// Encoded size in bytes.
    package static var byteCount: Int { 4 }

    /// Parses the header that begins at `offset`.
    package init(parsing bytes: RawSpan, at offset: Int = 0) throws(WireError) {
        try bytes.checkRoom(for: Self.byteCount, at: offset)
        self.value = bytes.bigEndian(at: offset)
    }

    /// Writes the header at `offset`.
    ///
    /// - Precondition: `bytes` holds `byteCount` bytes from `offset` on.
    package func encode(into bytes: inout MutableRawSpan, at offset: Int = 0) {
        precondition(bytes.byteCount - offset >= Self.byteCount, "no room for an ImmDt")
        bytes.store(bigEndian: self.value, at: offset)
    }
}
