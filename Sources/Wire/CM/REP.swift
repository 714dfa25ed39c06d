extension CM {
    /// Reply to request for communication: the peer accepts, and says what its side of the connection is.
    ///
    /// Specified in IBTA Volume 1, section 12.6.8; the vendor ID with enhanced connection establishment.
    ///
    /// | Bytes  | Contents                                                                                   |
    /// |--------|--------------------------------------------------------------------------------------------|
    /// | 0-3    | Local communication ID                                                                     |
    /// | 4-7    | Remote communication ID                                                                    |
    /// | 8-11   | Local Q_Key                                                                                |
    /// | 12-14  | Local QPN                                                                                  |
    /// | 15     | Vendor ID, upper byte                                                                      |
    /// | 16-18  | Local EECN                                                                                 |
    /// | 19     | Vendor ID, middle byte                                                                     |
    /// | 20-22  | Starting PSN                                                                               |
    /// | 23     | Vendor ID, lower byte                                                                      |
    /// | 24     | Responder resources                                                                        |
    /// | 25     | Initiator depth                                                                            |
    /// | 26     | Target ACK delay (5 bits), failover accepted (2), end-to-end flow control (1)              |
    /// | 27     | RNR retry count (3 bits), SRQ (1), reserved (4)                                            |
    /// | 28-35  | Local CA GUID                                                                              |
    /// | 36-231 | Private data                                                                               |
    package struct REP: Hashable, Sendable {
        package var localCommunicationID: UInt32
        package var remoteCommunicationID: UInt32
        /// Of a reliable datagram only.
        package var localQKey: UInt32 = 0
        package var localQPN: QPN
        /// Below 2^24. Whose options the attribute modifier of the datagram holds; 0 when it holds none.
        package var vendorID: UInt32 = 0
        /// Below 2^24.
        package var localEECN: UInt32 = 0
        package var startingPSN: PSN
        /// How many READs and atomics of the peer the sender can have in work.
        package var responderResources: UInt8 = 0
        /// How many READs and atomics the sender will have under way.
        package var initiatorDepth: UInt8 = 0
        /// How long the sender's adapter takes to acknowledge.
        package var targetACKDelay = ResponseTimeout(truncating: 0)
        package var failover = Failover.accepted
        package var hasEndToEndFlowControl = false
        /// Below 2^3. 7 is without end.
        package var rnrRetryCount: UInt8 = 0
        package var hasSRQ = false
        package var localCAGUID: UInt64 = 0
        package var privateData = FixedBytes<196>()

        /// Creates a reply of what no reply can be without. The rest has defaults, and is set afterwards.
        package init(localCommunicationID: UInt32, remoteCommunicationID: UInt32, localQPN: QPN, startingPSN: PSN) {
            self.localCommunicationID = localCommunicationID
            self.remoteCommunicationID = remoteCommunicationID
            self.localQPN = localQPN
            self.startingPSN = startingPSN
        }

        /// What became of the alternate path, a field of 2 bits.
        package enum Failover: UInt8, Hashable, Sendable {
            case accepted = 0
            /// The sender has no path migration.
            case notSupported = 1
            /// The sender has it, but not to that path.
            case rejected = 2
            case reserved = 3

            /// Takes the low 2 bits of `value`.
            init(truncating value: UInt8) {
                switch value & 3 {
                case 0: self = .accepted
                case 1: self = .notSupported
                case 2: self = .rejected
                default: self = .reserved
                }
            }
        }
    }
}

// MARK: - Codec

extension CM.REP {
    /// Encoded size in bytes.
    package static var byteCount: Int { CM.messageByteCount }

    private enum Offset {
        static var localCommunicationID: Int { 0 }
        static var remoteCommunicationID: Int { 4 }
        static var localQKey: Int { 8 }
        static var localQPN: Int { 12 }
        static var vendorIDUpper: Int { 15 }
        static var localEECN: Int { 16 }
        static var vendorIDMiddle: Int { 19 }
        static var startingPSN: Int { 20 }
        static var vendorIDLower: Int { 23 }
        static var responderResources: Int { 24 }
        static var initiatorDepth: Int { 25 }
        /// Target ACK delay, failover accepted, end-to-end flow control.
        static var delay: Int { 26 }
        /// RNR retry count, SRQ.
        static var retry: Int { 27 }
        static var localCAGUID: Int { 28 }
        static var privateData: Int { 36 }
    }

