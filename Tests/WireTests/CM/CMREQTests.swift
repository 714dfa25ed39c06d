import TestSupport
import Testing

@testable import Wire

@Suite("CM REQ")
struct CMREQTests {
    /// Worked out by hand from IBTA Volume 1, section 12.6.5.
    private static let golden =
        [UInt8](
            hex: """
                01020304 00 AABBCC 0000000001061C06 505400FFFE770001 00000000 11223344 0ABCDE 05 123456 06 654321 A7
                FEDCBA 95 8001 5E 99
                0001 0002 FE800000000000000000000000000001 FE800000000000000000000000000002 ABCDE02A 7F 40 B8 98
                0003 0004 00000000000000000000FFFF0A4D0002 00000000000000000000FFFF0A4D0003 54321015 01 02 50 F8
                """
        ) + [UInt8](pattern: 92)
    private static let reserved: [Int: UInt8] = [
        4: 0xFF, 24: 0xFF, 25: 0xFF, 26: 0xFF, 27: 0xFF, 90: 0x0F, 91: 0xC0, 94: 0x07, 95: 0x07, 134: 0x0F, 135: 0xC0,
        138: 0x07, 139: 0x07,
    ]

    fileprivate static var goldenMessage: CM.REQ {
        var message = CM.REQ(
            localCommunicationID: 0x0102_0304,
            serviceID: ServiceID(ipProtocol: 6, port: 7174),
            localQPN: QPN(truncating: 0x0A_BCDE),
            startingPSN: PSN(truncating: 0xFE_DCBA),
            transportServiceType: .extended,
            pathMTUCode: 5,
            primaryPath: CM.Path(
                localLID: 1,
                remoteLID: 2,
                localGID: GID(prefix: 0xFE80_0000_0000_0000, interfaceID: 1),
                remoteGID: GID(prefix: 0xFE80_0000_0000_0000, interfaceID: 2),
                flowLabel: 0xA_BCDE,
                packetRate: 0x2A,
                trafficClass: 0x7F,
                hopLimit: 64,
                serviceLevel: 0xB,
                isSubnetLocal: true,
                localACKTimeout: LocalACKTimeout(truncating: 19)
            )
        )
        message.vendorID = 0xAA_BBCC
        message.localCAGUID = 0x5054_00FF_FE77_0001
        message.localQKey = 0x1122_3344
        message.responderResources = 5
        message.localEECN = 0x12_3456
        message.initiatorDepth = 6
        message.remoteEECN = 0x65_4321
        message.remoteCMResponseTimeout = CM.ResponseTimeout(truncating: 20)
        message.hasEndToEndFlowControl = true
        message.localCMResponseTimeout = CM.ResponseTimeout(truncating: 18)
        message.retryCount = 5
        message.pKey = 0x8001
        message.hasRDC = true
        message.rnrRetryCount = 6
        message.cmRetriesMax = 9
        message.hasSRQ = true
        message.extendedTransportType = 1
        message.alternatePath = CM.Path(
            localLID: 3,
            remoteLID: 4,
            localGID: GID(ipv4: 0x0A4D_0002),
            remoteGID: GID(ipv4: 0x0A4D_0003),
            flowLabel: 0x5_4321,
            packetRate: 0x15,
            trafficClass: 1,
            hopLimit: 2,
            serviceLevel: 5,
            localACKTimeout: LocalACKTimeout(truncating: 31)
        )
        message.privateData = FixedBytes([UInt8](pattern: 92))
        return message
    }

    @Test func `codes the golden bytes`() throws {
        try CM.REQ.expectGolden(Self.golden, Self.goldenMessage)
    }

    @Test func `refuses truncated bytes`() {
        CM.REQ.expectTruncationIsRefused()
    }

    @Test func `ignores reserved bits and no other`() throws {
        try CM.REQ.expectReservedBitsAreIgnored(Self.golden, Self.reserved)
        try CM.REQ.expectEveryOtherBitCounts(Self.golden, Self.reserved)
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `round-trips random messages`(seed: UInt64) throws {
        try CM.REQ.expectRoundTrips(seed: seed)
    }

    @Test func `traps on a value that would change its neighbours`() async {
        await #expect(processExitsWith: .failure) {
            var message = CMREQTests.goldenMessage
            message.retryCount = 8
            _ = message.encoded()
        }
    }
}

extension CM.REQ: HeaderCodec {
    static func random(using random: inout SeededGenerator) -> CM.REQ {
        var message = CM.REQ(
            localCommunicationID: random.number(),
            serviceID: ServiceID(rawValue: random.number()),
            localQPN: QPN(truncating: random.number()),
            startingPSN: PSN(truncating: random.number()),
            transportServiceType: TransportServiceType(truncating: random.number()),
            pathMTUCode: random.number() & 0xF,
            primaryPath: .random(using: &random)
        )
        message.vendorID = random.number() & 0xFF_FFFF
        message.localCAGUID = random.number()
        message.localQKey = random.number()
        message.responderResources = random.number()
        message.localEECN = random.number() & 0xFF_FFFF
        message.initiatorDepth = random.number()
        message.remoteEECN = random.number() & 0xFF_FFFF
        message.remoteCMResponseTimeout = CM.ResponseTimeout(truncating: random.number())
        message.hasEndToEndFlowControl = Bool.random(using: &random)
        message.localCMResponseTimeout = CM.ResponseTimeout(truncating: random.number())
        message.retryCount = random.number() & 7
        message.pKey = random.number()
        message.hasRDC = Bool.random(using: &random)
        message.rnrRetryCount = random.number() & 7
        message.cmRetriesMax = random.number() & 0xF
        message.hasSRQ = Bool.random(using: &random)
        message.extendedTransportType = random.number() & 7
        message.alternatePath = .random(using: &random)
        message.privateData = .random(using: &random)
        return message
    }
}

extension CM.Path {
    static func random(using random: inout SeededGenerator) -> CM.Path {
        CM.Path(
            localLID: random.number(),
            remoteLID: random.number(),
            localGID: .random(using: &random),
            remoteGID: .random(using: &random),
            flowLabel: random.number() & 0xF_FFFF,
            packetRate: random.number() & 0x3F,
            trafficClass: random.number(),
            hopLimit: random.number(),
            serviceLevel: random.number() & 0xF,
            isSubnetLocal: Bool.random(using: &random),
            localACKTimeout: LocalACKTimeout(truncating: random.number())
        )
    }
}
