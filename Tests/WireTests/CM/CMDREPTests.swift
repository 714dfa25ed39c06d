import TestSupport
import Testing

@testable import Wire

@Suite("CM DREP")
struct CMDREPTests {
    /// Worked out by hand from IBTA Volume 1, section 12.6.11.
    private static let golden =
        [UInt8](
            hex: """
                01020304 05060708
                """
        ) + [UInt8](pattern: 224)
    private static let reserved: [Int: UInt8] = [:]

    private static var goldenMessage: CM.DREP {
        var message = CM.DREP(localCommunicationID: 0x0102_0304, remoteCommunicationID: 0x0506_0708)
        message.privateData = FixedBytes([UInt8](pattern: 224))
        return message
    }

    @Test func `codes the golden bytes`() throws {
        try CM.DREP.expectGolden(Self.golden, Self.goldenMessage)
    }

    @Test func `refuses truncated bytes`() {
        CM.DREP.expectTruncationIsRefused()
    }

    @Test func `ignores reserved bits and no other`() throws {
        try CM.DREP.expectReservedBitsAreIgnored(Self.golden, Self.reserved)
        try CM.DREP.expectEveryOtherBitCounts(Self.golden, Self.reserved)
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `round-trips random messages`(seed: UInt64) throws {
        try CM.DREP.expectRoundTrips(seed: seed)
    }
}

extension CM.DREP: HeaderCodec {
    static func random(using random: inout SeededGenerator) -> CM.DREP {
        var message = CM.DREP(localCommunicationID: random.number(), remoteCommunicationID: random.number())
        message.privateData = .random(using: &random)
        return message
    }
}
