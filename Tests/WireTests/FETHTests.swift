import TestSupport
import Testing

@testable import Wire

@Suite("FLUSH Extended Transport Header")
struct FETHTests {
    /// Worked out by hand from IBTA Volume 1, Annex A19.
    private static let golden: [UInt8] = [0x00, 0x00, 0x00, 0x13]
    private static let goldenHeader = FETH(selectivityLevel: 1, placementType: 3)

    @Test func `codes the golden bytes`() throws {
        try FETH.expectGolden(Self.golden, Self.goldenHeader)
    }

    @Test func `refuses truncated bytes`() {
        FETH.expectTruncationIsRefused()
    }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func `round-trips random headers`(seed: UInt64) throws {
        try FETH.expectRoundTrips(seed: seed)
    }

    @Test func `ignores reserved bits`() throws {
        let bytes: [UInt8] = [0xFF, 0xFF, 0xFF, 0xD3]
        #expect(try FETH(parsing: bytes.span.bytes) == Self.goldenHeader)
    }
}

extension FETH: HeaderCodec {
    static func random(using random: inout SeededGenerator) -> FETH {
        FETH(selectivityLevel: random.number() & 3, placementType: random.number() & 15)
    }
}
