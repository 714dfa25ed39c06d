/// The 64-bit name of a service that connections are made to.
///
/// Specified in IBTA Volume 1, section 12.7, and for services of IP in Annex A11, where it holds a protocol and a port:
///
/// | Bytes | Contents          |
/// |-------|-------------------|
/// | 0-4   | 00 00 00 00 01    |
/// | 5     | IP protocol       |
/// | 6-7   | Destination port  |
package struct ServiceID: RawRepresentable, Hashable, Sendable {
    package var rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The service of an IP port. The protocol is one of IANA's numbers: 6 for TCP, 17 for UDP.
    package init(ipProtocol: UInt8, port: UInt16) {
        self.rawValue = Self.ipPrefix << 24 | UInt64(ipProtocol) << 16 | UInt64(port)
    }

    private static var ipPrefix: UInt64 { 1 }
}

extension ServiceID {
    /// Whether it is a service of IP; then private data begins with an `IPCMHeader`.
    package var isIP: Bool { self.rawValue >> 24 == Self.ipPrefix }

    /// The IP protocol, or `nil` when this is no service of IP.
    package var ipProtocol: UInt8? { self.isIP ? UInt8(truncatingIfNeeded: self.rawValue >> 16) : nil }

    /// The port, or `nil` when this is no service of IP.
    package var port: UInt16? { self.isIP ? UInt16(truncatingIfNeeded: self.rawValue) : nil }
}
