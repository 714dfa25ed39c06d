import SystemIO
import TestSupport
import Testing

@testable import Segment

@Suite("Moderation of a completion ring")
struct CompletionRingModerationTests {
    private let segment: ProcessSegment
    private let ring: CompletionRing

    init() throws {
        self.segment = try ProcessSegment.forTesting()
        self.ring = try CompletionRing(in: self.segment, capacity: 64)
        // Only a ring with a channel raises events.
        self.ring.channelDescriptor.storeRelaxed(1)
    }

    private func push(isSolicited: Bool = false) -> CompletionRing.PushOutcome {
        self.ring.push(WorkCompletion(), isSolicited: isSolicited)
    }

    @Test(arguments: [(0, 0), (1, 0), (1, 500)] as [(UInt16, UInt64)])
    func `is off without a limit that could make anything wait`(count: UInt16, period: UInt64) {
        self.ring.moderate(countMax: count, periodNanoseconds: period)
        #expect(!self.ring.isModerated)
        self.ring.arm(solicitedOnly: false)
        #expect(self.push() == .storedAndDue)
    }

    @Test func `counts, and begins anew`() {
        self.ring.moderate(countMax: 3, periodNanoseconds: 0)
        for _ in 0..<2 {
            self.ring.arm(solicitedOnly: false)
            #expect(self.push() == .stored)
            #expect(self.push() == .stored)
            #expect(self.push() == .storedAndDue)
        }
        #expect(self.ring.moderationDeadline == nil)
    }

    @Test func `the period runs from the first that waits`() throws {
        self.ring.moderate(countMax: 100, periodNanoseconds: 5_000)
        self.ring.arm(solicitedOnly: false)
        let before = MonotonicClock.now
        #expect(self.push() == .storedAndWaiting)
        let deadline = try #require(self.ring.moderationDeadline)
        #expect((before + 5_000...MonotonicClock.now + 5_000).contains(deadline))
        #expect(self.push() == .stored)
        #expect(self.ring.moderationDeadline == deadline)
        #expect(!self.ring.endModeration(now: deadline - 1))
        #expect(self.ring.endModeration(now: deadline))
        #expect(self.ring.moderationDeadline == nil)
        #expect(!self.ring.endModeration(now: deadline + 60_000))
    }

    @Test func `what was solicited is forgotten with its event`() {
        self.ring.moderate(countMax: 2, periodNanoseconds: 0)
        self.ring.arm(solicitedOnly: true)
        #expect(self.push(isSolicited: true) == .stored)
        #expect(self.push() == .storedAndDue)
        self.ring.arm(solicitedOnly: true)
        #expect(self.push() == .stored)
        #expect(self.push() == .stored)
    }
}
