import Testing

@testable import Wire

@Suite("Credit code")
struct CreditCodeTests {
    /// IBTA Volume 1, table 47.
    private static let counts: [UInt32] = [
        0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096,
        6144,
        8192, 12288, 16384, 24576, 32768,
    ]

    @Test func `counts follow the table`() {
        for (code, count) in Self.counts.enumerated() {
            #expect(CreditCode(truncating: UInt8(code)).count == count)
        }
        #expect(CreditCode.unlimited.rawValue == 31)
        #expect(CreditCode.unlimited.count == nil)
        #expect(CreditCode.zero.count == 0)
    }

    @Test func `a count rounds down to a code`() {
        for (code, count) in Self.counts.enumerated() {
            #expect(CreditCode(countAtMost: count).rawValue == UInt8(code))
            #expect(CreditCode(countAtMost: count + 1).count ?? .max <= count + 1)
        }
        #expect(CreditCode(countAtMost: 5).count == 4)
        #expect(CreditCode(countAtMost: .max).count == 32768)
    }

    @Test func `takes the low 5 bits`() {
        #expect(CreditCode(truncating: 0xE3).rawValue == 3)
    }
}
