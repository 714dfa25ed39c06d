extension CM {
    /// Request for communication: asks the peer's manager for a connection to a service.
    ///
    /// Specified in IBTA Volume 1, section 12.6.5; the vendor ID with enhanced connection establishment.
    ///
    /// | Bytes   | Contents                                                                           |
    /// |---------|------------------------------------------------------------------------------------|
    /// | 0-3     | Local communication ID                                                             |
    /// | 4       | Reserved                                                                           |
    /// | 5-7     | Vendor ID                                                                          |
    /// | 8-15    | Service ID                                                                         |
    /// | 16-23   | Local CA GUID                                                                      |
    /// | 24-27   | Reserved                                                                           |
    /// | 28-31   | Local Q_Key                                                                        |
    /// | 32-34   | Local QPN                                                                          |
    /// | 35      | Responder resources                                                                |
    /// | 36-38   | Local EECN                                                                         |
    /// | 39      | Initiator depth                                                                    |
    /// | 40-42   | Remote EECN                                                                        |
    /// | 43      | Remote CM response timeout (5 bits), transport service type (2), end-to-end flow control (1) |
    /// | 44-46   | Starting PSN                                                                       |
    /// | 47      | Local CM response timeout (5 bits), retry count (3)                                |
    /// | 48-49   | P_Key                                                                              |
    /// | 50      | Path packet payload MTU (4 bits), RDC exists (1), RNR retry count (3)              |
    /// | 51      | Max CM retries (4 bits), SRQ (1), extended transport type (3)                      |
    /// | 52-95   | Primary path                                                                       |
    /// | 96-139  | Alternate path                                                                     |
    /// | 140-231 | Private data                                                                       |
    package struct REQ: Hashable, Sendable {
        package var localCommunicationID: UInt32
        /// Below 2^24. Whose options the attribute modifier of the datagram holds; 0 when it holds none.
        package var vendorID: UInt32 = 0
        package var serviceID: ServiceID
        package var localCAGUID: UInt64 = 0
        /// Of a reliable datagram only.
        package var localQKey: UInt32 = 0
        package var localQPN: QPN
        /// How many READs and atomics of the peer the sender can have in work.
        package var responderResources: UInt8 = 0
        /// Below 2^24. An end-to-end context of reliable datagrams.
        package var localEECN: UInt32 = 0
        /// How many READs and atomics the sender wants to have under way.
        package var initiatorDepth: UInt8 = 0
        /// Below 2^24.
        package var remoteEECN: UInt32 = 0
        /// Within which the receiver of this message is to answer it.
        package var remoteCMResponseTimeout = ResponseTimeout(truncating: 0)
        package var transportServiceType: TransportServiceType
        package var hasEndToEndFlowControl = false
        package var startingPSN: PSN
        /// Within which the sender will answer what comes back.
        package var localCMResponseTimeout = ResponseTimeout(truncating: 0)
        /// Below 2^3. How often the queue pair of the receiver is to send again.
        package var retryCount: UInt8 = 0
        package var pKey: UInt16 = 0xFFFF
        /// Below 2^4. The code of the path MTU: 1 for 256 bytes … 5 for 4096.
        package var pathMTUCode: UInt8
        package var hasRDC = false
        /// Below 2^3. 7 is without end.
        package var rnrRetryCount: UInt8 = 0
        /// Below 2^4. How often each message is sent again when no answer comes.
        package var cmRetriesMax: UInt8 = 0
        package var hasSRQ = false
        /// Below 2^3. What service `TransportServiceType.extended` is: 1 is XRC.
        package var extendedTransportType: UInt8 = 0
        package var primaryPath: Path
        /// All zero where there is none.
        package var alternatePath = Path()
        package var privateData = FixedBytes<92>()

        /// Creates a request of what no request can be without. The rest has defaults, and is set afterwards.
        package init(
            localCommunicationID: UInt32,
            serviceID: ServiceID,
            localQPN: QPN,
            startingPSN: PSN,
            transportServiceType: TransportServiceType = .rc,
            pathMTUCode: UInt8,
            primaryPath: Path
        ) {
            self.localCommunicationID = localCommunicationID
            self.serviceID = serviceID
            self.localQPN = localQPN
            self.startingPSN = startingPSN
            self.transportServiceType = transportServiceType
            self.pathMTUCode = pathMTUCode
            self.primaryPath = primaryPath
        }

        /// The service of the connection, a field of 2 bits.
        package enum TransportServiceType: UInt8, Hashable, Sendable {
            case rc = 0
            case uc = 1
            case rd = 2
            /// The one that the extended transport type names.
            case extended = 3

            /// Takes the low 2 bits of `value`.
            init(truncating value: UInt8) {
                switch value & 3 {
                case 0: self = .rc
                case 1: self = .uc
                case 2: self = .rd
                default: self = .extended
                }
            }
        }
    }
}

