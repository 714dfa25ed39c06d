internal import CVerbs
internal import SystemIO
internal import Wire

/// What the 40 bytes before a received datagram say of where it came from (IBTA Volume 1, Annex A17.4.5.2).
///
/// They are an IPv6 header, or 20 bytes of anything and an IPv4 header. Which of the two is found in the bytes alone:
///
/// ```
///   0      4          12     20     24                 40
///   | ver, tclass, flow | … | source GID | dest. GID   |   IPv6
///   | undefined              | ver, tos … TTL … src dst |   IPv4
/// ```
internal struct GlobalRoute {
    internal let source: GID
    internal let destination: GID
    internal let flowLabel: UInt32
    internal let hopLimit: UInt8
    internal let trafficClass: UInt8

    private enum Offset {
        static var hopLimit: Int { 7 }
        static var source: Int { 8 }
        static var destination: Int { 24 }
        static var ipv4: Int { 20 }
        static var ipv4Source: Int { 32 }
        static var ipv4Destination: Int { 36 }
        static var ipv4TimeToLive: Int { 28 }
    }

    /// - Throws: `EPROTONOSUPPORT` when the bytes are neither header.
    internal init(_ route: UnsafeMutablePointer<ibv_grh>) throws(Errno) {
        // SAFETY: the caller passes the 40 bytes of a received header; they are read within that length.
        let bytes = unsafe UnsafeRawBufferPointer(start: route, count: MemoryLayout<ibv_grh>.size)
        let word = { (offset: Int) in
            unsafe UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        }
        let isIPv6 = word(0) >> 28 == 6
        let isIPv4 = word(Offset.ipv4) >> 28 == 4
        guard isIPv6 || isIPv4 else { throw .protocolNotSupported }
        if isIPv4, !isIPv6 || GlobalRoute.isIPv4Header(word) {
            self.source = GID(ipv4: word(Offset.ipv4Source))
            self.destination = GID(ipv4: word(Offset.ipv4Destination))
            self.flowLabel = 0
            self.hopLimit = unsafe bytes[Offset.ipv4TimeToLive]
            self.trafficClass = UInt8(truncatingIfNeeded: word(Offset.ipv4) >> 16)
        } else {
            let double = { (offset: Int) in UInt64(word(offset)) << 32 | UInt64(word(offset + 4)) }
            self.source = GID(prefix: double(Offset.source), interfaceID: double(Offset.source + 8))
            self.destination = GID(prefix: double(Offset.destination), interfaceID: double(Offset.destination + 8))
            self.flowLabel = word(0) & 0xF_FFFF
            self.hopLimit = unsafe bytes[Offset.hopLimit]
            self.trafficClass = UInt8(truncatingIfNeeded: word(0) >> 20)
        }
    }

    /// The last 20 bytes are an IPv4 header without options whose checksum is right (RFC 791): their sum of 16-bit words
    /// in ones' complement is all ones.
    private static func isIPv4Header(_ word: (Int) -> UInt32) -> Bool {
        guard word(Offset.ipv4) >> 24 == 0x45 else { return false }
        var sum: UInt32 = 0
        for offset in stride(from: Offset.ipv4, to: MemoryLayout<ibv_grh>.size, by: 4) {
            sum += word(offset) >> 16 + word(offset) & 0xFFFF
        }
        while sum >> 16 != 0 { sum = sum >> 16 + sum & 0xFFFF }
        return sum == 0xFFFF
    }
}
