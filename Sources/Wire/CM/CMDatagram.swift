extension CM {
    /// A management datagram that carries one message.
    ///
    /// Specified in IBTA Volume 1, sections 13.4.2 and 16.7: class 7, class version 2, method Send. What CM does not use of
    /// the MAD header is ignored when parsing and zero when encoding.
    package struct Datagram: Hashable, Sendable {
        /// Chosen by who opens an exchange, and repeated in the answers to it.
        package var transactionID: UInt64
        /// In a REQ, REP or SIDR_REP the options of enhanced connection establishment; else 0.
        package var attributeModifier: UInt32
        package var message: Message

        package init(transactionID: UInt64, attributeModifier: UInt32 = 0, message: Message) {
            self.transactionID = transactionID
            self.attributeModifier = attributeModifier
            self.message = message
        }
    }
}

// MARK: - Codec

extension CM.Datagram {
    /// Encoded size in bytes, whatever the message.
    package static var byteCount: Int { MADHeader.datagramByteCount }

    private static var managementClass: UInt8 { 0x07 }
    private static var classVersion: UInt8 { 2 }
    /// ComMgtSend.
    private static var method: UInt8 { 0x03 }

    /// Parses a datagram, which is what a UD packet carries.
    ///
    /// Throws unless it is 256 bytes long, of a version that is known here, and one of the messages.
    package init(parsing bytes: RawSpan) throws(WireError) {
        let header = try MADHeader(parsing: bytes)
        try bytes.checkRoom(for: Self.byteCount, at: 0)
        guard bytes.byteCount == Self.byteCount else {
            throw .unexpectedPayload(byteCount: bytes.byteCount - Self.byteCount)
        }
        guard header.baseVersion == 1 else { throw .unsupportedMADVersion(header.baseVersion) }
        guard header.managementClass == Self.managementClass, header.classVersion == Self.classVersion else {
            throw .unsupportedManagementClass(header.managementClass, version: header.classVersion)
        }
        guard header.method == Self.method else { throw .unsupportedManagementMethod(header.method) }
        self.transactionID = header.transactionID
        self.attributeModifier = header.attributeModifier
        self.message = try CM.Message(attributeID: header.attributeID, parsing: bytes, at: MADHeader.byteCount)
    }

    /// Writes the datagram at the start of `bytes`, reserved bits as zero.
    ///
    /// - Precondition: `bytes` holds at least `byteCount` bytes.
    package func encode(into bytes: inout MutableRawSpan) {
        precondition(bytes.byteCount >= Self.byteCount, "no room for a management datagram")
        MADHeader(
            managementClass: Self.managementClass,
            classVersion: Self.classVersion,
            method: Self.method,
            transactionID: self.transactionID,
            attributeID: self.message.attributeID,
            attributeModifier: self.attributeModifier
        ).encode(into: &bytes)
        self.message.encode(into: &bytes, at: MADHeader.byteCount)
    }
}
