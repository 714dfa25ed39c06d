/// The invariant CRC of all packets that go one way between two ports, over IPv4 or IPv6.
///
/// Specified in IBTA Volume 1, section 7.8.1, and Annex A17 for RoCEv2. The ICRC covers 8 bytes of ones, the IP and the
/// UDP header, and the transport packet. What a router may change counts as ones: traffic class, hop limit and header
/// checksum (IPv6: and flow label), the UDP checksum, and byte 4 of the BTH.
///
/// A UDP socket shows neither IP nor UDP header, so both are built from values, once for each peer; a packet then fills
/// in lengths and identification. A path to a peer and the path back are two values. It sends nothing and keeps no
/// state: any number of threads may use one value.
package struct ICRCPath: Sendable {
    package let family: IPFamily
    /// The masked ones, IP header and UDP header, and room for the first bytes of the BTH. IPv4 leaves the end unused.
    @usableFromInline let template: InlineArray<64, UInt8>

    /// Prepares the path of packets from `source` to `destination`, over IPv4 when both are IPv4-mapped.
    package init(source: GID, destination: GID, sourcePort: UInt16, destinationPort: UInt16 = 4791) {
        let family: IPFamily = source.family == .ipv4 && destination.family == .ipv4 ? .ipv4 : .ipv6
        var template = InlineArray<64, UInt8>(repeating: 0)
        var span = template.mutableSpan
        // SAFETY: every byte is a valid UInt8.
        var bytes = unsafe span.mutableBytes
        bytes.store(bigEndian: UInt64.max, at: 0)
        let udp: Int
        switch family {
        case .ipv4:
            Self.storeIPv4(source: source, destination: destination, into: &bytes)
            udp = Offset.udpOverIPv4
        case .ipv6:
            Self.storeIPv6(source: source, destination: destination, into: &bytes)
            udp = Offset.udpOverIPv6
        }
        bytes.store(bigEndian: sourcePort, at: udp)
        bytes.store(bigEndian: destinationPort, at: udp + 2)
        // The length at 4 is the packet's. The checksum:
        bytes.store(bigEndian: UInt16.max, at: udp + 6)
        self.family = family
        self.template = template
    }
}

// MARK: - Layout

extension ICRCPath {
    /// Size in bytes of the ICRC behind each packet.
    @inlinable package static var byteCount: Int { 4 }

    /// Offsets in the template.
    @usableFromInline
    enum Offset {
        /// Where the IP header begins: behind the masked local route header.
        @usableFromInline static var ip: Int { 8 }
        @usableFromInline static var ipv4TotalByteCount: Int { 10 }
        @usableFromInline static var ipv4Identification: Int { 12 }
        @usableFromInline static var ipv6PayloadByteCount: Int { 12 }
        @usableFromInline static var udpOverIPv4: Int { 28 }
        @usableFromInline static var udpOverIPv6: Int { 48 }
        @usableFromInline static var udpByteCount: Int { 4 }
        @usableFromInline static var bthBehindUDP: Int { 8 }
    }

    /// How many bytes of the BTH are taken into the template: those up to the masked one, in a whole word.
    @usableFromInline static var bthHeadByteCount: Int { 8 }

    private static func storeIPv4(source: GID, destination: GID, into bytes: inout MutableRawSpan) {
        // Version 4, a header of 5 words; type of service masked.
        bytes.store(bigEndian: UInt16(0x45FF), at: Offset.ip)
        // Total length at 2 and identification at 4 are the packet's. Don't fragment:
        bytes.store(bigEndian: UInt16(0x4000), at: Offset.ip + 6)
        // Time to live masked; UDP.
        bytes.store(bigEndian: UInt16(0xFF11), at: Offset.ip + 8)
        // Header checksum masked.
        bytes.store(bigEndian: UInt16.max, at: Offset.ip + 10)
        bytes.store(bigEndian: UInt32(truncatingIfNeeded: source.interfaceID), at: Offset.ip + 12)
        bytes.store(bigEndian: UInt32(truncatingIfNeeded: destination.interfaceID), at: Offset.ip + 16)
    }

    private static func storeIPv6(source: GID, destination: GID, into bytes: inout MutableRawSpan) {
        // Version 6; traffic class and flow label masked.
        bytes.store(bigEndian: UInt32(0x6FFF_FFFF), at: Offset.ip)
        // Payload length at 4 is the packet's. UDP; hop limit masked.
        bytes.store(bigEndian: UInt16(0x11FF), at: Offset.ip + 6)
        source.encode(into: &bytes, at: Offset.ip + 8)
        destination.encode(into: &bytes, at: Offset.ip + 24)
    }
}

// MARK: - Computing

