/// The FLUSH Extended Transport Header: how far earlier writes must have come, and which of them.
///
/// Specified in IBTA Volume 1, Annex A19. It stands between the BTH and the RETH of a FLUSH.
///
/// | Bits  | Contents          |
/// |-------|-------------------|
/// | 31-6  | Reserved          |
/// | 5-4   | Selectivity level |
/// | 3-0   | Placement type    |
package struct FETH: Hashable, Sendable {
    /// Always below 4: 0 a range of a memory region, 1 the whole region.
    package var selectivityLevel: UInt8
    /// Always below 16. Bit 0: visible to everyone; bit 1: persistent.
    package var placementType: UInt8

    package init(selectivityLevel: UInt8 = 0, placementType: UInt8 = 0) {
        precondition(selectivityLevel < 4, "SEL is a 2-bit field")
        precondition(placementType < 16, "PLT is a 4-bit field")
        self.selectivityLevel = selectivityLevel
        self.placementType = placementType
    }
}

// MARK: - Codec

extension FETH {
    /// Encoded size in bytes.
    package static var byteCount: Int { 4 }

    /// Parses the header that begins at `offset`.
    package init(parsing bytes: RawSpan, at offset: Int = 0) throws(WireError) {
        try bytes.checkRoom(for: Self.byteCount, at: offset)
        let word: UInt32 = bytes.bigEndian(at: offset)
        self.selectivityLevel = UInt8(truncatingIfNeeded: word >> 4) & 0x3
        self.placementType = UInt8(truncatingIfNeeded: word) & 0xF
    }

    /// Writes the header at `offset`, reserved bits as zero.
    ///
    /// - Precondition: `bytes` holds `byteCount` bytes from `offset` on.
    package func encode(into bytes: inout MutableRawSpan, at offset: Int = 0) {
        precondition(bytes.byteCount - offset >= Self.byteCount, "no room for a FETH")
        let word = UInt32(self.selectivityLevel & 0x3) << 4 | UInt32(self.placementType & 0xF)
        bytes.store(bigEndian: word, at: offset)
    }
}
