import Segment
import SystemIO
import TestSupport
import Testing
import Transport
import Wire

@testable import SoftHCA

/// What a peer, or a program that does not look, can make grow: the table "Queues and their bounds" of ARCHITECTURE.md, as
/// far as other suites do not flood the queue already.
@Suite("Bounds", .serialized)
struct BoundTests {
    /// Packets of a queue pair in a round, as ARCHITECTURE.md has it.
    private static let share: UInt64 = 128

    /// Lets the engine serve who has something to do, by hand: nobody else has a turn while the lock is held.
    ///
    /// - Parameter begin: Gives both pairs something to do: the first 1024 packets, the second one packet.
    private static func expectShares(
        _ type: QueuePairType,
        servedIndex: Int,
        _ begin: (ConnectedPair) throws -> Void
    ) throws {
        let busy = try ConnectedPair(type: type, byteCount: 1 << 20)
        let other = try ConnectedPair(type: type, byteCount: 64)
        let (first, second) = (busy.queuePairs[servedIndex], other.queuePairs[servedIndex])
        let engine = busy.context.engine
        let now = Timestamp(nanoseconds: MonotonicClock.now)
        try engine.lock.withLock {
            // What earlier tests left is none of this one.
            engine.serveTouched(now: now)
            try #require(engine.touchedCount == 0)
            for pair in [busy, other] {
                try begin(pair)
                engine.touch(pair.queuePairs[servedIndex])
            }
            var before = engine.counters.sentPackets
            func serve() -> UInt64 {
                engine.serveTouched(now: now)
                defer { before = engine.counters.sentPackets }
                return engine.counters.sentPackets - before
            }
            #expect(serve() == Self.share + 1, "the one its share, and the other, behind it, what it had to say")
            #expect(first.isTouched && first.isUnfinished && engine.hasUnfinishedPackets)
            #expect(!second.isTouched && !second.isUnfinished)
            #expect(engine.touchedCount == 1)
            for _ in 1..<8 { #expect(serve() == Self.share) }
            // That nothing is left is found out by asking once more.
            #expect(serve() == 0)
            #expect(engine.touchedCount == 0)
            engine.flush()
        }
        try busy.close()
        try other.close()
    }

    @Test func `of an answer no more than its share is sent in a round, and others have their turn in it`() throws {
        try Self.expectShares(.reliable, servedIndex: 1) { pair in
            // Asked for in one part, as no peer of ours would.
            let attacker = try Attacker(on: pair)
            let request = attacker.header(.rcReadRequest, psn: attacker.expectedPSN) {
                $0.reth.dmaByteCount = UInt32(pair.byteCount)
            }
            attacker.target.receiveConnected(request, payload: RawSpan(), now: Timestamp(nanoseconds: 1))
        }
    }

    @Test func `of a message no more than its share is sent in a round, and others have their turn in it`() throws {
        try Self.expectShares(.unreliableConnected, servedIndex: 0) { pair in
            pair.queuePairs[0].sendQueue.beginBatch()
            #expect(pair.appendSend(workRequestID: 1, opcode: 0) == nil)
            pair.queuePairs[0].startCommitted()
        }
    }

    @Test func `a round takes no more than its share from the socket`() throws {
        let pair = try ConnectedPair(type: .reliable, byteCount: 64)
        let attacker = try Attacker(on: pair)
        attacker.waitsForVictim = false
        // Nothing that others left in the socket shall be counted.
        attacker.letVictimReceive()
        let engine = pair.context.engine
        let (sentCount, share): (UInt64, UInt64) = (100, 32)
        try engine.lock.withLock {
            let before = engine.counters.receivedPackets
            var takenCount: UInt64 = 0
            for _ in 0..<sentCount {
                try attacker.send(attacker.header(.rcAcknowledge, psn: PSN(truncating: 0)))
            }
            // The kernel may bring them late when it has much to do.
            let deadline = MonotonicClock.now + 10_000_000_000
            while takenCount < sentCount, MonotonicClock.now < deadline {
                let hasReceived = engine.receiveAll(now: Timestamp(nanoseconds: MonotonicClock.now))
                let count = engine.counters.receivedPackets - before - takenCount
                #expect(count <= share && hasReceived == (count > 0))
                takenCount += count
            }
            #expect(takenCount == sentCount)
        }
        try pair.close()
    }

    @Test func `completions that nobody polls stop the queue pair, and not another`() throws {
        let pair = try ConnectedPair(type: .reliable, byteCount: 64)
        let capacity = pair.completions[1].capacity
        for index in 0..<capacity {
            #expect(pair.postReceive(workRequestID: UInt64(index)) == nil)
            #expect(pair.postSend(workRequestID: UInt64(index), opcode: 2) == nil)
            #expect(try #require(pair.waitForSend()).status == 0)
        }
        #expect(pair.queuePairs[1].state == .readyToSend)
        #expect(pair.postReceive(workRequestID: 99) == nil)
        #expect(pair.postSend(workRequestID: 99, opcode: 2) == nil)
        _ = pair.waitForSend()
        #expect(pair.queuePairs[1].state == .error)
        #expect(pair.completions[1].hasOverrun)
        #expect(pair.completions[1].ring.count == capacity)
        #expect(!pair.completions[0].hasOverrun)
        try pair.close()
    }

    @Test func `asynchronous events that nobody fetches are counted from some number on`() throws {
        let queue = try AsyncEventQueue()
        let context = try Context.forTesting()
        for _ in 0..<(Limits.pendingAsyncEvents + 10) { queue.push(AsyncEvent(.portActive, .port(1))) }
        #expect(queue.lostCount == 10)
        for _ in 0..<Limits.pendingAsyncEvents { _ = try queue.next() }
        try context.close()
    }

    @Test func `packets of an unreliable connection that bring nothing to an end take no memory`() throws {
        let pair = try ConnectedPair(type: .unreliableConnected, byteCount: 4096)
        let attacker = try Attacker(on: pair)
        func flood(_ count: Int) throws {
            for _ in 0..<count {
                try attacker.send(
                    attacker.header(.ucSendFirst, psn: attacker.guessedPSN()),
                    payload: [UInt8](repeating: 1, count: 1024)
                )
            }
            attacker.letVictimReceive()
        }
        #expect(pair.postReceive(workRequestID: 1) == nil)
        try flood(2000)
        let before = try AdversaryTests.residentPageCount()
        try flood(20_000)
        #expect(try AdversaryTests.residentPageCount() - before < 256)
        #expect(pair.completions[1].ring.count == 0)
        try pair.close()
    }
}
