/// A global identifier: the 128-bit address of a port. On RoCEv2 it is the IPv6 address, or the IPv4 address mapped
/// into IPv6 (`::ffff:a.b.c.d`).
///
/// Specified in IBTA Volume 1, section 4.1.1, and Annex A17. It knows nothing of tables or interfaces.
package struct GID: Hashable, Sendable {
    /// The first eight bytes as a big-endian number: the subnet prefix.
    package var prefix: UInt64
    /// The last eight bytes as a big-endian number: the interface identifier.
    package var interfaceID: UInt64

    @inlinable
    package init(prefix: UInt64, interfaceID: UInt64) {
        self.prefix = prefix
        self.interfaceID = interfaceID
    }

    /// The IPv4-mapped GID of an address in host order: 127.0.0.1 is 0x7F00_0001.
    @inlinable
    package init(ipv4 address: UInt32) {
        self.init(prefix: 0, interfaceID: 0x0000_FFFF_0000_0000 | UInt64(address))
    }

    package static var zero: GID { GID(prefix: 0, interfaceID: 0) }
}

// MARK: - Kinds

extension GID {
    @inlinable
    package var isIPv4Mapped: Bool {
        self.prefix == 0 && self.interfaceID >> 32 == 0x0000_FFFF
    }

    /// The mapped IPv4 address in host order, or `nil` when this is an IPv6 address.
    @inlinable
    package var ipv4Address: UInt32? {
        self.isIPv4Mapped ? UInt32(truncatingIfNeeded: self.interfaceID) : nil
    }

    /// The family of the packets that reach this address.
    @inlinable
    package var family: IPFamily { self.isIPv4Mapped ? .ipv4 : .ipv6 }

    /// In `fe80::/10`.
    package var isLinkLocal: Bool { self.prefix >> 54 == 0xFE80 >> 6 }

    /// In `ff00::/8`, or mapped from `224.0.0.0/4`.
    package var isMulticast: Bool {
        if let address = self.ipv4Address { return address >> 28 == 0xE }
        return self.prefix >> 56 == 0xFF
    }
}

// MARK: - Codec

extension GID {
    /// Encoded size in bytes.
    package static var byteCount: Int { 16 }

    private enum Offset {
        static var prefix: Int { 0 }
        static var interfaceID: Int { 8 }
    }

    /// Parses the identifier that begins at `offset`.
    package init(parsing bytes: RawSpan, at offset: Int = 0) throws(WireError) {
        try bytes.checkRoom(for: Self.byteCount, at: offset)
        self.prefix = bytes.bigEndian(at: offset + Offset.prefix)
        self.interfaceID = bytes.bigEndian(at: offset + Offset.interfaceID)
    }

    /// Writes the identifier at `offset`.
    ///
    /// - Precondition: `bytes` holds `byteCount` bytes from `offset` on.
    package func encode(into bytes: inout MutableRawSpan, at offset: Int = 0) {
        precondition(bytes.byteCount - offset >= Self.byteCount, "no room for a GID")
        bytes.store(bigEndian: self.prefix, at: offset + Offset.prefix)
        bytes.store(bigEndian: self.interfaceID, at: offset + Offset.interfaceID)
    }
}
