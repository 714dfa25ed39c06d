extension CM {
    /// Service ID resolution response (SIDR_REP): the queue pair of a service, or why there is none.
    ///
    /// Specified in IBTA Volume 1, section 12.11.2; the vendor ID with enhanced connection establishment.
    ///
    /// | Bytes  | Contents                              |
    /// |--------|---------------------------------------|
    /// | 0-3    | Request ID                            |
    /// | 4      | Status                                |
    /// | 5      | Additional information length         |
    /// | 6-7    | Vendor ID, upper and middle byte      |
    /// | 8-10   | QPN                                   |
    /// | 11     | Vendor ID, lower byte                 |
    /// | 12-19  | Service ID                            |
    /// | 20-23  | Q_Key                                 |
    /// | 24-95  | Additional information                |
    /// | 96-231 | Private data                          |
    package struct SIDRREP: Hashable, Sendable {
        package var requestID: UInt32
        package var status: Status
        /// As it was received. What is more than the field of 72 bytes holds means nothing.
        package var additionalInformationByteCount: UInt8 = 0
        /// Below 2^24. Whose options the attribute modifier of the datagram holds; 0 when it holds none.
        package var vendorID: UInt32 = 0
        package var qpn = QPN(truncating: 0)
        package var serviceID: ServiceID
        package var qKey: UInt32 = 0
        /// What the status says it is, in the first `additionalInformationByteCount` bytes.
        package var additionalInformation = FixedBytes<72>()
        package var privateData = FixedBytes<136>()

        package init(requestID: UInt32, status: Status, serviceID: ServiceID) {
            self.requestID = requestID
            self.status = status
            self.serviceID = serviceID
        }

        /// Whether the queue pair is there. Any number is a status; those without a name are reserved.
        package struct Status: RawRepresentable, Hashable, Sendable {
            package let rawValue: UInt8

            package init(rawValue: UInt8) {
                self.rawValue = rawValue
            }
        }
    }
}

extension CM.SIDRREP.Status {
    /// QPN and Q_Key are valid.
    package static var valid: Self { Self(rawValue: 0) }
    /// Nobody listens at the service ID.
    package static var serviceIDNotSupported: Self { Self(rawValue: 1) }
    /// The program said no; its words are in the private data.
    package static var rejectedByServiceProvider: Self { Self(rawValue: 2) }
    package static var noQPAvailable: Self { Self(rawValue: 3) }
    /// Ask again as the reply says.
    package static var redirected: Self { Self(rawValue: 4) }
    package static var unsupportedVersion: Self { Self(rawValue: 5) }
}

// MARK: - Codec

extension CM.SIDRREP {
    /// Encoded size in bytes.
    package static var byteCount: Int { CM.messageByteCount }

    private enum Offset {
        static var requestID: Int { 0 }
        static var status: Int { 4 }
        static var additionalInformationByteCount: Int { 5 }
        static var vendorIDUpper: Int { 6 }
        static var qpn: Int { 8 }
        static var vendorIDLower: Int { 11 }
        static var serviceID: Int { 12 }
        static var qKey: Int { 20 }
        static var additionalInformation: Int { 24 }
        static var privateData: Int { 96 }
    }

    /// Parses the message that begins at `offset`.
    package init(parsing bytes: RawSpan, at offset: Int = 0) throws(WireError) {
        try bytes.checkRoom(for: Self.byteCount, at: offset)
        self.requestID = bytes.bigEndian(at: offset + Offset.requestID)
        self.status = Status(rawValue: bytes.bigEndian(at: offset + Offset.status))
        self.additionalInformationByteCount = bytes.bigEndian(at: offset + Offset.additionalInformationByteCount)
        self.vendorID =
            UInt32(bytes.bigEndian(at: offset + Offset.vendorIDUpper, as: UInt16.self)) << 8
            | UInt32(bytes.bigEndian(at: offset + Offset.vendorIDLower, as: UInt8.self))
        self.qpn = QPN(truncating: bytes.bigEndian24(at: offset + Offset.qpn))
        self.serviceID = ServiceID(rawValue: bytes.bigEndian(at: offset + Offset.serviceID))
        self.qKey = bytes.bigEndian(at: offset + Offset.qKey)
        self.additionalInformation = FixedBytes(bytes, at: offset + Offset.additionalInformation)
        self.privateData = FixedBytes(bytes, at: offset + Offset.privateData)
    }

    /// Writes the message at `offset`.
    ///
    /// - Precondition: `bytes` holds `byteCount` bytes from `offset` on, and the vendor ID is below 2^24.
    package func encode(into bytes: inout MutableRawSpan, at offset: Int = 0) {
        precondition(bytes.byteCount - offset >= Self.byteCount, "no room for a SIDR_REP")
        precondition(self.vendorID >> 24 == 0, "a vendor ID has 24 bits")
        let upper = UInt16(truncatingIfNeeded: self.vendorID >> 8)
        let lower = UInt8(truncatingIfNeeded: self.vendorID)
        bytes.store(bigEndian: self.requestID, at: offset + Offset.requestID)
        bytes.store(bigEndian: self.status.rawValue, at: offset + Offset.status)
        bytes.store(
            bigEndian: self.additionalInformationByteCount,
            at: offset + Offset.additionalInformationByteCount
        )
        bytes.store(bigEndian: upper, at: offset + Offset.vendorIDUpper)
        bytes.store(bigEndian24: self.qpn.rawValue, then: lower, at: offset + Offset.qpn)
        bytes.store(bigEndian: self.serviceID.rawValue, at: offset + Offset.serviceID)
        bytes.store(bigEndian: self.qKey, at: offset + Offset.qKey)
        self.additionalInformation.encode(into: &bytes, at: offset + Offset.additionalInformation)
        self.privateData.encode(into: &bytes, at: offset + Offset.privateData)
    }
}
