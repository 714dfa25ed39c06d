import TestSupport
import Testing

@testable import Wire

@Suite("CM SIDR_REQ")
struct CMSIDRREQTests {
    /// Worked out by hand from IBTA Volume 1, section 12.11.1.
    private static let golden =
        [UInt8](
            hex: """
                01020304 8001 0000 0000000001111C06
                """
        ) + [UInt8](pattern: 216)
    private static let reserved: [Int: UInt8] = [6: 0xFF, 7: 0xFF]

    private static var goldenMessage: CM.SIDRREQ {
        var message = CM.SIDRREQ(
            requestID: 0x0102_0304,
            pKey: 0x8001,
            serviceID: ServiceID(ipProtocol: 17, port: 7174)
        )
        message.privateData = FixedBytes([UInt8](pattern: 216))
        return message
    }

    @Test func `codes the golden bytes`() throws {
        try CM.SIDRREQ.expectGolden(Self.golden, Self.goldenMessage)
    }

    @Test func `refuses truncated bytes`() {
        CM.SIDRREQ.expectTruncationIsRefused()
    }

    @Test func `ignores reserved bits and no other`() throws {
        try CM.SIDRREQ.expectReservedBitsAreIgnored(Self.golden, Self.reserved)
        try CM.SIDRREQ.expectEveryOtherBitCounts(Self.golden, Self.reserved)
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `round-trips random messages`(seed: UInt64) throws {
        try CM.SIDRREQ.expectRoundTrips(seed: seed)
    }
}

extension CM.SIDRREQ: HeaderCodec {
    static func random(using random: inout SeededGenerator) -> CM.SIDRREQ {
        var message = CM.SIDRREQ(
            requestID: random.number(),
            pKey: random.number(),
            serviceID: ServiceID(rawValue: random.number())
        )
        message.privateData = .random(using: &random)
        return message
    }
}
