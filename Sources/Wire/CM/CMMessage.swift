extension CM {
    /// One of the messages.
    package enum Message: Hashable, Sendable {
        case req(REQ)
        case mra(MRA)
        case rej(REJ)
        case rep(REP)
        case rtu(RTU)
        case dreq(DREQ)
        case drep(DREP)
        case sidrReq(SIDRREQ)
        case sidrRep(SIDRREP)
    }
}

// MARK: - Codec

extension CM.Message {
    /// Which message it is, in the MAD header. IBTA Volume 1, section 16.7.3.
    private enum AttributeID {
        static var req: UInt16 { 0x0010 }
        static var mra: UInt16 { 0x0011 }
        static var rej: UInt16 { 0x0012 }
        static var rep: UInt16 { 0x0013 }
        static var rtu: UInt16 { 0x0014 }
        static var dreq: UInt16 { 0x0015 }
        static var drep: UInt16 { 0x0016 }
        static var sidrReq: UInt16 { 0x0017 }
        static var sidrRep: UInt16 { 0x0018 }
    }

    /// The attribute ID of the MAD header.
    package var attributeID: UInt16 {
        switch self {
        case .req: AttributeID.req
        case .mra: AttributeID.mra
        case .rej: AttributeID.rej
        case .rep: AttributeID.rep
        case .rtu: AttributeID.rtu
        case .dreq: AttributeID.dreq
        case .drep: AttributeID.drep
        case .sidrReq: AttributeID.sidrReq
        case .sidrRep: AttributeID.sidrRep
        }
    }

    /// Parses the message that begins at `offset`. Throws for an attribute that is no message, or not one that is known here.
    package init(attributeID: UInt16, parsing bytes: RawSpan, at offset: Int = 0) throws(WireError) {
        switch attributeID {
        case AttributeID.req: self = .req(try CM.REQ(parsing: bytes, at: offset))
        case AttributeID.mra: self = .mra(try CM.MRA(parsing: bytes, at: offset))
        case AttributeID.rej: self = .rej(try CM.REJ(parsing: bytes, at: offset))
        case AttributeID.rep: self = .rep(try CM.REP(parsing: bytes, at: offset))
        case AttributeID.rtu: self = .rtu(try CM.RTU(parsing: bytes, at: offset))
        case AttributeID.dreq: self = .dreq(try CM.DREQ(parsing: bytes, at: offset))
        case AttributeID.drep: self = .drep(try CM.DREP(parsing: bytes, at: offset))
        case AttributeID.sidrReq: self = .sidrReq(try CM.SIDRREQ(parsing: bytes, at: offset))
        case AttributeID.sidrRep: self = .sidrRep(try CM.SIDRREP(parsing: bytes, at: offset))
        default: throw .unsupportedManagementAttribute(attributeID)
        }
    }

    /// Writes the message at `offset`, reserved bits as zero.
    ///
    /// - Precondition: `bytes` holds `CM.messageByteCount` bytes from `offset` on.
    package func encode(into bytes: inout MutableRawSpan, at offset: Int = 0) {
        switch self {
        case .req(let message): message.encode(into: &bytes, at: offset)
        case .mra(let message): message.encode(into: &bytes, at: offset)
        case .rej(let message): message.encode(into: &bytes, at: offset)
        case .rep(let message): message.encode(into: &bytes, at: offset)
        case .rtu(let message): message.encode(into: &bytes, at: offset)
        case .dreq(let message): message.encode(into: &bytes, at: offset)
        case .drep(let message): message.encode(into: &bytes, at: offset)
        case .sidrReq(let message): message.encode(into: &bytes, at: offset)
        case .sidrRep(let message): message.encode(into: &bytes, at: offset)
        }
    }
}
