import SoftHCA
import Testing

@Suite("Completion moderation")
struct CompletionModerationTests {
    @Test(arguments: [(0, 0), (1, 0), (1, 500)] as [(UInt16, UInt16)])
    func `is off without a limit that could make anything wait`(count: UInt16, period: UInt16) {
        #expect(!CompletionModeration(countMax: count, periodMicroseconds: period).isActive)
    }

    @Test func `counts, and begins anew`() {
        var moderation = CompletionModeration(countMax: 3)
        #expect(moderation.isActive)
        for _ in 0..<2 {
            #expect(moderation.count(isSolicited: false, now: 0) == .wait)
            #expect(moderation.count(isSolicited: true, now: 0) == .wait)
            #expect(moderation.count(isSolicited: false, now: 0) == .due(isSolicited: true))
        }
        #expect(moderation.deadline == nil)
    }

    @Test func `the period runs from the first that waits`() {
        var moderation = CompletionModeration(countMax: 100, periodMicroseconds: 5)
        #expect(moderation.count(isSolicited: false, now: 1_000) == .wait)
        #expect(moderation.count(isSolicited: false, now: 4_000) == .wait)
        #expect(moderation.deadline == 6_000)
        #expect(moderation.handleTimeout(now: 5_999) == .wait)
        #expect(moderation.handleTimeout(now: 6_000) == .due(isSolicited: false))
        #expect(moderation.handleTimeout(now: 60_000) == .wait)
    }

    @Test func `what was solicited is forgotten with its event`() {
        var moderation = CompletionModeration(countMax: 2)
        _ = moderation.count(isSolicited: true, now: 0)
        #expect(moderation.count(isSolicited: false, now: 0) == .due(isSolicited: true))
        _ = moderation.count(isSolicited: false, now: 0)
        #expect(moderation.count(isSolicited: false, now: 0) == .due(isSolicited: false))
    }
}
