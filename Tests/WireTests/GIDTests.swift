import TestSupport
import Testing

@testable import Wire

@Suite("GID")
struct GIDTests {
    @Test func `codes the golden bytes`() throws {
        let golden: [UInt8] = [
            0xFE, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x02, 0x11, 0x22, 0xFF, 0xFE, 0x33, 0x44, 0x55,
        ]
        try GID.expectGolden(golden, GID(prefix: 0xFE80_0000_0000_0001, interfaceID: 0x0211_22FF_FE33_4455))
    }

    @Test func `refuses truncated bytes`() {
        GID.expectTruncationIsRefused()
    }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func `round-trips random identifiers`(seed: UInt64) throws {
        try GID.expectRoundTrips(seed: seed)
    }

    @Test func `maps IPv4 addresses`() {
        let gid = GID(ipv4: 0x0A4D_0002)
        #expect(gid.encoded() == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10, 77, 0, 2])
        #expect(gid.isIPv4Mapped)
        #expect(gid.ipv4Address == 0x0A4D_0002)
        #expect(gid.family == .ipv4)
        #expect(!gid.isLinkLocal)
    }

    @Test func `what is not mapped is IPv6`() {
        for gid in [
            GID(prefix: 1, interfaceID: 0xFFFF_7F00_0001), GID(prefix: 0, interfaceID: 0x1_FFFF_7F00_0001),
            GID(prefix: 0, interfaceID: 0xFFFE_7F00_0001), GID.zero,
        ] {
            #expect(!gid.isIPv4Mapped)
            #expect(gid.ipv4Address == nil)
            #expect(gid.family == .ipv6)
        }
    }

    @Test func `link-local is the upper 10 bits`() {
        #expect(GID(prefix: 0xFE80_0000_0000_0000, interfaceID: 1).isLinkLocal)
        #expect(GID(prefix: 0xFEBF_FFFF_FFFF_FFFF, interfaceID: 1).isLinkLocal)
        #expect(!GID(prefix: 0xFEC0_0000_0000_0000, interfaceID: 1).isLinkLocal)
        #expect(!GID(prefix: 0xFE7F_0000_0000_0000, interfaceID: 1).isLinkLocal)
        #expect(!GID(prefix: 0x2001_0DB8_0000_0000, interfaceID: 1).isLinkLocal)
    }

    @Test func `multicast is known in both families`() {
        #expect(GID(prefix: 0xFF02_0000_0000_0000, interfaceID: 1).isMulticast)
        #expect(GID(ipv4: 0xEF01_0203).isMulticast)
        #expect(!GID(ipv4: 0xF000_0001).isMulticast)
        #expect(!GID(prefix: 0xFE80_0000_0000_0000, interfaceID: 1).isMulticast)
    }
}

extension GID: HeaderCodec {
    static func random(using random: inout SeededGenerator) -> GID {
        GID(prefix: random.number(), interfaceID: random.number())
    }
}
