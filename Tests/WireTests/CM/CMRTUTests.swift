import TestSupport
import Testing

@testable import Wire

@Suite("CM RTU")
struct CMRTUTests {
    /// Worked out by hand from IBTA Volume 1, section 12.6.9.
    private static let golden =
        [UInt8](
            hex: """
                01020304 05060708
                """
        ) + [UInt8](pattern: 224)
    private static let reserved: [Int: UInt8] = [:]

    private static var goldenMessage: CM.RTU {
        var message = CM.RTU(localCommunicationID: 0x0102_0304, remoteCommunicationID: 0x0506_0708)
        message.privateData = FixedBytes([UInt8](pattern: 224))
        return message
    }

    @Test func `codes the golden bytes`() throws {
        try CM.RTU.expectGolden(Self.golden, Self.goldenMessage)
    }

    @Test func `refuses truncated bytes`() {
        CM.RTU.expectTruncationIsRefused()
    }

    @Test func `ignores reserved bits and no other`() throws {
        try CM.RTU.expectReservedBitsAreIgnored(Self.golden, Self.reserved)
        try CM.RTU.expectEveryOtherBitCounts(Self.golden, Self.reserved)
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `round-trips random messages`(seed: UInt64) throws {
        try CM.RTU.expectRoundTrips(seed: seed)
    }
}

extension CM.RTU: HeaderCodec {
    static func random(using random: inout SeededGenerator) -> CM.RTU {
        var message = CM.RTU(localCommunicationID: random.number(), remoteCommunicationID: random.number())
        message.privateData = .random(using: &random)
        return message
    }
}
