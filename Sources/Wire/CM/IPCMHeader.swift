/// Who connects to whom in terms of IP: the first bytes of the private data of a REQ or SIDR_REQ to a service of IP.
///
/// Specified in IBTA Volume 1, Annex A11 (RDMA IP CM service). The program's own private data follow.
///
/// | Bytes | Contents                                          |
/// |-------|---------------------------------------------------|
/// | 0     | Major version (4 bits), minor version (4)         |
/// | 1     | IP version (4 bits), reserved (4)                 |
/// | 2-3   | Source port                                       |
/// | 4-19  | Source IP address; IPv4 in the last four bytes    |
/// | 20-35 | Destination IP address, likewise                  |
package struct IPCMHeader: Hashable, Sendable {
    package var family: IPFamily
    package var sourcePort: UInt16
    /// An IPv4 address in its mapped form.
    package var source: GID
    package var destination: GID

    /// Creates a header of IPv4 when both addresses are IPv4-mapped, else of IPv6.
    package init(sourcePort: UInt16, source: GID, destination: GID) {
        self.family = source.family == .ipv4 && destination.family == .ipv4 ? .ipv4 : .ipv6
        self.sourcePort = sourcePort
        self.source = source
        self.destination = destination
    }
}

// MARK: - Codec

extension IPCMHeader {
    /// Encoded size in bytes.
    package static var byteCount: Int { 36 }

    private enum Offset {
        static var version: Int { 0 }
        static var ipVersion: Int { 1 }
        static var sourcePort: Int { 2 }
        static var source: Int { 4 }
        static var destination: Int { 20 }
        /// Where an IPv4 address stands in the place of an IPv6 one.
        static var ipv4: Int { 12 }
    }

    /// Parses the header that begins at `offset`. Throws for versions other than 0.0, and of IP other than 4 and 6.
    package init(parsing bytes: RawSpan, at offset: Int = 0) throws(WireError) {
        try bytes.checkRoom(for: Self.byteCount, at: offset)
        let version: UInt8 = bytes.bigEndian(at: offset + Offset.version)
        guard version == 0 else { throw .unsupportedIPCMVersion(version) }
        let ipVersion = bytes.bigEndian(at: offset + Offset.ipVersion, as: UInt8.self) >> 4
        switch ipVersion {
        case 4:
            self.family = .ipv4
            self.source = GID(ipv4: bytes.bigEndian(at: offset + Offset.source + Offset.ipv4))
            self.destination = GID(ipv4: bytes.bigEndian(at: offset + Offset.destination + Offset.ipv4))
        case 6:
            self.family = .ipv6
            self.source = try GID(parsing: bytes, at: offset + Offset.source)
            self.destination = try GID(parsing: bytes, at: offset + Offset.destination)
        default:
            throw .unsupportedIPVersion(ipVersion)
        }
        self.sourcePort = bytes.bigEndian(at: offset + Offset.sourcePort)
    }

    /// Writes the header at `offset`, reserved bits as zero.
    ///
    /// - Precondition: `bytes` holds `byteCount` bytes from `offset` on.
    package func encode(into bytes: inout MutableRawSpan, at offset: Int = 0) {
        precondition(bytes.byteCount - offset >= Self.byteCount, "no room for an IP CM header")
        bytes.store(bigEndian: UInt8(0), at: offset + Offset.version)
        bytes.store(bigEndian: UInt8(self.family == .ipv4 ? 0x40 : 0x60), at: offset + Offset.ipVersion)
        bytes.store(bigEndian: self.sourcePort, at: offset + Offset.sourcePort)
        self.encode(self.source, into: &bytes, at: offset + Offset.source)
        self.encode(self.destination, into: &bytes, at: offset + Offset.destination)
    }

    private func encode(_ address: GID, into bytes: inout MutableRawSpan, at offset: Int) {
        switch self.family {
        case .ipv4: GID(prefix: 0, interfaceID: address.interfaceID & 0xFFFF_FFFF).encode(into: &bytes, at: offset)
        case .ipv6: address.encode(into: &bytes, at: offset)
        }
    }
}

extension FixedBytes {
    /// Private data of a request to a service of IP: the header, the program's own, and zeros behind them.
    ///
    /// - Precondition: header and program's data fit.
    package init(_ header: IPCMHeader, programData: RawSpan) {
        self.init()
        var bytes = InlineArray<36, UInt8>(repeating: 0)
        var span = bytes.mutableSpan
        // SAFETY: every byte is a valid UInt8.
        var raw = unsafe span.mutableBytes
        header.encode(into: &raw)
        // SAFETY: every byte of the array is initialised.
        self.replace(at: 0, with: unsafe bytes.span.bytes)
        self.replace(at: IPCMHeader.byteCount, with: programData)
    }
}
