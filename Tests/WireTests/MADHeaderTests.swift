import TestSupport
import Testing

@testable import Wire

@Suite("MAD header")
struct MADHeaderTests {
    /// Worked out by hand from IBTA Volume 1, section 13.4.2.
    private static let golden: [UInt8] = [
        0x01, 0x07, 0x02, 0x83, 0x00, 0x1C, 0x12, 0x34, 0x00, 0x00, 0x00, 0x05, 0x66, 0x77, 0x88, 0x99,
        0x00, 0x13, 0x00, 0x00, 0xA0, 0xB0, 0xC0, 0xD0,
    ]
    private static let goldenHeader = MADHeader(
        managementClass: 0x07,
        classVersion: 2,
        method: 0x83,
        status: 0x001C,
        classSpecific: 0x1234,
        transactionID: 0x0000_0005_6677_8899,
        attributeID: 0x0013,
        attributeModifier: 0xA0B0_C0D0
    )

    @Test func `codes the golden bytes`() throws {
        try MADHeader.expectGolden(Self.golden, Self.goldenHeader)
    }

    @Test func `refuses truncated bytes`() {
        MADHeader.expectTruncationIsRefused()
    }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func `round-trips random headers`(seed: UInt64) throws {
        try MADHeader.expectRoundTrips(seed: seed)
    }
}

extension MADHeader: HeaderCodec {
    static func random(using random: inout SeededGenerator) -> MADHeader {
        MADHeader(
            baseVersion: random.number(),
            managementClass: random.number(),
            classVersion: random.number(),
            method: random.number(),
            status: random.number(),
            classSpecific: random.number(),
            transactionID: random.number(),
            attributeID: random.number(),
            attributeModifier: random.number()
        )
    }
}
