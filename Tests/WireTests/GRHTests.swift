import TestSupport
import Testing

@testable import Wire

@Suite("Global Route Header")
struct GRHTests {
    /// An IPv6 header, worked out by hand from RFC 8200.
    private static let goldenIPv6: [UInt8] = [
        0x61, 0x2A, 0xBC, 0xDE, 0x01, 0x20, 0x11, 0x40,
        0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01,
        0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02,
    ]
    private static let headerIPv6 = GRH(
        trafficClass: 0x12,
        flowLabel: 0xABCDE,
        payloadByteCount: 0x0120,
        hopLimit: 64,
        sourceGID: GID(prefix: 0xFE80_0000_0000_0000, interfaceID: 1),
        destinationGID: GID(prefix: 0xFE80_0000_0000_0000, interfaceID: 2)
    )

    /// The well-known example of an IPv4 header checksum, with another type of service.
    private static let goldenIPv4: [UInt8] =
        [UInt8](repeating: 0, count: 20) + [
            0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xB8, 0x61,
            0xC0, 0xA8, 0x00, 0x01, 0xC0, 0xA8, 0x00, 0xC7,
        ]
    private static let headerIPv4 = GRH(
        payloadByteCount: 0x73 - 20,
        sourceGID: GID(ipv4: 0xC0A8_0001),
        destinationGID: GID(ipv4: 0xC0A8_00C7)
    )

    private static func encoded(_ header: GRH) -> [UInt8] {
        var bytes = [UInt8](repeating: 0xA5, count: GRH.byteCount)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        header.encode(into: &raw)
        return bytes
    }

    @Test func `codes the golden bytes of IPv6`() throws {
        #expect(try GRH(parsing: Self.goldenIPv6.span.bytes) == Self.headerIPv6)
        #expect(Self.encoded(Self.headerIPv6) == Self.goldenIPv6)
    }

    @Test func `codes the golden bytes of IPv4`() throws {
        #expect(Self.headerIPv4.family == .ipv4)
        #expect(try GRH(parsing: Self.goldenIPv4.span.bytes) == Self.headerIPv4)
        #expect(Self.encoded(Self.headerIPv4) == Self.goldenIPv4)
    }

    @Test func `finds IPv4 behind any undefined bytes`() throws {
        for undefined in [0x60, 0x45, 0xFF] as [UInt8] {
            let bytes = [UInt8](repeating: undefined, count: 20) + Self.goldenIPv4.suffix(20)
            #expect(try GRH(parsing: bytes.span.bytes) == Self.headerIPv4)
        }
    }

    @Test(arguments: 20..<40)
    func `a damaged IPv4 header is no header`(index: Int) {
        var bytes = Self.goldenIPv4
        bytes[index] ^= 0x01
        #expect(throws: WireError.unsupportedIPVersion(0)) { try GRH(parsing: bytes.span.bytes) }
    }

    @Test func `an IPv6 header may carry mapped addresses`() throws {
        let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 127, 0, 0, 1]
        let bytes = [0x60, 0, 0, 0, 0xFF, 0xFF, 17, 1] + mapped + mapped
        let header = try GRH(parsing: bytes.span.bytes)
        #expect(header.family == .ipv6)
        #expect(header.payloadByteCount == 0xFFFF)
        #expect(Self.encoded(header) == bytes)
    }

    @Test(arguments: 0..<GRH.byteCount)
    func `refuses truncated bytes`(byteCount: Int) {
        let bytes = Array(Self.goldenIPv6.prefix(byteCount))
        #expect(throws: WireError.truncated(needed: GRH.byteCount, available: byteCount)) {
            try GRH(parsing: bytes.span.bytes)
        }
    }

    @Test(arguments: 0..<32 as Range<UInt64>)
    func `round-trips random headers`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for index in 0..<256 {
            let isIPv4 = index & 1 == 0
            let header = GRH(
                trafficClass: random.number(),
                flowLabel: isIPv4 ? 0 : random.number() & 0xF_FFFF,
                payloadByteCount: random.number() % 65516,
                nextHeader: random.number(),
                hopLimit: random.number(),
                identification: isIPv4 ? random.number() : 0,
                sourceGID: isIPv4 ? GID(ipv4: random.number()) : .random(using: &random),
                destinationGID: isIPv4 ? GID(ipv4: random.number()) : .random(using: &random)
            )
            let parsed = try GRH(parsing: Self.encoded(header).span.bytes)
            guard parsed == header else {
                Issue.record("\(header) came back as \(parsed)")
                return
            }
        }
    }
}
