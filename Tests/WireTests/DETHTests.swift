import TestSupport
import Testing

@testable import Wire

@Suite("Datagram Extended Transport Header")
struct DETHTests {
    /// Worked out by hand from IBTA Volume 1, section 9.3.2.
    private static let golden: [UInt8] = [0x80, 0x01, 0x00, 0x00, 0x00, 0xFE, 0xDC, 0xBA]
    private static let goldenHeader = DETH(qKey: 0x8001_0000, sourceQP: QPN(truncating: 0xFEDCBA))

    @Test func `codes the golden bytes`() throws {
        try DETH.expectGolden(Self.golden, Self.goldenHeader)
    }

    @Test func `refuses truncated bytes`() {
        DETH.expectTruncationIsRefused()
    }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func `round-trips random headers`(seed: UInt64) throws {
        try DETH.expectRoundTrips(seed: seed)
    }

    @Test func `ignores reserved bits`() throws {
        let bytes: [UInt8] = [0x80, 0x01, 0x00, 0x00, 0xFF, 0xFE, 0xDC, 0xBA]
        #expect(try DETH(parsing: bytes.span.bytes) == Self.goldenHeader)
    }
}

extension DETH: HeaderCodec {
    static func random(using random: inout SeededGenerator) -> DETH {
        DETH(qKey: random.number(), sourceQP: QPN(truncating: random.number()))
    }
}
