import TestSupport
import Testing

@testable import Wire

@Suite("Atomic ACK Extended Transport Header")
struct AtomicAckETHTests {
    /// Worked out by hand from IBTA Volume 1, section 9.5.3.
    private static let golden: [UInt8] = [0x80, 0x70, 0x60, 0x50, 0x40, 0x30, 0x20, 0x10]
    private static let goldenHeader = AtomicAckETH(originalData: 0x8070_6050_4030_2010)

    @Test func `codes the golden bytes`() throws {
        try AtomicAckETH.expectGolden(Self.golden, Self.goldenHeader)
    }

    @Test func `refuses truncated bytes`() {
        AtomicAckETH.expectTruncationIsRefused()
    }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func `round-trips random headers`(seed: UInt64) throws {
        try AtomicAckETH.expectRoundTrips(seed: seed)
    }
}

extension AtomicAckETH: HeaderCodec {
    static func random(using random: inout SeededGenerator) -> AtomicAckETH {
        AtomicAckETH(originalData: random.number())
    }
}
