extension CM {
    /// Request for communication release: the sender ends a connection.
    ///
    /// Specified in IBTA Volume 1, section 12.6.10.
    ///
    /// | Bytes  | Contents                |
    /// |--------|-------------------------|
    /// | 0-3    | Local communication ID  |
    /// | 4-7    | Remote communication ID |
    /// | 8-10   | Remote QPN or EECN      |
    /// | 11     | Reserved                |
    /// | 12-231 | Private data            |
    package struct DREQ: Hashable, Sendable {
        package var localCommunicationID: UInt32
        package var remoteCommunicationID: UInt32
        /// The receiver's queue pair, so that nobody ends a connection whose numbers were guessed or are stale.
        package var remoteQPN: QPN
        package var privateData = FixedBytes<220>()

        package init(localCommunicationID: UInt32, remoteCommunicationID: UInt32, remoteQPN: QPN) {
            self.localCommunicationID = localCommunicationID
            self.remoteCommunicationID = remoteCommunicationID
            self.remoteQPN = remoteQPN
        }
    }
}

// MARK: - Codec

extension CM.DREQ {
    /// Encoded size in bytes.
    package static var byteCount: Int { CM.messageByteCount }

    private enum Offset {
        static var localCommunicationID: Int { 0 }
        static var remoteCommunicationID: Int { 4 }
        static var remoteQPN: Int { 8 }
        static var privateData: Int { 12 }
    }

    /// Parses the message that begins at `offset`.
    package init(parsing bytes: RawSpan, at offset: Int = 0) throws(WireError) {
        try bytes.checkRoom(for: Self.byteCount, at: offset)
        self.localCommunicationID = bytes.bigEndian(at: offset + Offset.localCommunicationID)
        self.remoteCommunicationID = bytes.bigEndian(at: offset + Offset.remoteCommunicationID)
        self.remoteQPN = QPN(truncating: bytes.bigEndian24(at: offset + Offset.remoteQPN))
        self.privateData = FixedBytes(bytes, at: offset + Offset.privateData)
    }

    /// Writes the message at `offset`, reserved bits as zero.
    ///
    /// - Precondition: `bytes` holds `byteCount` bytes from `offset` on.
    package func encode(into bytes: inout MutableRawSpan, at offset: Int = 0) {
        precondition(bytes.byteCount - offset >= Self.byteCount, "no room for a DREQ")
        bytes.store(bigEndian: self.localCommunicationID, at: offset + Offset.localCommunicationID)
        bytes.store(bigEndian: self.remoteCommunicationID, at: offset + Offset.remoteCommunicationID)
        bytes.store(bigEndian24: self.remoteQPN.rawValue, then: 0, at: offset + Offset.remoteQPN)
        self.privateData.encode(into: &bytes, at: offset + Offset.privateData)
    }
}
