@testable import Wire

/// The values of a message by the names that tshark's fields have, without the prefix `infiniband.cm.`.
struct CMFields {
    private(set) var values: [String: Value] = [:]

    enum Value: Hashable {
        case number(UInt64)
        /// Bytes without the zeros at their end, or an address.
        case text(String)
    }

    /// A value as tshark writes it.
    static func value(_ text: String) -> Value {
        if text.hasPrefix("0x"), let number = UInt64(text.dropFirst(2), radix: 16) { return .number(number) }
        // Bytes have two digits each; only numbers of LIDs are decimal.
        if text.count % 2 == 1 || text.count < 8, let number = UInt64(text) { return .number(number) }
        return .text(text)
    }

    init(_ datagram: CM.Datagram) {
        self.set("mad.transactionid", datagram.transactionID)
        self.set("mad.attributeid", datagram.message.attributeID)
        self.set("mad.attributemodifier", datagram.attributeModifier)
        switch datagram.message {
        case .req(let message): self.add(message)
        case .rep(let message): self.add(message)
        case .rej(let message): self.add(message)
        case .rtu(let message):
            self.set("rtu.localcommid", message.localCommunicationID)
            self.set("rtu.remotecommid", message.remoteCommunicationID)
            self.set("rtu.private", message.privateData.array)
        case .dreq(let message):
            self.set("dreq.localcommid", message.localCommunicationID)
            self.set("dreq.remotecommid", message.remoteCommunicationID)
            // tshark calls it so.
            self.set("req.remoteqpneecn", message.remoteQPN.rawValue)
            self.set("dreq.private", message.privateData.array)
        case .drep(let message):
            self.set("drsp.localcommid", message.localCommunicationID)
            self.set("drsp.remotecommid", message.remoteCommunicationID)
            self.set("drsp.private", message.privateData.array)
        // tshark knows nothing of their fields.
        case .mra, .sidrReq, .sidrRep: break
        }
    }

    private mutating func set(_ name: String, _ number: some UnsignedInteger) {
        self.values[name] = .number(UInt64(number))
    }

    private mutating func set(_ name: String, _ claim: Bool) {
        self.values[name] = .number(claim ? 1 : 0)
    }

    private mutating func set(_ name: String, _ bytes: some Sequence<UInt8>) {
        var bytes = Array(bytes)
        while bytes.last == 0 { bytes.removeLast() }
        self.values[name] = .text(Self.hex(bytes))
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// An address, as tshark shows it for IPv4 and for bytes.
    private mutating func set(_ name: String, ipv4 ipv4Name: String, _ address: GID) {
        let low = address.interfaceID
        self.values[ipv4Name] = .text("\(low >> 24 & 0xFF).\(low >> 16 & 0xFF).\(low >> 8 & 0xFF).\(low & 0xFF)")
        self.values[name] = .text(Self.hex(address.encoded()))
    }

    private mutating func add(_ message: CM.REQ) {
        self.set("req", message.localCommunicationID)
        self.set("req.serviceid", message.serviceID.rawValue)
        self.set("req.localcaguid", message.localCAGUID)
        self.set("req.localqkey", message.localQKey)
        self.set("req.localqpn", message.localQPN.rawValue)
        self.set("req.responderres", message.responderResources)
        self.set("req.localeecn", message.localEECN)
        self.set("req.initdepth", message.initiatorDepth)
        self.set("req.remoteeecn", message.remoteEECN)
        self.set("req.remoteresptout", message.remoteCMResponseTimeout.rawValue)
        self.set("req.transpsvctype", message.transportServiceType.rawValue)
        self.set("req.e2eflowctrl", message.hasEndToEndFlowControl)
        self.set("req.startpsn", message.startingPSN.rawValue)
        self.set("req.localresptout", message.localCMResponseTimeout.rawValue)
        self.set("req.retrcount", message.retryCount)
        self.set("req.pkey", message.pKey)
        self.set("req.pppmtu", message.pathMTUCode)
        self.set("req.rdcexist", message.hasRDC)
        self.set("req.rnrretrcount", message.rnrRetryCount)
        self.set("req.maxcmretr", message.cmRetriesMax)
        self.set("req.srq", message.hasSRQ)
        self.set("req.ext_transport", message.extendedTransportType)
        self.add(message.primaryPath, as: "req.prim")
        self.add(message.alternatePath, as: "req.alt")
        self.set("req.private", message.privateData.array)
        guard message.serviceID.isIP, let header = try? IPCMHeader(parsing: message.privateData.bytes) else { return }
        self.set("req.ip_cm.majv", 0 as UInt8)
        self.set("req.ip_cm.minv", 0 as UInt8)
        self.set("req.ip_cm.ipv", (header.family == .ipv4 ? 4 : 6) as UInt8)
        self.set("req.ip_cm.sport", header.sourcePort)
        self.set("req.ip_cm.sip6", ipv4: "req.ip_cm.sip4", header.source)
        self.set("req.ip_cm.dip6", ipv4: "req.ip_cm.dip4", header.destination)
        self.set("req.ip_cm.private", message.privateData.array.dropFirst(IPCMHeader.byteCount))
    }

    private mutating func add(_ path: CM.Path, as name: String) {
        self.set("\(name)_locallid", path.localLID)
        self.set("\(name)_remotelid", path.remoteLID)
        self.set("\(name)_localgid", ipv4: "\(name)_localgid_ipv4", path.localGID)
        self.set("\(name)_remotegid", ipv4: "\(name)_remotegid_ipv4", path.remoteGID)
        self.set("\(name)_flowlabel", path.flowLabel)
        self.set("\(name)_pktrate", path.packetRate)
        self.set("\(name)_tfcclass", path.trafficClass)
        self.set("\(name)_hoplim", path.hopLimit)
        self.set("\(name)_sl", path.serviceLevel)
        self.set("\(name)_subnetlocal", path.isSubnetLocal)
        self.set("\(name)_localacktout", path.localACKTimeout.rawValue)
    }

    private mutating func add(_ message: CM.REP) {
        self.set("rep", message.localCommunicationID)
        self.set("rep.remotecommid", message.remoteCommunicationID)
        self.set("rep.localqkey", message.localQKey)
        self.set("rep.localqpn", message.localQPN.rawValue)
        self.set("rep.localeecn", message.localEECN)
        self.set("rep.startpsn", message.startingPSN.rawValue)
        self.set("rep.respres", message.responderResources)
        self.set("rep.initdepth", message.initiatorDepth)
        self.set("rep.tgtackdelay", message.targetACKDelay.rawValue)
        self.set("rep.failoveracc", message.failover.rawValue)
        self.set("rep.e2eflowctrl", message.hasEndToEndFlowControl)
        self.set("rep.rnrretrcount", message.rnrRetryCount)
        self.set("rep.srq", message.hasSRQ)
        self.set("rep.localcaguid", message.localCAGUID)
        self.set("rep.private", message.privateData.array)
    }

    private mutating func add(_ message: CM.REJ) {
        self.set("rej.localcommid", message.localCommunicationID)
        self.set("rej.remotecommid", message.remoteCommunicationID)
        self.set("rej.msgrej", message.rejected.rawValue)
        self.set("rej.rejinfolen", message.additionalInformationByteCount)
        self.set("rej.reason", message.reason.rawValue)
        self.set("rej.ari", message.additionalInformation.array)
        self.set("rej.private", message.privateData.array)
    }
}
