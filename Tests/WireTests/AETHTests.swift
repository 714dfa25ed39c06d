import TestSupport
import Testing

@testable import Wire

@Suite("ACK Extended Transport Header")
struct AETHTests {
    /// Worked out by hand from IBTA Volume 1, section 9.3.5.
    private static let golden: [UInt8] = [0x60, 0x12, 0x34, 0x56]
    private static let goldenHeader = AETH(syndrome: .nak(.psnSequenceError), msn: MSN(truncating: 0x123456))

    @Test func `codes the golden bytes`() throws {
        try AETH.expectGolden(Self.golden, Self.goldenHeader)
    }

    @Test func `refuses truncated bytes`() {
        AETH.expectTruncationIsRefused()
    }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func `round-trips random headers`(seed: UInt64) throws {
        try AETH.expectRoundTrips(seed: seed)
    }
}

extension AETH: HeaderCodec {
    static func random(using random: inout SeededGenerator) -> AETH {
        AETH(syndrome: AETHSyndrome(rawValue: random.number()), msn: MSN(truncating: random.number()))
    }
}
