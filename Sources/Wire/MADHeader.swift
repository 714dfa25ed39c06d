/// The header that every management datagram begins with.
///
/// Specified in IBTA Volume 1, section 13.4.2. What the class, method and attribute mean is the manager's affair.
///
/// | Bytes | Contents           |
/// |-------|--------------------|
/// | 0     | Base version       |
/// | 1     | Management class   |
/// | 2     | Class version      |
/// | 3     | R (1 bit), method  |
/// | 4-5   | Status             |
/// | 6-7   | Class specific     |
/// | 8-15  | Transaction ID     |
/// | 16-17 | Attribute ID       |
/// | 18-19 | Reserved           |
/// | 20-23 | Attribute modifier |
package struct MADHeader: Hashable, Sendable {
    package var baseVersion: UInt8
    package var managementClass: UInt8
    package var classVersion: UInt8
    /// The whole byte: the R bit (0x80, a response) and the 7-bit method.
    package var method: UInt8
    package var status: UInt16
    package var classSpecific: UInt16
    package var transactionID: UInt64
    package var attributeID: UInt16
    package var attributeModifier: UInt32

    package init(
        baseVersion: UInt8 = 1,
        managementClass: UInt8,
        classVersion: UInt8,
        method: UInt8,
        status: UInt16 = 0,
        classSpecific: UInt16 = 0,
        transactionID: UInt64,
        attributeID: UInt16,
        attributeModifier: UInt32 = 0
    ) {
        self.baseVersion = baseVersion
        self.managementClass = managementClass
        self.classVersion = classVersion
        self.method = method
        self.status = status
        self.classSpecific = classSpecific
        self.transactionID = transactionID
        self.attributeID = attributeID
        self.attributeModifier = attributeModifier
    }
}

// MARK: - Codec

extension MADHeader {
    /// Encoded size in bytes.
    package static var byteCount: Int { 24 }

    /// Size in bytes of the whole management datagram that the header opens.
    package static var datagramByteCount: Int { 256 }

    private enum Offset {
        static var baseVersion: Int { 0 }
        static var managementClass: Int { 1 }
        static var classVersion: Int { 2 }
        static var method: Int { 3 }
        static var status: Int { 4 }
        static var classSpecific: Int { 6 }
        static var transactionID: Int { 8 }
        static var attributeID: Int { 16 }
        static var reserved: Int { 18 }
        static var attributeModifier: Int { 20 }
    }

    /// Parses the header that begins at `offset`.
    package init(parsing bytes: RawSpan, at offset: Int = 0) throws(WireError) {
        try bytes.checkRoom(for: Self.byteCount, at: offset)
        self.baseVersion = bytes.bigEndian(at: offset + Offset.baseVersion)
        self.managementClass = bytes.bigEndian(at: offset + Offset.managementClass)
        self.classVersion = bytes.bigEndian(at: offset + Offset.classVersion)
        self.method = bytes.bigEndian(at: offset + Offset.method)
        self.status = bytes.bigEndian(at: offset + Offset.status)
        self.classSpecific = bytes.bigEndian(at: offset + Offset.classSpecific)
        self.transactionID = bytes.bigEndian(at: offset + Offset.transactionID)
        self.attributeID = bytes.bigEndian(at: offset + Offset.attributeID)
        self.attributeModifier = bytes.bigEndian(at: offset + Offset.attributeModifier)
    }

    /// Writes the header at `offset`, reserved bits as zero.
    ///
    /// - Precondition: `bytes` holds `byteCount` bytes from `offset` on.
    package func encode(into bytes: inout MutableRawSpan, at offset: Int = 0) {
        precondition(bytes.byteCount - offset >= Self.byteCount, "no room for a MAD header")
        bytes.store(bigEndian: self.baseVersion, at: offset + Offset.baseVersion)
        bytes.store(bigEndian: self.managementClass, at: offset + Offset.managementClass)
        bytes.store(bigEndian: self.classVersion, at: offset + Offset.classVersion)
        bytes.store(bigEndian: self.method, at: offset + Offset.method)
        bytes.store(bigEndian: self.status, at: offset + Offset.status)
        bytes.store(bigEndian: self.classSpecific, at: offset + Offset.classSpecific)
        bytes.store(bigEndian: self.transactionID, at: offset + Offset.transactionID)
        bytes.store(bigEndian: self.attributeID, at: offset + Offset.attributeID)
        bytes.store(bigEndian: UInt16(0), at: offset + Offset.reserved)
        bytes.store(bigEndian: self.attributeModifier, at: offset + Offset.attributeModifier)
    }
}
