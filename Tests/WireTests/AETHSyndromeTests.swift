import Testing

@testable import Wire

@Suite("AETH syndrome")
struct AETHSyndromeTests {
    @Test(arguments: UInt8.min ... .max)
    func `every byte comes back as it was`(rawValue: UInt8) {
        #expect(AETHSyndrome(rawValue: rawValue).rawValue == rawValue)
    }

    /// Values from IBTA Volume 1, tables 43 and 44, and from captures of Linux.
    @Test func `means what the specification says`() {
        #expect(AETHSyndrome(rawValue: 0x1F) == .ack(credits: .unlimited))
        #expect(AETHSyndrome(rawValue: 0x05) == .ack(credits: CreditCode(truncating: 5)))
        #expect(AETHSyndrome(rawValue: 0x30) == .rnrNAK(RNRTimer(truncating: 16)))
        #expect(AETHSyndrome(rawValue: 0x60) == .nak(.psnSequenceError))
        #expect(AETHSyndrome(rawValue: 0x61) == .nak(.invalidRequest))
        #expect(AETHSyndrome(rawValue: 0x62) == .nak(.remoteAccessError))
        #expect(AETHSyndrome(rawValue: 0x63) == .nak(.remoteOperationalError))
        #expect(AETHSyndrome(rawValue: 0x64) == .nak(.invalidRDRequest))
    }

    @Test func `reserved values are unknown`() {
        let reserved = Array(0x40...0x5F as ClosedRange<UInt8>) + Array(0x65...0xFF as ClosedRange<UInt8>)
        for rawValue in reserved {
            #expect(AETHSyndrome(rawValue: rawValue) == .unknown(rawValue: rawValue))
        }
    }
}
