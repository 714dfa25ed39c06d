import TestSupport
import Testing

@testable import Wire

@Suite("Invalidate Extended Transport Header")
struct IETHTests {
    /// Worked out by hand from IBTA Volume 1, section 9.3.7.
    private static let golden: [UInt8] = [0x87, 0x65, 0x43, 0x21]
    private static let goldenHeader = IETH(rKey: 0x8765_4321)

    @Test func `codes the golden bytes`() throws {
        try IETH.expectGolden(Self.golden, Self.goldenHeader)
    }

    @Test func `refuses truncated bytes`() {
        IETH.expectTruncationIsRefused()
    }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func `round-trips random headers`(seed: UInt64) throws {
        try IETH.expectRoundTrips(seed: seed)
    }
}

extension IETH: HeaderCodec {
    static func random(using random: inout SeededGenerator) -> IETH {
        IETH(rKey: random.number())
    }
}
