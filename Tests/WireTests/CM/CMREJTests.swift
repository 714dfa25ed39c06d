import TestSupport
import Testing

@testable import Wire

@Suite("CM REJ")
struct CMREJTests {
    /// Worked out by hand from IBTA Volume 1, section 12.6.7.
    private static let golden =
        [UInt8](
            hex: """
                01020304 05060708 80 22 001C
                """
        ) + [UInt8](pattern: 72) + [UInt8](pattern: 148, from: 100)
    private static let reserved: [Int: UInt8] = [8: 0x3F, 9: 0x01]

    private static var goldenMessage: CM.REJ {
        var message = CM.REJ(
            localCommunicationID: 0x0102_0304,
            remoteCommunicationID: 0x0506_0708,
            rejected: .none,
            reason: .consumerReject
        )
        message.additionalInformationByteCount = 17
        message.additionalInformation = FixedBytes([UInt8](pattern: 72))
        message.privateData = FixedBytes([UInt8](pattern: 148, from: 100))
        return message
    }

    @Test func `codes the golden bytes`() throws {
        try CM.REJ.expectGolden(Self.golden, Self.goldenMessage)
    }

    @Test func `refuses truncated bytes`() {
        CM.REJ.expectTruncationIsRefused()
    }

    @Test func `ignores reserved bits and no other`() throws {
        try CM.REJ.expectReservedBitsAreIgnored(Self.golden, Self.reserved)
        try CM.REJ.expectEveryOtherBitCounts(Self.golden, Self.reserved)
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `round-trips random messages`(seed: UInt64) throws {
        try CM.REJ.expectRoundTrips(seed: seed)
    }
}

extension CM.REJ: HeaderCodec {
    static func random(using random: inout SeededGenerator) -> CM.REJ {
        var message = CM.REJ(
            localCommunicationID: random.number(),
            remoteCommunicationID: random.number(),
            rejected: Rejected(truncating: random.number()),
            reason: CM.RejectReason(rawValue: random.number())
        )
        message.additionalInformationByteCount = random.number() & 0x7F
        message.additionalInformation = .random(using: &random)
        message.privateData = .random(using: &random)
        return message
    }
}
