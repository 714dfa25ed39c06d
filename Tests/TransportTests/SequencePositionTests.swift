import TestSupport
import Testing
import Wire

@testable import Transport

@Suite("Sequence positions")
struct SequencePositionTests {
    @Test func `the first position with a PSN is here or ahead, across the wrap`() {
        let start = SequencePosition(startingAt: PSN(truncating: 0xFF_FFFE))
        #expect(start.first(PSN(truncating: 0xFF_FFFE)) == start)
        #expect(start.first(PSN(truncating: 1)) == start.advanced(by: 3))
        #expect(start.first(PSN(truncating: 0xFF_FFFD)) == start.advanced(by: 0xFF_FFFF))
    }

    @Test func `the nearest position with a PSN may lie behind`() {
        let start = SequencePosition(startingAt: PSN(truncating: 2))
        #expect(start.nearest(PSN(truncating: 0xFF_FFFF)).advanced(by: 3) == start)
        #expect(start.nearest(PSN(truncating: 5)) == start.advanced(by: 3))
        // Exactly half of the space away counts as behind.
        #expect(start.nearest(PSN(truncating: 2 + 1 << 23)) < start)
        #expect(start.nearest(PSN(truncating: 1 + 1 << 23)) > start)
    }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func `a position comes back from its PSN`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<1000 {
            let start = SequencePosition(startingAt: PSN(truncating: .random(in: .min ... .max, using: &random)))
            let count = UInt32.random(in: 0..<(1 << 23), using: &random)
            let ahead = start.advanced(by: count)
            guard ahead.count(since: start) == count, start.first(ahead.psn) == ahead,
                start.nearest(ahead.psn) == ahead,
                ahead.nearest(start.psn) == start
            else {
                Issue.record("\(start) and \(count)")
                return
            }
        }
    }
}
