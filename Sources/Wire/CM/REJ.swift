extension CM {
    /// Reject: a connection does not come about.
    ///
    /// Specified in IBTA Volume 1, section 12.6.7.
    ///
    /// | Bytes  | Contents                                    |
    /// |--------|---------------------------------------------|
    /// | 0-3    | Local communication ID                      |
    /// | 4-7    | Remote communication ID                     |
    /// | 8      | Message REJected (2 bits), reserved (6)     |
    /// | 9      | Reject info length (7 bits), reserved (1)   |
    /// | 10-11  | Reason                                      |
    /// | 12-83  | Additional reject information (ARI)         |
    /// | 84-231 | Private data                                |
    package struct REJ: Hashable, Sendable {
        /// 0 where the sender has given none to the connection.
        package var localCommunicationID: UInt32
        package var remoteCommunicationID: UInt32
        package var rejected: Rejected
        package var reason: RejectReason
        /// Below 2^7, as it was received. What is more than the field of 72 bytes holds means nothing.
        package var additionalInformationByteCount: UInt8 = 0
        /// What the reason says it is, in the first `additionalInformationByteCount` bytes.
        package var additionalInformation = FixedBytes<72>()
        package var privateData = FixedBytes<148>()

        package init(
            localCommunicationID: UInt32,
            remoteCommunicationID: UInt32,
            rejected: Rejected,
            reason: RejectReason
        ) {
            self.localCommunicationID = localCommunicationID
            self.remoteCommunicationID = remoteCommunicationID
            self.rejected = rejected
            self.reason = reason
        }

        /// Which message is refused, a field of 2 bits.
        package enum Rejected: UInt8, Hashable, Sendable {
            case req = 0
            case rep = 1
            /// No message: the sender gives up waiting.
            case none = 2
            case reserved = 3

            /// Takes the low 2 bits of `value`.
            init(truncating value: UInt8) {
                switch value & 3 {
                case 0: self = .req
                case 1: self = .rep
                case 2: self = .none
                default: self = .reserved
                }
            }
        }
    }
}

// MARK: - Codec

extension CM.REJ {
    /// Encoded size in bytes.
    package static var byteCount: Int { CM.messageByteCount }

    private enum Offset {
        static var localCommunicationID: Int { 0 }
        static var remoteCommunicationID: Int { 4 }
        static var rejected: Int { 8 }
        static var additionalInformationByteCount: Int { 9 }
        static var reason: Int { 10 }
        static var additionalInformation: Int { 12 }
        static var privateData: Int { 84 }
    }

    /// Parses the message that begins at `offset`.
    package init(parsing bytes: RawSpan, at offset: Int = 0) throws(WireError) {
        try bytes.checkRoom(for: Self.byteCount, at: offset)
        let rejected: UInt8 = bytes.bigEndian(at: offset + Offset.rejected)
        let byteCount: UInt8 = bytes.bigEndian(at: offset + Offset.additionalInformationByteCount)
        self.localCommunicationID = bytes.bigEndian(at: offset + Offset.localCommunicationID)
        self.remoteCommunicationID = bytes.bigEndian(at: offset + Offset.remoteCommunicationID)
        self.rejected = Rejected(truncating: rejected.field(at: 6, width: 2))
        self.reason = CM.RejectReason(rawValue: bytes.bigEndian(at: offset + Offset.reason))
        self.additionalInformationByteCount = byteCount.field(at: 1, width: 7)
        self.additionalInformation = FixedBytes(bytes, at: offset + Offset.additionalInformation)
        self.privateData = FixedBytes(bytes, at: offset + Offset.privateData)
    }

    /// Writes the message at `offset`, reserved bits as zero.
    ///
    /// - Precondition: `bytes` holds `byteCount` bytes from `offset` on, and each value fits into its bits.
    package func encode(into bytes: inout MutableRawSpan, at offset: Int = 0) {
        precondition(bytes.byteCount - offset >= Self.byteCount, "no room for a REJ")
        bytes.store(bigEndian: self.localCommunicationID, at: offset + Offset.localCommunicationID)
        bytes.store(bigEndian: self.remoteCommunicationID, at: offset + Offset.remoteCommunicationID)
        bytes.store(bigEndian: self.rejected.rawValue.asField(at: 6, width: 2), at: offset + Offset.rejected)
        bytes.store(
            bigEndian: self.additionalInformationByteCount.asField(at: 1, width: 7),
            at: offset + Offset.additionalInformationByteCount
        )
        bytes.store(bigEndian: self.reason.rawValue, at: offset + Offset.reason)
        self.additionalInformation.encode(into: &bytes, at: offset + Offset.additionalInformation)
        self.privateData.encode(into: &bytes, at: offset + Offset.privateData)
    }
}