    /// Parses the message that begins at `offset`.
    package init(parsing bytes: RawSpan, at offset: Int = 0) throws(WireError) {
        try bytes.checkRoom(for: Self.byteCount, at: offset)
        let delay: UInt8 = bytes.bigEndian(at: offset + Offset.delay)
        let retry: UInt8 = bytes.bigEndian(at: offset + Offset.retry)
        self.localCommunicationID = bytes.bigEndian(at: offset + Offset.localCommunicationID)
        self.remoteCommunicationID = bytes.bigEndian(at: offset + Offset.remoteCommunicationID)
        self.localQKey = bytes.bigEndian(at: offset + Offset.localQKey)
        self.localQPN = QPN(truncating: bytes.bigEndian24(at: offset + Offset.localQPN))
        self.vendorID =
            UInt32(bytes.bigEndian(at: offset + Offset.vendorIDUpper, as: UInt8.self)) << 16
            | UInt32(bytes.bigEndian(at: offset + Offset.vendorIDMiddle, as: UInt8.self)) << 8
            | UInt32(bytes.bigEndian(at: offset + Offset.vendorIDLower, as: UInt8.self))
        self.localEECN = bytes.bigEndian24(at: offset + Offset.localEECN)
        self.startingPSN = PSN(truncating: bytes.bigEndian24(at: offset + Offset.startingPSN))
        self.responderResources = bytes.bigEndian(at: offset + Offset.responderResources)
        self.initiatorDepth = bytes.bigEndian(at: offset + Offset.initiatorDepth)
        self.targetACKDelay = CM.ResponseTimeout(truncating: delay.field(at: 3, width: 5))
        self.failover = Failover(truncating: delay.field(at: 1, width: 2))
        self.hasEndToEndFlowControl = delay.hasBit(0)
        self.rnrRetryCount = retry.field(at: 5, width: 3)
        self.hasSRQ = retry.hasBit(4)
        self.localCAGUID = bytes.bigEndian(at: offset + Offset.localCAGUID)
        self.privateData = FixedBytes(bytes, at: offset + Offset.privateData)
    }

    /// Writes the message at `offset`, reserved bits as zero.
    ///
    /// - Precondition: `bytes` holds `byteCount` bytes from `offset` on, and each value fits into its bits.
    package func encode(into bytes: inout MutableRawSpan, at offset: Int = 0) {
        precondition(bytes.byteCount - offset >= Self.byteCount, "no room for a REP")
        precondition(self.vendorID >> 24 == 0, "a vendor ID has 24 bits")
        let upper = UInt8(truncatingIfNeeded: self.vendorID >> 16)
        let middle = UInt8(truncatingIfNeeded: self.vendorID >> 8)
        let lower = UInt8(truncatingIfNeeded: self.vendorID)
        let delay =
            self.targetACKDelay.rawValue.asField(at: 3, width: 5) | self.failover.rawValue.asField(at: 1, width: 2)
            | self.hasEndToEndFlowControl.asBit(0)
        let retry = self.rnrRetryCount.asField(at: 5, width: 3) | self.hasSRQ.asBit(4)
        bytes.store(bigEndian: self.localCommunicationID, at: offset + Offset.localCommunicationID)
        bytes.store(bigEndian: self.remoteCommunicationID, at: offset + Offset.remoteCommunicationID)
        bytes.store(bigEndian: self.localQKey, at: offset + Offset.localQKey)
        bytes.store(bigEndian24: self.localQPN.rawValue, then: upper, at: offset + Offset.localQPN)
        bytes.store(bigEndian24: self.localEECN, then: middle, at: offset + Offset.localEECN)
        bytes.store(bigEndian24: self.startingPSN.rawValue, then: lower, at: offset + Offset.startingPSN)
        bytes.store(bigEndian: self.responderResources, at: offset + Offset.responderResources)
        bytes.store(bigEndian: self.initiatorDepth, at: offset + Offset.initiatorDepth)
        bytes.store(bigEndian: delay, at: offset + Offset.delay)
        bytes.store(bigEndian: retry, at: offset + Offset.retry)
        bytes.store(bigEndian: self.localCAGUID, at: offset + Offset.localCAGUID)
        self.privateData.encode(into: &bytes, at: offset + Offset.privateData)
    }
}