// MARK: - Codec

extension CM.REQ {
    /// Encoded size in bytes.
    package static var byteCount: Int { CM.messageByteCount }

    private enum Offset {
        static var localCommunicationID: Int { 0 }
        /// A reserved byte and the vendor ID, read as one word.
        static var vendorID: Int { 4 }
        static var serviceID: Int { 8 }
        static var localCAGUID: Int { 16 }
        static var reserved: Int { 24 }
        static var localQKey: Int { 28 }
        static var localQPN: Int { 32 }
        static var responderResources: Int { 35 }
        static var localEECN: Int { 36 }
        static var initiatorDepth: Int { 39 }
        static var remoteEECN: Int { 40 }
        /// Remote CM response timeout, transport service type, end-to-end flow control.
        static var service: Int { 43 }
        static var startingPSN: Int { 44 }
        /// Local CM response timeout, retry count.
        static var retry: Int { 47 }
        static var pKey: Int { 48 }
        /// Path MTU, RDC exists, RNR retry count.
        static var mtu: Int { 50 }
        /// Max CM retries, SRQ, extended transport type.
        static var retriesMax: Int { 51 }
        static var primaryPath: Int { 52 }
        static var alternatePath: Int { 96 }
        static var privateData: Int { 140 }
    }

    /// Parses the message that begins at `offset`.
    package init(parsing bytes: RawSpan, at offset: Int = 0) throws(WireError) {
        try bytes.checkRoom(for: Self.byteCount, at: offset)
        let service: UInt8 = bytes.bigEndian(at: offset + Offset.service)
        let retry: UInt8 = bytes.bigEndian(at: offset + Offset.retry)
        let mtu: UInt8 = bytes.bigEndian(at: offset + Offset.mtu)
        let retriesMax: UInt8 = bytes.bigEndian(at: offset + Offset.retriesMax)
        self.localCommunicationID = bytes.bigEndian(at: offset + Offset.localCommunicationID)
        self.vendorID = bytes.bigEndian(at: offset + Offset.vendorID, as: UInt32.self).field(at: 0, width: 24)
        self.serviceID = ServiceID(rawValue: bytes.bigEndian(at: offset + Offset.serviceID))
        self.localCAGUID = bytes.bigEndian(at: offset + Offset.localCAGUID)
        self.localQKey = bytes.bigEndian(at: offset + Offset.localQKey)
        self.localQPN = QPN(truncating: bytes.bigEndian24(at: offset + Offset.localQPN))
        self.responderResources = bytes.bigEndian(at: offset + Offset.responderResources)
        self.localEECN = bytes.bigEndian24(at: offset + Offset.localEECN)
        self.initiatorDepth = bytes.bigEndian(at: offset + Offset.initiatorDepth)
        self.remoteEECN = bytes.bigEndian24(at: offset + Offset.remoteEECN)
        self.remoteCMResponseTimeout = CM.ResponseTimeout(truncating: service.field(at: 3, width: 5))
        self.transportServiceType = TransportServiceType(truncating: service.field(at: 1, width: 2))
        self.hasEndToEndFlowControl = service.hasBit(0)
        self.startingPSN = PSN(truncating: bytes.bigEndian24(at: offset + Offset.startingPSN))
        self.localCMResponseTimeout = CM.ResponseTimeout(truncating: retry.field(at: 3, width: 5))
        self.retryCount = retry.field(at: 0, width: 3)
        self.pKey = bytes.bigEndian(at: offset + Offset.pKey)
        self.pathMTUCode = mtu.field(at: 4, width: 4)
        self.hasRDC = mtu.hasBit(3)
        self.rnrRetryCount = mtu.field(at: 0, width: 3)
        self.cmRetriesMax = retriesMax.field(at: 4, width: 4)
        self.hasSRQ = retriesMax.hasBit(3)
        self.extendedTransportType = retriesMax.field(at: 0, width: 3)
        self.primaryPath = try CM.Path(parsing: bytes, at: offset + Offset.primaryPath)
        self.alternatePath = try CM.Path(parsing: bytes, at: offset + Offset.alternatePath)
        self.privateData = FixedBytes(bytes, at: offset + Offset.privateData)
    }

