/// The ACK Extended Transport Header: how a responder answers.
///
/// Specified in IBTA Volume 1, section 9.3.5.
///
/// | Bytes | Contents |
/// |-------|----------|
/// | 0     | Syndrome |
/// | 1-3   | MSN      |
package struct AETH: Hashable, Sendable {
    package var syndrome: AETHSyndrome
    package var msn: MSN

    package init(syndrome: AETHSyndrome = .ack(credits: .zero), msn: MSN = MSN(truncating: 0)) {
        self.syndrome = syndrome
        self.msn = msn
    }
}

// MARK: - Codec

extension AETH {
    /// Encoded size in bytes.
    package static var byteCount: Int { 4 }

    /// Parses the header that begins at `offset`.
    package init(parsing bytes: RawSpan, at offset: Int = 0) throws(WireError) {
        try bytes.checkRoom(for: Self.byteCount, at: offset)
        // Syndrome and MSN, read as one word.
        let word: UInt32 = bytes.bigEndian(at: offset)
        self.syndrome = AETHSyndrome(rawValue: UInt8(truncatingIfNeeded: word >> 24))
        self.msn = MSN(truncating: word)
    }

    /// Writes the header at `offset`.
    ///
    /// - Precondition: `bytes` holds `byteCount` bytes from `offset` on.
    package func encode(into bytes: inout MutableRawSpan, at offset: Int = 0) {
        precondition(bytes.byteCount - offset >= Self.byteCount, "no room for an AETH")
        let word = UInt32(self.syndrome.rawValue) << 24 | self.msn.rawValue
        bytes.store(bigEndian: word, at: offset)
    }
}
