extension CM {
    /// A path that a REQ proposes: how packets get from one port to the other.
    ///
    /// Specified in IBTA Volume 1, section 12.6.5, where it stands once as the primary and once as the alternate path.
    ///
    /// | Bytes | Contents                                               |
    /// |-------|--------------------------------------------------------|
    /// | 0-1   | Local port LID                                         |
    /// | 2-3   | Remote port LID                                        |
    /// | 4-19  | Local port GID                                         |
    /// | 20-35 | Remote port GID                                        |
    /// | 36-39 | Flow label (20 bits), reserved (6), packet rate (6)    |
    /// | 40    | Traffic class                                          |
    /// | 41    | Hop limit                                              |
    /// | 42    | SL (4 bits), subnet local (1), reserved (3)            |
    /// | 43    | Local ACK timeout (5 bits), reserved (3)               |
    package struct Path: Hashable, Sendable {
        /// RoCE has no LIDs; Linux says 0xFFFF.
        package var localLID: UInt16
        package var remoteLID: UInt16
        package var localGID: GID
        package var remoteGID: GID
        /// Below 2^20.
        package var flowLabel: UInt32
        /// Below 2^6. The code of a static rate, as in an address handle.
        package var packetRate: UInt8
        package var trafficClass: UInt8
        package var hopLimit: UInt8
        /// Below 2^4.
        package var serviceLevel: UInt8
        /// Packets need no global route, as they stay in the subnet.
        package var isSubnetLocal: Bool
        package var localACKTimeout: LocalACKTimeout

        /// Creates a path, by default the path that says nothing: no alternate path.
        package init(
            localLID: UInt16 = 0,
            remoteLID: UInt16 = 0,
            localGID: GID = .zero,
            remoteGID: GID = .zero,
            flowLabel: UInt32 = 0,
            packetRate: UInt8 = 0,
            trafficClass: UInt8 = 0,
            hopLimit: UInt8 = 0,
            serviceLevel: UInt8 = 0,
            isSubnetLocal: Bool = false,
            localACKTimeout: LocalACKTimeout = LocalACKTimeout(truncating: 0)
        ) {
            self.localLID = localLID
            self.remoteLID = remoteLID
            self.localGID = localGID
            self.remoteGID = remoteGID
            self.flowLabel = flowLabel
            self.packetRate = packetRate
            self.trafficClass = trafficClass
            self.hopLimit = hopLimit
            self.serviceLevel = serviceLevel
            self.isSubnetLocal = isSubnetLocal
            self.localACKTimeout = localACKTimeout
        }
    }
}

// MARK: - Codec

extension CM.Path {
    /// Encoded size in bytes.
    package static var byteCount: Int { 44 }

    private enum Offset {
        static var localLID: Int { 0 }
        static var remoteLID: Int { 2 }
        static var localGID: Int { 4 }
        static var remoteGID: Int { 20 }
        /// Flow label and packet rate, read as one word.
        static var flow: Int { 36 }
        static var trafficClass: Int { 40 }
        static var hopLimit: Int { 41 }
        static var serviceLevel: Int { 42 }
        static var localACKTimeout: Int { 43 }
    }

    /// Parses the path that begins at `offset`.
    package init(parsing bytes: RawSpan, at offset: Int = 0) throws(WireError) {
        try bytes.checkRoom(for: Self.byteCount, at: offset)
        let flow: UInt32 = bytes.bigEndian(at: offset + Offset.flow)
        let level: UInt8 = bytes.bigEndian(at: offset + Offset.serviceLevel)
        let timeout: UInt8 = bytes.bigEndian(at: offset + Offset.localACKTimeout)
        self.localLID = bytes.bigEndian(at: offset + Offset.localLID)
        self.remoteLID = bytes.bigEndian(at: offset + Offset.remoteLID)
        self.localGID = try GID(parsing: bytes, at: offset + Offset.localGID)
        self.remoteGID = try GID(parsing: bytes, at: offset + Offset.remoteGID)
        self.flowLabel = flow.field(at: 12, width: 20)
        self.packetRate = UInt8(truncatingIfNeeded: flow.field(at: 0, width: 6))
        self.trafficClass = bytes.bigEndian(at: offset + Offset.trafficClass)
        self.hopLimit = bytes.bigEndian(at: offset + Offset.hopLimit)
        self.serviceLevel = level.field(at: 4, width: 4)
        self.isSubnetLocal = level.hasBit(3)
        self.localACKTimeout = LocalACKTimeout(truncating: timeout.field(at: 3, width: 5))
    }

    /// Writes the path at `offset`, reserved bits as zero.
    ///
    /// - Precondition: `bytes` holds `byteCount` bytes from `offset` on, and each value fits into its bits.
    package func encode(into bytes: inout MutableRawSpan, at offset: Int = 0) {
        precondition(bytes.byteCount - offset >= Self.byteCount, "no room for a path")
        let flow = self.flowLabel.asField(at: 12, width: 20) | UInt32(self.packetRate.asField(at: 0, width: 6))
        let level = self.serviceLevel.asField(at: 4, width: 4) | self.isSubnetLocal.asBit(3)
        bytes.store(bigEndian: self.localLID, at: offset + Offset.localLID)
        bytes.store(bigEndian: self.remoteLID, at: offset + Offset.remoteLID)
        self.localGID.encode(into: &bytes, at: offset + Offset.localGID)
        self.remoteGID.encode(into: &bytes, at: offset + Offset.remoteGID)
        bytes.store(bigEndian: flow, at: offset + Offset.flow)
        bytes.store(bigEndian: self.trafficClass, at: offset + Offset.trafficClass)
        bytes.store(bigEndian: self.hopLimit, at: offset + Offset.hopLimit)
        bytes.store(bigEndian: level, at: offset + Offset.serviceLevel)
        bytes.store(
            bigEndian: self.localACKTimeout.rawValue.asField(at: 3, width: 5),
            at: offset + Offset.localACKTimeout
        )
    }
}
