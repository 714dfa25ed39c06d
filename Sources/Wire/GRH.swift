/// The 40 bytes that stand before a datagram in a UD receive buffer: where the datagram came from.
///
/// Specified in IBTA Volume 1, section 8.3, and Annex A17 for RoCEv2. Over IPv6 it is the IPv6 header. Over IPv4 the last
/// 20 bytes are the IPv4 header and the first 20 are undefined, zero in ours. It is not a header of RoCEv2 packets.
///
/// | Bytes | IPv6 form                                            | IPv4 form                        |
/// |-------|------------------------------------------------------|----------------------------------|
/// | 0-3   | Version (4 bits), traffic class (8), flow label (20) | Undefined                        |
/// | 4-5   | Payload length                                       | Undefined                        |
/// | 6     | Next header                                          | Undefined                        |
/// | 7     | Hop limit                                            | Undefined                        |
/// | 8-19  | Source GID, 12 of its 16 bytes                       | Undefined                        |
/// | 20-23 | Source GID, the rest                                 | 0x45, TOS, total length          |
/// | 24-27 | Destination GID                                      | Identification, flags, offset    |
/// | 28-31 | Destination GID                                      | TTL, protocol, header checksum   |
/// | 32-35 | Destination GID                                      | Source address                   |
/// | 36-39 | Destination GID                                      | Destination address              |
package struct GRH: Hashable, Sendable {
    package var family: IPFamily
    package var trafficClass: UInt8
    /// Below 2^20. The IPv4 form has none.
    package var flowLabel: UInt32
    /// Length in bytes of what followed the header on the wire, the UDP header and the ICRC counted.
    package var payloadByteCount: UInt16
    /// 17 for UDP.
    package var nextHeader: UInt8
    package var hopLimit: UInt8
    /// The IPv6 form has none.
    package var identification: UInt16
    package var sourceGID: GID
    package var destinationGID: GID

    /// Creates a header in the IPv4 form when both addresses are IPv4-mapped, else in the IPv6 form.
    ///
    /// - Precondition: `flowLabel` is below 2^20.
    package init(
        trafficClass: UInt8 = 0,
        flowLabel: UInt32 = 0,
        payloadByteCount: UInt16,
        nextHeader: UInt8 = 17,
        hopLimit: UInt8 = 64,
        identification: UInt16 = 0,
        sourceGID: GID,
        destinationGID: GID
    ) {
        precondition(flowLabel < 1 << 20, "the flow label is a 20-bit field")
        self.family = sourceGID.family == .ipv4 && destinationGID.family == .ipv4 ? .ipv4 : .ipv6
        self.trafficClass = trafficClass
        self.flowLabel = flowLabel
        self.payloadByteCount = payloadByteCount
        self.nextHeader = nextHeader
        self.hopLimit = hopLimit
        self.identification = identification
        self.sourceGID = sourceGID
        self.destinationGID = destinationGID
    }
}

// MARK: - Codec

extension GRH {
    /// Encoded size in bytes, in either form.
    package static var byteCount: Int { 40 }

    /// Offsets of the IPv6 form.
    private enum IPv6Offset {
        /// Version, traffic class and flow label, read as one word.
        static var flow: Int { 0 }
        static var payloadByteCount: Int { 4 }
        static var nextHeader: Int { 6 }
        static var hopLimit: Int { 7 }
        static var sourceGID: Int { 8 }
        static var destinationGID: Int { 24 }
    }

    /// Offsets of the IPv4 form.
    private enum IPv4Offset {
        static var header: Int { 20 }
        /// Version, header length and type of service, read as one word.
        static var typeOfService: Int { 20 }
        static var totalByteCount: Int { 22 }
        static var identification: Int { 24 }
        static var flags: Int { 26 }
        static var timeToLive: Int { 28 }
        static var nextHeader: Int { 29 }
        static var checksum: Int { 30 }
        static var source: Int { 32 }
        static var destination: Int { 36 }
    }

