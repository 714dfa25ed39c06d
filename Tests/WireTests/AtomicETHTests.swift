import TestSupport
import Testing

@testable import Wire

@Suite("Atomic Extended Transport Header")
struct AtomicETHTests {
    /// Worked out by hand from IBTA Volume 1, section 9.3.4.
    private static let golden: [UInt8] = [
        0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0xCA, 0xFE, 0x00, 0x01,
        0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28,
    ]
    private static let goldenHeader = AtomicETH(
        virtualAddress: 0x0102_0304_0506_0708,
        rKey: 0xCAFE_0001,
        swapOrAdd: 0x1112_1314_1516_1718,
        compare: 0x2122_2324_2526_2728
    )

    @Test func `codes the golden bytes`() throws {
        try AtomicETH.expectGolden(Self.golden, Self.goldenHeader)
    }

    @Test func `refuses truncated bytes`() {
        AtomicETH.expectTruncationIsRefused()
    }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func `round-trips random headers`(seed: UInt64) throws {
        try AtomicETH.expectRoundTrips(seed: seed)
    }
}

extension AtomicETH: HeaderCodec {
    static func random(using random: inout SeededGenerator) -> AtomicETH {
        AtomicETH(
            virtualAddress: random.number(),
            rKey: random.number(),
            swapOrAdd: random.number(),
            compare: random.number()
        )
    }
}
