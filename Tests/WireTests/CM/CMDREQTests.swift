import TestSupport
import Testing

@testable import Wire

@Suite("CM DREQ")
struct CMDREQTests {
    /// Worked out by hand from IBTA Volume 1, section 12.6.10.
    private static let golden =
        [UInt8](
            hex: """
                01020304 05060708 0ABCDE 00
                """
        ) + [UInt8](pattern: 220)
    private static let reserved: [Int: UInt8] = [11: 0xFF]

    private static var goldenMessage: CM.DREQ {
        var message = CM.DREQ(
            localCommunicationID: 0x0102_0304,
            remoteCommunicationID: 0x0506_0708,
            remoteQPN: QPN(truncating: 0x0A_BCDE)
        )
        message.privateData = FixedBytes([UInt8](pattern: 220))
        return message
    }

    @Test func `codes the golden bytes`() throws {
        try CM.DREQ.expectGolden(Self.golden, Self.goldenMessage)
    }

    @Test func `refuses truncated bytes`() {
        CM.DREQ.expectTruncationIsRefused()
    }

    @Test func `ignores reserved bits and no other`() throws {
        try CM.DREQ.expectReservedBitsAreIgnored(Self.golden, Self.reserved)
        try CM.DREQ.expectEveryOtherBitCounts(Self.golden, Self.reserved)
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `round-trips random messages`(seed: UInt64) throws {
        try CM.DREQ.expectRoundTrips(seed: seed)
    }
}

extension CM.DREQ: HeaderCodec {
    static func random(using random: inout SeededGenerator) -> CM.DREQ {
        var message = CM.DREQ(
            localCommunicationID: random.number(),
            remoteCommunicationID: random.number(),
            remoteQPN: QPN(truncating: random.number())
        )
        message.privateData = .random(using: &random)
        return message
    }
}