extension ICRCPath {
    /// The ICRC of `packet`, which runs from the BTH to the end of the pad.
    ///
    /// The number is the CRC itself; on the wire its low byte comes first. `identification` is that of the IPv4 header
    /// and has no meaning on IPv6.
    ///
    /// - Precondition: `packet` holds at least a BTH, and at most what a UDP datagram can carry.
    @inlinable
    package func icrc<CRC: CRC32Algorithm>(
        of packet: RawSpan,
        identification: UInt16 = 0,
        using algorithm: CRC.Type
    ) -> UInt32 {
        precondition(packet.byteCount >= BTH.byteCount, "no room for a BTH")
        var head = self.template
        var span = head.mutableSpan
        // SAFETY: every byte is a valid UInt8.
        var bytes = unsafe span.mutableBytes
        let udpByteCount = UInt16(8 + packet.byteCount + Self.byteCount)
        let udp: Int
        switch self.family {
        case .ipv4:
            udp = Offset.udpOverIPv4
            bytes.store(bigEndian: 20 + udpByteCount, at: Offset.ipv4TotalByteCount)
            bytes.store(bigEndian: identification, at: Offset.ipv4Identification)
        case .ipv6:
            udp = Offset.udpOverIPv6
            bytes.store(bigEndian: udpByteCount, at: Offset.ipv6PayloadByteCount)
        }
        bytes.store(bigEndian: udpByteCount, at: udp + Offset.udpByteCount)
        let bthHead: UInt64 = packet.bigEndian(at: 0)
        bytes.store(bigEndian: bthHead | 0x0000_0000_FF00_0000, at: udp + Offset.bthBehindUDP)

        let headByteCount = udp + Offset.bthBehindUDP + Self.bthHeadByteCount
        let crc = algorithm.update(0, bytes.bytes.extracting(first: headByteCount))
        return algorithm.update(crc, packet.extracting(droppingFirst: Self.bthHeadByteCount))
    }

    /// Writes the ICRC into the last 4 bytes of `datagram`, which holds the packet before them.
    ///
    /// - Precondition: `datagram` holds at least a BTH and the ICRC, and at most what a UDP datagram can carry.
    @inlinable
    package func seal<CRC: CRC32Algorithm>(
        _ datagram: inout MutableRawSpan,
        identification: UInt16 = 0,
        using algorithm: CRC.Type
    ) {
        let packetByteCount = datagram.byteCount - Self.byteCount
        let crc = self.icrc(
            of: datagram.bytes.extracting(first: packetByteCount),
            identification: identification,
            using: algorithm
        )
        // The CRC goes out low byte first.
        datagram.store(bigEndian: crc.byteSwapped, at: packetByteCount)
    }
}

// MARK: - Checking

extension ICRCPath {
    /// The IPv4 identification with which the ICRC at the end of `datagram` is right, or `nil` when the datagram is
    /// damaged, too short, or not of this path. On IPv6, which has no identification, it is 0.
    ///
    /// A UDP socket does not show the identification, but the CRC is affine in it: the receiver computes the CRC with
    /// `likelyIdentification` (0, or the index in a train of segments, for a peer of our kind), and what is missing to the
    /// one received tells the right identification, or that there is none. Of 2^32 wrong CRCs 2^16 fit one: 16 bits of
    /// check remain. Every single flipped bit outside byte 4 of the BTH is found, in datagrams of up to 8 KiB.
    @inlinable
    package func identification<CRC: CRC32Algorithm>(
        proving datagram: RawSpan,
        likely likelyIdentification: UInt16 = 0,
        using algorithm: CRC.Type
    ) -> UInt16? {
        let packetByteCount = datagram.byteCount - Self.byteCount
        guard packetByteCount >= BTH.byteCount, packetByteCount <= Self.packetByteCountMax else { return nil }
        let received: UInt32 = datagram.bigEndian(at: packetByteCount)
        let crc = self.icrc(
            of: datagram.extracting(first: packetByteCount),
            identification: likelyIdentification,
            using: algorithm
        )
        let difference = received.byteSwapped ^ crc
        switch self.family {
        case .ipv6:
            return difference == 0 ? 0 : nil
        case .ipv4:
            if difference == 0 { return likelyIdentification }
            // Flags to destination address, UDP header, packet.
            let followingByteCount = 14 + 8 + packetByteCount
            guard let change = ICRCSolver.change(explaining: difference, followingByteCount: followingByteCount) else {
                return nil
            }
            return likelyIdentification ^ change
        }
    }

    /// The longest packet in bytes whose ICRC is checked; no path MTU allows a longer one. It bounds the solver's work.
    @inlinable package static var packetByteCountMax: Int { 8160 }
}
