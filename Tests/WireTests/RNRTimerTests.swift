import Testing

@testable import Wire

@Suite("RNR timer")
struct RNRTimerTests {
    /// IBTA Volume 1, table 45, in units of 0.01 ms.
    private static let hundredthsOfMilliseconds: [UInt64] = [
        65536, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096,
        6144, 8192, 12288, 16384, 24576, 32768, 49152,
    ]

    @Test func `waits as long as the table says`() {
        for (code, hundredths) in Self.hundredthsOfMilliseconds.enumerated() {
            #expect(RNRTimer(truncating: UInt8(code)).nanoseconds == hundredths * 10_000)
        }
    }

    @Test func `a wait rounds up to a code`() {
        for code in 0..<32 as Range<UInt8> {
            let timer = RNRTimer(truncating: code)
            #expect(RNRTimer(nanosecondsAtLeast: timer.nanoseconds) == timer)
            #expect(RNRTimer(nanosecondsAtLeast: timer.nanoseconds - 1) == timer)
        }
        #expect(RNRTimer(nanosecondsAtLeast: 0).rawValue == 1)
        #expect(RNRTimer(nanosecondsAtLeast: 10_001).rawValue == 2)
        #expect(RNRTimer(nanosecondsAtLeast: 491_520_001).rawValue == 0)
        #expect(RNRTimer(nanosecondsAtLeast: .max).rawValue == 0)
    }

    @Test func `takes the low 5 bits`() {
        #expect(RNRTimer(truncating: 0x2C).rawValue == 12)
    }
}
