import TestSupport
import Testing

@testable import Wire

@Suite("RDMA Extended Transport Header")
struct RETHTests {
    /// Worked out by hand from IBTA Volume 1, section 9.3.3.
    private static let golden: [UInt8] = [
        0x00, 0x00, 0x7F, 0x12, 0x34, 0x56, 0x78, 0x9A, 0xDE, 0xAD, 0xBE, 0xEF, 0x80, 0x00, 0x00, 0x01,
    ]
    private static let goldenHeader = RETH(
        virtualAddress: 0x0000_7F12_3456_789A,
        rKey: 0xDEAD_BEEF,
        dmaByteCount: 0x8000_0001
    )

    @Test func `codes the golden bytes`() throws {
        try RETH.expectGolden(Self.golden, Self.goldenHeader)
    }

    @Test func `refuses truncated bytes`() {
        RETH.expectTruncationIsRefused()
    }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func `round-trips random headers`(seed: UInt64) throws {
        try RETH.expectRoundTrips(seed: seed)
    }
}

extension RETH: HeaderCodec {
    static func random(using random: inout SeededGenerator) -> RETH {
        RETH(virtualAddress: random.number(), rKey: random.number(), dmaByteCount: random.number())
    }
}
