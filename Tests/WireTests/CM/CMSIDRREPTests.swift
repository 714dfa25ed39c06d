import TestSupport
import Testing

@testable import Wire

@Suite("CM SIDR_REP")
struct CMSIDRREPTests {
    /// Worked out by hand from IBTA Volume 1, section 12.11.2.
    private static let golden =
        [UInt8](
            hex: """
                01020304 04 05 A1A2 0ABCDE A3 0000000001111C06 11223344
                """
        ) + [UInt8](pattern: 72) + [UInt8](pattern: 136, from: 100)
    private static let reserved: [Int: UInt8] = [:]

    private static var goldenMessage: CM.SIDRREP {
        var message = CM.SIDRREP(
            requestID: 0x0102_0304,
            status: .redirected,
            serviceID: ServiceID(ipProtocol: 17, port: 7174)
        )
        message.additionalInformationByteCount = 5
        message.vendorID = 0xA1_A2A3
        message.qpn = QPN(truncating: 0x0A_BCDE)
        message.qKey = 0x1122_3344
        message.additionalInformation = FixedBytes([UInt8](pattern: 72))
        message.privateData = FixedBytes([UInt8](pattern: 136, from: 100))
        return message
    }

    @Test func `codes the golden bytes`() throws {
        try CM.SIDRREP.expectGolden(Self.golden, Self.goldenMessage)
    }

    @Test func `refuses truncated bytes`() {
        CM.SIDRREP.expectTruncationIsRefused()
    }

    @Test func `ignores reserved bits and no other`() throws {
        try CM.SIDRREP.expectReservedBitsAreIgnored(Self.golden, Self.reserved)
        try CM.SIDRREP.expectEveryOtherBitCounts(Self.golden, Self.reserved)
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `round-trips random messages`(seed: UInt64) throws {
        try CM.SIDRREP.expectRoundTrips(seed: seed)
    }
}

extension CM.SIDRREP: HeaderCodec {
    static func random(using random: inout SeededGenerator) -> CM.SIDRREP {
        var message = CM.SIDRREP(
            requestID: random.number(),
            status: Status(rawValue: random.number()),
            serviceID: ServiceID(rawValue: random.number())
        )
        message.additionalInformationByteCount = random.number()
        message.vendorID = random.number() & 0xFF_FFFF
        message.qpn = QPN(truncating: random.number())
        message.qKey = random.number()
        message.additionalInformation = .random(using: &random)
        message.privateData = .random(using: &random)
        return message
    }
}
