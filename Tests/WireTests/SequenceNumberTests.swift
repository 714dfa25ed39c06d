import Testing

@testable import Wire

@Suite("24-bit sequence numbers")
struct SequenceNumberTests {
    @Test func `PSNs wrap at 24 bits`() {
        #expect(PSN(truncating: 0xFFFF_FFFF).rawValue == 0xFF_FFFF)
        #expect(PSN(truncating: 0xFF_FFFF).advanced(by: 1).rawValue == 0)
        #expect(PSN(truncating: 5).advanced(by: .max).rawValue == 4)
    }

    @Test func `distances are signed and relative`() {
        let last = PSN(truncating: 0xFF_FFFF)
        let first = PSN(truncating: 0)
        #expect(last.distance(to: first) == 1)
        #expect(first.distance(to: last) == -1)
        #expect(first.distance(to: PSN(truncating: 0x7F_FFFF)) == 0x7F_FFFF)
        #expect(first.distance(to: PSN(truncating: 0x80_0000)) == -0x80_0000)
        #expect(first.distance(to: first) == 0)
    }

    @Test func `MSNs count alike`() {
        let last = MSN(truncating: 0x1FF_FFFF)
        #expect(last.rawValue == 0xFF_FFFF)
        #expect(last.advanced(by: 2).rawValue == 1)
        #expect(last.distance(to: last.advanced(by: 2)) == 2)
        #expect(last.advanced(by: 2).distance(to: last) == -2)
    }

    @Test func `a QPN has 24 bits`() {
        #expect(QPN(0x100_0000) == nil)
        #expect(QPN(0xFF_FFFF)?.rawValue == 0xFF_FFFF)
        #expect(QPN(truncating: 0x1234_5678).rawValue == 0x34_5678)
    }
}
