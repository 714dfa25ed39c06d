extension CM {
    /// Service ID resolution request (SIDR_REQ): which datagram queue pair offers a service?
    ///
    /// Specified in IBTA Volume 1, section 12.11.1.
    ///
    /// | Bytes  | Contents     |
    /// |--------|--------------|
    /// | 0-3    | Request ID   |
    /// | 4-5    | P_Key        |
    /// | 6-7    | Reserved     |
    /// | 8-15   | Service ID   |
    /// | 16-231 | Private data |
    package struct SIDRREQ: Hashable, Sendable {
        package var requestID: UInt32
        package var pKey: UInt16
        package var serviceID: ServiceID
        package var privateData = FixedBytes<216>()

        package init(requestID: UInt32, pKey: UInt16 = 0xFFFF, serviceID: ServiceID) {
            self.requestID = requestID
            self.pKey = pKey
            self.serviceID = serviceID
        }
    }
}

// MARK: - Codec

extension CM.SIDRREQ {
    /// Encoded size in bytes.
    package static var byteCount: Int { CM.messageByteCount }

    private enum Offset {
        static var requestID: Int { 0 }
        static var pKey: Int { 4 }
        static var reserved: Int { 6 }
        static var serviceID: Int { 8 }
        static var privateData: Int { 16 }
    }

    /// Parses the message that begins at `offset`.
    package init(parsing bytes: RawSpan, at offset: Int = 0) throws(WireError) {
        try bytes.checkRoom(for: Self.byteCount, at: offset)
        self.requestID = bytes.bigEndian(at: offset + Offset.requestID)
        self.pKey = bytes.bigEndian(at: offset + Offset.pKey)
        self.serviceID = ServiceID(rawValue: bytes.bigEndian(at: offset + Offset.serviceID))
        self.privateData = FixedBytes(bytes, at: offset + Offset.privateData)
    }

    /// Writes the message at `offset`, reserved bits as zero.
    ///
    /// - Precondition: `bytes` holds `byteCount` bytes from `offset` on.
    package func encode(into bytes: inout MutableRawSpan, at offset: Int = 0) {
        precondition(bytes.byteCount - offset >= Self.byteCount, "no room for a SIDR_REQ")
        bytes.store(bigEndian: self.requestID, at: offset + Offset.requestID)
        bytes.store(bigEndian: self.pKey, at: offset + Offset.pKey)
        bytes.store(bigEndian: UInt16(0), at: offset + Offset.reserved)
        bytes.store(bigEndian: self.serviceID.rawValue, at: offset + Offset.serviceID)
        self.privateData.encode(into: &bytes, at: offset + Offset.privateData)
    }
}
