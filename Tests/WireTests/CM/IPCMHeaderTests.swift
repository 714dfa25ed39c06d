import TestSupport
import Testing

@testable import Wire

@Suite("IP CM header")
struct IPCMHeaderTests {
    /// Worked out by hand from IBTA Volume 1, Annex A11.
    private static let goldenIPv4 = [UInt8](
        hex: "00 40 B762 000000000000000000000000 0A4D0002 000000000000000000000000 0A4D0003"
    )
    private static let headerIPv4 = IPCMHeader(
        sourcePort: 0xB762,
        source: GID(ipv4: 0x0A4D_0002),
        destination: GID(ipv4: 0x0A4D_0003)
    )
    private static let goldenIPv6 = [UInt8](
        hex: "00 60 B762 FE80000000000000 0000000000000001 FE80000000000000 0000000000000002"
    )
    private static let headerIPv6 = IPCMHeader(
        sourcePort: 0xB762,
        source: GID(prefix: 0xFE80_0000_0000_0000, interfaceID: 1),
        destination: GID(prefix: 0xFE80_0000_0000_0000, interfaceID: 2)
    )

    @Test func `codes the golden bytes`() throws {
        try IPCMHeader.expectGolden(Self.goldenIPv4, Self.headerIPv4)
        try IPCMHeader.expectGolden(Self.goldenIPv6, Self.headerIPv6)
    }

    @Test func `refuses truncated bytes`() {
        IPCMHeader.expectTruncationIsRefused()
    }

    @Test func `ignores reserved bits and no other`() throws {
        var reserved: [Int: UInt8] = [1: 0x0F]
        for offset in Array(4..<16) + Array(20..<32) { reserved[offset] = 0xFF }
        try IPCMHeader.expectReservedBitsAreIgnored(Self.goldenIPv4, reserved)
        reserved[0] = 0xFF
        reserved[1] = 0xFF
        try IPCMHeader.expectEveryOtherBitCounts(Self.goldenIPv4, reserved)
        try IPCMHeader.expectReservedBitsAreIgnored(Self.goldenIPv6, [1: 0x0F])
        try IPCMHeader.expectEveryOtherBitCounts(Self.goldenIPv6, [0: 0xFF, 1: 0xFF])
    }

    @Test func `refuses other versions`() {
        for version in 1...255 as ClosedRange<UInt8> {
            var bytes = Self.goldenIPv4
            bytes[0] = version
            #expect(throws: WireError.unsupportedIPCMVersion(version)) { try IPCMHeader(parsing: bytes.span.bytes) }
        }
        for version in 0...15 as ClosedRange<UInt8> where version != 4 && version != 6 {
            var bytes = Self.goldenIPv4
            bytes[1] = version << 4
            #expect(throws: WireError.unsupportedIPVersion(version)) { try IPCMHeader(parsing: bytes.span.bytes) }
        }
    }

    @Test func `an IPv6 header may carry mapped addresses`() throws {
        let mapped = "00000000000000000000FFFF7F000001"
        let bytes = [UInt8](hex: "00 60 0001" + mapped + mapped)
        let header = try IPCMHeader(parsing: bytes.span.bytes)
        #expect(header.family == .ipv6 && header.source == GID(ipv4: 0x7F00_0001))
        #expect(header.encoded() == bytes)
    }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func `round-trips random headers`(seed: UInt64) throws {
        try IPCMHeader.expectRoundTrips(seed: seed)
    }

    @Test func `stands in private data before the program's own`() {
        let data = FixedBytes<92>(Self.headerIPv4, programData: [UInt8](pattern: 56).span.bytes)
        #expect(data.array == Self.goldenIPv4 + [UInt8](pattern: 56))
        let short = FixedBytes<92>(Self.headerIPv4, programData: ([7, 8] as [UInt8]).span.bytes)
        #expect(short.array == Self.goldenIPv4 + [7, 8] + [UInt8](repeating: 0, count: 54))
    }

    @Test func `a service of IP holds protocol and port`() {
        let service = ServiceID(ipProtocol: 6, port: 7174)
        #expect(service.rawValue == 0x0000_0000_0106_1C06)
        #expect(service.isIP && service.ipProtocol == 6 && service.port == 7174)
        let other = ServiceID(rawValue: 0x0100_0000_0106_1C06)
        #expect(!other.isIP && other.ipProtocol == nil && other.port == nil)
    }
}

extension IPCMHeader: HeaderCodec {
    static func random(using random: inout SeededGenerator) -> IPCMHeader {
        let isIPv4 = Bool.random(using: &random)
        return IPCMHeader(
            sourcePort: random.number(),
            source: isIPv4 ? GID(ipv4: random.number()) : .random(using: &random),
            destination: isIPv4 ? GID(ipv4: random.number()) : .random(using: &random)
        )
    }
}
