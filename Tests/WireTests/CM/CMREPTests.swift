import TestSupport
import Testing

@testable import Wire

@Suite("CM REP")
struct CMREPTests {
    /// Worked out by hand from IBTA Volume 1, section 12.6.8.
    private static let golden =
        [UInt8](
            hex: """
                01020304 05060708 11223344 0ABCDE A1 123456 A2 FEDCBA A3 07 08 7D B0 505400FFFE770002
                """
        ) + [UInt8](pattern: 196)
    private static let reserved: [Int: UInt8] = [27: 0x0F]

    private static var goldenMessage: CM.REP {
        var message = CM.REP(
            localCommunicationID: 0x0102_0304,
            remoteCommunicationID: 0x0506_0708,
            localQPN: QPN(truncating: 0x0A_BCDE),
            startingPSN: PSN(truncating: 0xFE_DCBA)
        )
        message.localQKey = 0x1122_3344
        message.vendorID = 0xA1_A2A3
        message.localEECN = 0x12_3456
        message.responderResources = 7
        message.initiatorDepth = 8
        message.targetACKDelay = CM.ResponseTimeout(truncating: 15)
        message.failover = .rejected
        message.hasEndToEndFlowControl = true
        message.rnrRetryCount = 5
        message.hasSRQ = true
        message.localCAGUID = 0x5054_00FF_FE77_0002
        message.privateData = FixedBytes([UInt8](pattern: 196))
        return message
    }

    @Test func `codes the golden bytes`() throws {
        try CM.REP.expectGolden(Self.golden, Self.goldenMessage)
    }

    @Test func `refuses truncated bytes`() {
        CM.REP.expectTruncationIsRefused()
    }

    @Test func `ignores reserved bits and no other`() throws {
        try CM.REP.expectReservedBitsAreIgnored(Self.golden, Self.reserved)
        try CM.REP.expectEveryOtherBitCounts(Self.golden, Self.reserved)
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `round-trips random messages`(seed: UInt64) throws {
        try CM.REP.expectRoundTrips(seed: seed)
    }
}

extension CM.REP: HeaderCodec {
    static func random(using random: inout SeededGenerator) -> CM.REP {
        var message = CM.REP(
            localCommunicationID: random.number(),
            remoteCommunicationID: random.number(),
            localQPN: QPN(truncating: random.number()),
            startingPSN: PSN(truncating: random.number())
        )
        message.localQKey = random.number()
        message.vendorID = random.number() & 0xFF_FFFF
        message.localEECN = random.number() & 0xFF_FFFF
        message.responderResources = random.number()
        message.initiatorDepth = random.number()
        message.targetACKDelay = CM.ResponseTimeout(truncating: random.number())
        message.failover = Failover(truncating: random.number())
        message.hasEndToEndFlowControl = Bool.random(using: &random)
        message.rnrRetryCount = random.number() & 7
        message.hasSRQ = Bool.random(using: &random)
        message.localCAGUID = random.number()
        message.privateData = .random(using: &random)
        return message
    }
}