    /// Writes the message at `offset`, reserved bits as zero.
    ///
    /// - Precondition: `bytes` holds `byteCount` bytes from `offset` on, and each value fits into its bits.
    package func encode(into bytes: inout MutableRawSpan, at offset: Int = 0) {
        precondition(bytes.byteCount - offset >= Self.byteCount, "no room for a REQ")
        bytes.store(bigEndian: self.localCommunicationID, at: offset + Offset.localCommunicationID)
        bytes.store(bigEndian: self.vendorID.asField(at: 0, width: 24), at: offset + Offset.vendorID)
        bytes.store(bigEndian: self.serviceID.rawValue, at: offset + Offset.serviceID)
        bytes.store(bigEndian: self.localCAGUID, at: offset + Offset.localCAGUID)
        bytes.store(bigEndian: UInt32(0), at: offset + Offset.reserved)
        bytes.store(bigEndian: self.localQKey, at: offset + Offset.localQKey)
        bytes.store(
            bigEndian24: self.localQPN.rawValue,
            then: self.responderResources,
            at: offset + Offset.localQPN
        )
        bytes.store(bigEndian24: self.localEECN, then: self.initiatorDepth, at: offset + Offset.localEECN)
        bytes.store(bigEndian24: self.remoteEECN, then: self.serviceByte, at: offset + Offset.remoteEECN)
        bytes.store(bigEndian24: self.startingPSN.rawValue, then: self.retryByte, at: offset + Offset.startingPSN)
        bytes.store(bigEndian: self.pKey, at: offset + Offset.pKey)
        bytes.store(bigEndian: self.mtuByte, at: offset + Offset.mtu)
        bytes.store(bigEndian: self.retriesMaxByte, at: offset + Offset.retriesMax)
        self.primaryPath.encode(into: &bytes, at: offset + Offset.primaryPath)
        self.alternatePath.encode(into: &bytes, at: offset + Offset.alternatePath)
        self.privateData.encode(into: &bytes, at: offset + Offset.privateData)
    }

    private var serviceByte: UInt8 {
        self.remoteCMResponseTimeout.rawValue.asField(at: 3, width: 5)
            | self.transportServiceType.rawValue.asField(at: 1, width: 2)
            | self.hasEndToEndFlowControl.asBit(0)
    }

    private var retryByte: UInt8 {
        self.localCMResponseTimeout.rawValue.asField(at: 3, width: 5) | self.retryCount.asField(at: 0, width: 3)
    }

    private var mtuByte: UInt8 {
        self.pathMTUCode.asField(at: 4, width: 4) | self.hasRDC.asBit(3) | self.rnrRetryCount.asField(at: 0, width: 3)
    }

    private var retriesMaxByte: UInt8 {
        self.cmRetriesMax.asField(at: 4, width: 4) | self.hasSRQ.asBit(3)
            | self.extendedTransportType.asField(at: 0, width: 3)
    }
}
