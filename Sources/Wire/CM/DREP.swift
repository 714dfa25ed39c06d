extension CM {
    /// Reply to request for communication release: the connection is gone on both sides.
    ///
    /// Specified in IBTA Volume 1, section 12.6.11.
    ///
    /// | Bytes  | Contents                |
    /// |--------|-------------------------|
    /// | 0-3    | Local communication ID  |
    /// | 4-7    | Remote communication ID |
    /// | 8-231  | Private data            |
    package struct DREP: Hashable, Sendable {
        package var localCommunicationID: UInt32
        package var remoteCommunicationID: UInt32
        package var privateData = FixedBytes<224>()

        package init(localCommunicationID: UInt32, remoteCommunicationID: UInt32) {
            self.localCommunicationID = localCommunicationID
            self.remoteCommunicationID = remoteCommunicationID
        }
    }
}

// MARK: - Codec

extension CM.DREP {
    /// Encoded size in bytes.
    package static var byteCount: Int { CM.messageByteCount }

    private enum Offset {
        static var localCommunicationID: Int { 0 }
        static var remoteCommunicationID: Int { 4 }
        static var privateData: Int { 8 }
    }

    /// Parses the message that begins at `offset`.
    package init(parsing bytes: RawSpan, at offset: Int = 0) throws(WireError) {
        try bytes.checkRoom(for: Self.byteCount, at: offset)
        self.localCommunicationID = bytes.bigEndian(at: offset + Offset.localCommunicationID)
        self.remoteCommunicationID = bytes.bigEndian(at: offset + Offset.remoteCommunicationID)
        self.privateData = FixedBytes(bytes, at: offset + Offset.privateData)
    }

    /// Writes the message at `offset`.
    ///
    /// - Precondition: `bytes` holds `byteCount` bytes from `offset` on.
    package func encode(into bytes: inout MutableRawSpan, at offset: Int = 0) {
        precondition(bytes.byteCount - offset >= Self.byteCount, "no room for a DREP")
        bytes.store(bigEndian: self.localCommunicationID, at: offset + Offset.localCommunicationID)
        bytes.store(bigEndian: self.remoteCommunicationID, at: offset + Offset.remoteCommunicationID)
        self.privateData.encode(into: &bytes, at: offset + Offset.privateData)
    }
}
