import TestSupport
import Testing

@testable import Transport

@Suite("Token bucket")
struct TokenBucketTests {
    private static func time(_ nanoseconds: UInt64) -> Timestamp { Timestamp(nanoseconds: nanoseconds) }

    @Test func `gives a burst, and then one token a time`() {
        var bucket = TokenBucket(capacity: 3, refillNanoseconds: 100)
        let taken = [1000, 1000, 1001, 1002, 1099, 1100, 1100, 1199, 1200, 1200].map { bucket.take(now: Self.time($0)) }
        #expect(taken == [true, true, true, false, false, true, false, false, true, false])
    }

    @Test func `is full again after rest, and no fuller`() {
        var bucket = TokenBucket(capacity: 3, refillNanoseconds: 100)
        while bucket.take(now: Self.time(50)) {}
        let taken = (0..<5).map { _ in bucket.take(now: Self.time(1_000_000)) }
        #expect(taken == [true, true, true, false, false])
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `never gives more than the burst and what came back`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var bucket = TokenBucket(capacity: 10, refillNanoseconds: 1000)
        var now: UInt64 = 5_000_000
        let start = now
        var count: UInt64 = 0
        for _ in 0..<10_000 {
            now += random.next() % 700
            if bucket.take(now: Self.time(now)) { count += 1 }
            guard count <= 10 + (now - start) / 1000 else {
                Issue.record("\(count) tokens in \(now - start) ns")
                return
            }
        }
        // Asked for more often than they come back, so that none is left.
        #expect(count >= (now - start) / 1000)
    }
}
