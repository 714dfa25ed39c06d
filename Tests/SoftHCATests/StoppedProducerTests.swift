import Synchronization
import SystemIO
import TestSupport
import Testing

@testable import Segment
@testable import SoftHCA

/// A process is stopped while it holds a lock that completions are appended under, or requests taken.
@Suite("A stopped process that holds a lock", .serialized)
struct StoppedProducerTests {
    /// A block that no process of the test has.
    private static let block: UInt32 = 1023

    /// Holds a lock in the name of another process, which lives, and gives it back when told, or after ten seconds, so that who waits
    /// for it fails the test and does not hang it.
    private final class Holder: Sendable {
        private let lock: HolderLock
        private let isReleased = Atomic<Bool>(false)

        init(_ lock: HolderLock) {
            self.lock = lock
            precondition(lock.lock() == .clean)
        }

        var isHolding: Bool { !self.isReleased.load(ordering: .acquiring) }

        func release() {
            if !self.isReleased.exchange(true, ordering: .acquiringAndReleasing) { self.lock.unlock() }
        }

        func watch() {
            let deadline = MonotonicClock.now + 10_000_000_000
            while self.isHolding, MonotonicClock.now < deadline { MonotonicClock.sleep(nanoseconds: 1_000_000) }
            self.release()
        }
    }

    /// Opcode of `ibv_wr_opcode` and length: in the completion's entry, in the arena, by a copy, and a WRITE with immediate.
    @Test(arguments: [(UInt32(2), 8), (2, 4096), (2, 100_000), (1, 4096)])
    func `a message waits for it, and its sender does not`(opcode: UInt32, byteCount: Int) throws {
        let pair = try ConnectedPair(type: .reliable, byteCount: byteCount, policy: .direct)
        let segment = pair.context.segment
        let liveness = segment.liveness.isAlive
        segment.liveness.isAlive = { block, incarnation in
            block == Self.block || liveness?(block, incarnation) ?? true
        }
        defer { segment.liveness.isAlive = liveness }
        pair.fillSource(seed: byteCount)
        #expect(pair.postReceive(workRequestID: 5) == nil)

        let view = segment.view.attach(Self.block, incarnation: 1)
        let ring = try #require(view.completionRing(at: UInt32(pair.completions[1].ring.index)))
        let holder = Holder(ring.producerLock)
        let watch = try BackgroundThread { holder.watch() }
        #expect(pair.postSend(workRequestID: 6, opcode: opcode) == nil)
        #expect(holder.isHolding, "the sender waited")
        for _ in 0..<100 { #expect(pair.completions[0].poll(1) { _, _ in } == 0) }
        #expect(holder.isHolding, "a poll waited")
        holder.release()
        watch.join()

        #expect(pair.waitForReceive()?.workRequestID == 5)
        #expect(pair.waitForSend()?.status == 0)
        #expect(pair.targetEqualsSource)
        try pair.close()
    }
}
