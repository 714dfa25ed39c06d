import TestSupport
import Testing

@testable import Wire

@Suite("XRC Extended Transport Header")
struct XRCETHTests {
    /// Worked out by hand from IBTA Volume 1, Annex A14.
    private static let golden: [UInt8] = [0x00, 0xAB, 0xCD, 0xEF]
    private static let goldenHeader = XRCETH(xrcSRQ: QPN(truncating: 0xABCDEF))

    @Test func `codes the golden bytes`() throws {
        try XRCETH.expectGolden(Self.golden, Self.goldenHeader)
    }

    @Test func `refuses truncated bytes`() {
        XRCETH.expectTruncationIsRefused()
    }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func `round-trips random headers`(seed: UInt64) throws {
        try XRCETH.expectRoundTrips(seed: seed)
    }

    @Test func `ignores reserved bits`() throws {
        let bytes: [UInt8] = [0xFF, 0xAB, 0xCD, 0xEF]
        #expect(try XRCETH(parsing: bytes.span.bytes) == Self.goldenHeader)
    }
}

extension XRCETH: HeaderCodec {
    static func random(using random: inout SeededGenerator) -> XRCETH {
        XRCETH(xrcSRQ: QPN(truncating: random.number()))
    }
}
