/// An IPv6 address, or an IPv4 address in its mapped form `::ffff:a.b.c.d`, as sockets and GIDs hold it.
package struct IPAddress: BitwiseCopyable, Hashable, Sendable {
    /// The first eight bytes, as a number in host byte order whose first byte is the most significant.
    package let high: UInt64
    /// The last eight bytes, likewise.
    package let low: UInt64

    @inlinable
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The mapped form of an IPv4 address: 0x7F00_0001 is 127.0.0.1.
    @inlinable
    package init(ipv4: UInt32) {
        self.high = 0
        self.low = 0x0000_FFFF_0000_0000 | UInt64(ipv4)
    }

    @inlinable package static var any: IPAddress { IPAddress(high: 0, low: 0) }
    @inlinable package static var ipv4Loopback: IPAddress { IPAddress(ipv4: 0x7F00_0001) }
    @inlinable package static var ipv6Loopback: IPAddress { IPAddress(high: 0, low: 1) }
}

extension IPAddress {
    @inlinable package var isIPv4: Bool { self.high == 0 && self.low >> 32 == 0xFFFF }

    /// The IPv4 address as a number, or `nil` for an IPv6 address.
    @inlinable package var ipv4: UInt32? { self.isIPv4 ? UInt32(truncatingIfNeeded: self.low) : nil }

    /// Whether the address is meaningful on one link only (`fe80::/10`) and needs an interface beside it.
    @inlinable package var isLinkLocal: Bool { self.high >> 54 == 0x3FA }

    package var isLoopback: Bool { self.isIPv4 ? (self.low >> 24) & 0xFF == 127 : self == .ipv6Loopback }

    package var isUnspecified: Bool { self == .any || self == IPAddress(ipv4: 0) }
}

// MARK: - Bytes

extension IPAddress {
    /// Reads 16 bytes in network byte order.
    @inlinable
    @unsafe
    package init(loading bytes: UnsafeRawPointer) {
        // SAFETY: the caller has 16 readable bytes there.
        self.high = unsafe UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
        self.low = unsafe UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    /// Writes 16 bytes in network byte order.
    @inlinable
    @unsafe
    package func store(to bytes: UnsafeMutableRawPointer) {
        // SAFETY: the caller has 16 writable bytes there.
        unsafe bytes.storeBytes(of: self.high.bigEndian, as: UInt64.self)
        unsafe bytes.storeBytes(of: self.low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }
}

// MARK: - Text

extension IPAddress: CustomStringConvertible {
    /// Dotted for IPv4; for IPv6 the eight groups of RFC 4291, without shortening a run of zeros.
    package var description: String {
        if let ipv4 {
            return "\(ipv4 >> 24).\((ipv4 >> 16) & 0xFF).\((ipv4 >> 8) & 0xFF).\(ipv4 & 0xFF)"
        }
        let groups = [self.high, self.low].flatMap { half in
            [48, 32, 16, 0].map { String((half >> UInt64($0)) & 0xFFFF, radix: 16) }
        }
        return groups.joined(separator: ":")
    }
}
