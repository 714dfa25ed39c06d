extension CM {
    /// Message receipt acknowledgement: a message has come, and its answer takes longer than was promised.
    ///
    /// Specified in IBTA Volume 1, section 12.6.6.
    ///
    /// | Bytes  | Contents                               |
    /// |--------|----------------------------------------|
    /// | 0-3    | Local communication ID                 |
    /// | 4-7    | Remote communication ID                |
    /// | 8      | Message MRAed (2 bits), reserved (6)   |
    /// | 9      | Service timeout (5 bits), reserved (3) |
    /// | 10-231 | Private data                           |
    package struct MRA: Hashable, Sendable {
        package var localCommunicationID: UInt32
        package var remoteCommunicationID: UInt32
        package var acknowledged: Acknowledged
        /// Within which the answer will come, from now on.
        package var serviceTimeout: ResponseTimeout
        package var privateData = FixedBytes<222>()

        package init(
            localCommunicationID: UInt32,
            remoteCommunicationID: UInt32,
            acknowledged: Acknowledged,
            serviceTimeout: ResponseTimeout
        ) {
            self.localCommunicationID = localCommunicationID
            self.remoteCommunicationID = remoteCommunicationID
            self.acknowledged = acknowledged
            self.serviceTimeout = serviceTimeout
        }

        /// Which message has come, a field of 2 bits.
        package enum Acknowledged: UInt8, Hashable, Sendable {
            case req = 0
            case rep = 1
            case lap = 2
            case reserved = 3

            /// Takes the low 2 bits of `value`.
            init(truncating value: UInt8) {
                switch value & 3 {
                case 0: self = .req
                case 1: self = .rep
                case 2: self = .lap
                default: self = .reserved
                }
            }
        }
    }
}

// MARK: - Codec

extension CM.MRA {
    /// Encoded size in bytes.
    package static var byteCount: Int { CM.messageByteCount }

    private enum Offset {
        static var localCommunicationID: Int { 0 }
        static var remoteCommunicationID: Int { 4 }
        static var acknowledged: Int { 8 }
        static var serviceTimeout: Int { 9 }
        static var privateData: Int { 10 }
    }

    /// Parses the message that begins at `offset`.
    package init(parsing bytes: RawSpan, at offset: Int = 0) throws(WireError) {
        try bytes.checkRoom(for: Self.byteCount, at: offset)
        let acknowledged: UInt8 = bytes.bigEndian(at: offset + Offset.acknowledged)
        let timeout: UInt8 = bytes.bigEndian(at: offset + Offset.serviceTimeout)
        self.localCommunicationID = bytes.bigEndian(at: offset + Offset.localCommunicationID)
        self.remoteCommunicationID = bytes.bigEndian(at: offset + Offset.remoteCommunicationID)
        self.acknowledged = Acknowledged(truncating: acknowledged.field(at: 6, width: 2))
        self.serviceTimeout = CM.ResponseTimeout(truncating: timeout.field(at: 3, width: 5))
        self.privateData = FixedBytes(bytes, at: offset + Offset.privateData)
    }

    /// Writes the message at `offset`, reserved bits as zero.
    ///
    /// - Precondition: `bytes` holds `byteCount` bytes from `offset` on.
    package func encode(into bytes: inout MutableRawSpan, at offset: Int = 0) {
        precondition(bytes.byteCount - offset >= Self.byteCount, "no room for an MRA")
        bytes.store(bigEndian: self.localCommunicationID, at: offset + Offset.localCommunicationID)
        bytes.store(bigEndian: self.remoteCommunicationID, at: offset + Offset.remoteCommunicationID)
        bytes.store(
            bigEndian: self.acknowledged.rawValue.asField(at: 6, width: 2),
            at: offset + Offset.acknowledged
        )
        bytes.store(
            bigEndian: self.serviceTimeout.rawValue.asField(at: 3, width: 5),
            at: offset + Offset.serviceTimeout
        )
        self.privateData.encode(into: &bytes, at: offset + Offset.privateData)
    }
}