    /// Parses the header at the start of `bytes`.
    ///
    /// The first 20 bytes of the IPv4 form may be anything, also what looks like IPv6. So it is IPv4 when an IPv4 header
    /// with the right checksum stands in the last 20.
    package init(parsing bytes: RawSpan) throws(WireError) {
        try bytes.checkRoom(for: Self.byteCount, at: 0)
        let version: UInt8 = bytes.bigEndian(at: 0, as: UInt8.self) >> 4
        let typeOfService: UInt16 = bytes.bigEndian(at: IPv4Offset.typeOfService)
        let totalByteCount: UInt16 = bytes.bigEndian(at: IPv4Offset.totalByteCount)
        if typeOfService >> 8 == 0x45, totalByteCount >= 20, bytes.ipv4Checksum(at: IPv4Offset.header) == 0 {
            self.init(
                trafficClass: UInt8(truncatingIfNeeded: typeOfService),
                payloadByteCount: totalByteCount - 20,
                nextHeader: bytes.bigEndian(at: IPv4Offset.nextHeader),
                hopLimit: bytes.bigEndian(at: IPv4Offset.timeToLive),
                identification: bytes.bigEndian(at: IPv4Offset.identification),
                sourceGID: GID(ipv4: bytes.bigEndian(at: IPv4Offset.source)),
                destinationGID: GID(ipv4: bytes.bigEndian(at: IPv4Offset.destination))
            )
        } else if version == 6 {
            let flow: UInt32 = bytes.bigEndian(at: IPv6Offset.flow)
            self.init(
                trafficClass: UInt8(truncatingIfNeeded: flow >> 20),
                flowLabel: flow & 0x000F_FFFF,
                payloadByteCount: bytes.bigEndian(at: IPv6Offset.payloadByteCount),
                nextHeader: bytes.bigEndian(at: IPv6Offset.nextHeader),
                hopLimit: bytes.bigEndian(at: IPv6Offset.hopLimit),
                sourceGID: try GID(parsing: bytes, at: IPv6Offset.sourceGID),
                destinationGID: try GID(parsing: bytes, at: IPv6Offset.destinationGID)
            )
            // Also with addresses that would make it the other form.
            self.family = .ipv6
        } else {
            throw .unsupportedIPVersion(version)
        }
    }

    /// Writes the header at the start of `bytes`, all 40 bytes in either form.
    ///
    /// - Precondition: `bytes` holds at least `byteCount` bytes, and `payloadByteCount` is at most 65515 in the IPv4 form.
    package func encode(into bytes: inout MutableRawSpan) {
        precondition(bytes.byteCount >= Self.byteCount, "no room for a GRH")
        precondition(self.family == .ipv6 || self.payloadByteCount <= 0xFFFF - 20, "longer than an IPv4 packet")
        switch self.family {
        case .ipv4: self.encodeIPv4(into: &bytes)
        case .ipv6: self.encodeIPv6(into: &bytes)
        }
    }

    private func encodeIPv6(into bytes: inout MutableRawSpan) {
        let flow = UInt32(6) << 28 | UInt32(self.trafficClass) << 20 | self.flowLabel & 0x000F_FFFF
        bytes.store(bigEndian: flow, at: IPv6Offset.flow)
        bytes.store(bigEndian: self.payloadByteCount, at: IPv6Offset.payloadByteCount)
        bytes.store(bigEndian: self.nextHeader, at: IPv6Offset.nextHeader)
        bytes.store(bigEndian: self.hopLimit, at: IPv6Offset.hopLimit)
        self.sourceGID.encode(into: &bytes, at: IPv6Offset.sourceGID)
        self.destinationGID.encode(into: &bytes, at: IPv6Offset.destinationGID)
    }

    private func encodeIPv4(into bytes: inout MutableRawSpan) {
        for offset in stride(from: 0, to: IPv4Offset.header, by: 4) { bytes.store(bigEndian: UInt32(0), at: offset) }
        bytes.store(bigEndian: 0x4500 | UInt16(self.trafficClass), at: IPv4Offset.typeOfService)
        bytes.store(bigEndian: 20 + self.payloadByteCount, at: IPv4Offset.totalByteCount)
        bytes.store(bigEndian: self.identification, at: IPv4Offset.identification)
        // Don't fragment.
        bytes.store(bigEndian: UInt16(0x4000), at: IPv4Offset.flags)
        bytes.store(bigEndian: self.hopLimit, at: IPv4Offset.timeToLive)
        bytes.store(bigEndian: self.nextHeader, at: IPv4Offset.nextHeader)
        bytes.store(bigEndian: UInt16(0), at: IPv4Offset.checksum)
        bytes.store(bigEndian: UInt32(truncatingIfNeeded: self.sourceGID.interfaceID), at: IPv4Offset.source)
        bytes.store(bigEndian: UInt32(truncatingIfNeeded: self.destinationGID.interfaceID), at: IPv4Offset.destination)
        bytes.store(bigEndian: bytes.bytes.ipv4Checksum(at: IPv4Offset.header), at: IPv4Offset.checksum)
    }
}

extension RawSpan {
    /// The internet checksum (RFC 1071) of the 20 bytes at `offset`: what to store into a header whose checksum field is
    /// zero, and zero for a header whose checksum is right.
    fileprivate func ipv4Checksum(at offset: Int) -> UInt16 {
        var sum: UInt32 = 0
        for index in 0..<10 { sum += UInt32(self.bigEndian(at: offset + 2 * index, as: UInt16.self)) }
        sum = (sum & 0xFFFF) + (sum >> 16)
        sum = (sum & 0xFFFF) + (sum >> 16)
        return ~UInt16(truncatingIfNeeded: sum)
    }
}
