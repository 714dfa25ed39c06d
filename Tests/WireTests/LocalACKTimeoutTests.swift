import Testing

@testable import Wire

@Suite("Local ACK timeout")
struct LocalACKTimeoutTests {
    @Test func `is 4096 ns times a power of two`() {
        #expect(LocalACKTimeout(truncating: 0).nanoseconds == nil)
        #expect(LocalACKTimeout(truncating: 1).nanoseconds == 8192)
        // The usual one of verbs programs: 67 ms.
        #expect(LocalACKTimeout(truncating: 14).nanoseconds == 67_108_864)
        #expect(LocalACKTimeout(truncating: 31).nanoseconds == 8_796_093_022_208)
    }

    @Test func `takes the low 5 bits`() {
        #expect(LocalACKTimeout(truncating: 0x21).rawValue == 1)
    }
}
