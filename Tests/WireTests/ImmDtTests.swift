import TestSupport
import Testing

@testable import Wire

@Suite("Immediate Extended Transport Header")
struct ImmDtTests {
    /// Worked out by hand from IBTA Volume 1, section 9.3.6.
    private static let golden: [UInt8] = [0x12, 0x34, 0x56, 0x78]
    private static let goldenHeader = ImmDt(value: 0x1234_5678)

    @Test func `codes the golden bytes`() throws {
        try ImmDt.expectGolden(Self.golden, Self.goldenHeader)
    }

    @Test func `refuses truncated bytes`() {
        ImmDt.expectTruncationIsRefused()
    }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func `round-trips random headers`(seed: UInt64) throws {
        try ImmDt.expectRoundTrips(seed: seed)
    }
}

extension ImmDt: HeaderCodec {
    static func random(using random: inout SeededGenerator) -> ImmDt {
        ImmDt(value: random.number())
    }
}
