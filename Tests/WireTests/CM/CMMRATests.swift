import TestSupport
import Testing

@testable import Wire

@Suite("CM MRA")
struct CMMRATests {
    /// Worked out by hand from IBTA Volume 1, section 12.6.6.
    private static let golden =
        [UInt8](
            hex: """
                01020304 05060708 40 A8
                """
        ) + [UInt8](pattern: 222)
    private static let reserved: [Int: UInt8] = [8: 0x3F, 9: 0x07]

    private static var goldenMessage: CM.MRA {
        var message = CM.MRA(
            localCommunicationID: 0x0102_0304,
            remoteCommunicationID: 0x0506_0708,
            acknowledged: .rep,
            serviceTimeout: CM.ResponseTimeout(truncating: 21)
        )
        message.privateData = FixedBytes([UInt8](pattern: 222))
        return message
    }

    @Test func `codes the golden bytes`() throws {
        try CM.MRA.expectGolden(Self.golden, Self.goldenMessage)
    }

    @Test func `refuses truncated bytes`() {
        CM.MRA.expectTruncationIsRefused()
    }

    @Test func `ignores reserved bits and no other`() throws {
        try CM.MRA.expectReservedBitsAreIgnored(Self.golden, Self.reserved)
        try CM.MRA.expectEveryOtherBitCounts(Self.golden, Self.reserved)
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `round-trips random messages`(seed: UInt64) throws {
        try CM.MRA.expectRoundTrips(seed: seed)
    }

    @Test func `times are powers of two`() {
        #expect(CM.ResponseTimeout(truncating: 0).nanoseconds == 4096)
        #expect(CM.ResponseTimeout(truncating: 20).nanoseconds == 4_294_967_296)
        #expect(CM.ResponseTimeout(truncating: 0xFF).nanoseconds == 8_796_093_022_208)
    }
}

extension CM.MRA: HeaderCodec {
    static func random(using random: inout SeededGenerator) -> CM.MRA {
        var message = CM.MRA(
            localCommunicationID: random.number(),
            remoteCommunicationID: random.number(),
            acknowledged: Acknowledged(truncating: random.number()),
            serviceTimeout: CM.ResponseTimeout(truncating: random.number())
        )
        message.privateData = .random(using: &random)
        return message
    }
}
