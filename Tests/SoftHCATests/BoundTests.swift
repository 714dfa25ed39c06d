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
    @Test func `an answer of many rounds leaves other queue pairs their turn`() throws {
        let busy = try ConnectedPair(type: .reliable, byteCount: 64 << 20)
        let other = try ConnectedPair(type: .reliable, byteCount: 64)
        other.fillSource(seed: 5)
        let attacker = try Attacker(on: busy)
        // Asked for in one part, as no peer of ours would: 65,536 packets, which nobody takes. The request lies in the socket
        // before the packets of the other pair.
        try attacker.send(
            attacker.header(.rcReadRequest, psn: attacker.expectedPSN) { $0.reth.dmaByteCount = 64 << 20 }
        )
        #expect(other.postReceive(workRequestID: 1) == nil)
        #expect(other.postSend(workRequestID: 2, opcode: 2) == nil)
        #expect(try #require(other.waitForReceive()).status == 0)
        #expect(try #require(other.waitForSend()).status == 0)
        let engine = busy.context.engine
        #expect(engine.lock.withLock { attacker.target.rcResponder?.hasOutput } == true, "the answer came first")
        try busy.close()
        try other.close()
    }

    @Test func `a round takes no more than its share from the socket`() throws {
        let pair = try ConnectedPair(type: .reliable, byteCount: 64)
        let attacker = try Attacker(on: pair)
        attacker.waitsForVictim = false
        // Nothing that others left in the socket shall be counted.
        attacker.letVictimReceive()
        let engine = pair.context.engine
        let takenCount = try engine.lock.withLock {
            let before = engine.counters.receivedPackets
            for _ in 0..<200 { try attacker.send(attacker.header(.rcAcknowledge, psn: PSN(truncating: 0))) }
            #expect(engine.receiveAll(now: Timestamp(nanoseconds: MonotonicClock.now)))
            return engine.counters.receivedPackets - before
        }
        #expect((1..<200).contains(takenCount), "\(takenCount) packets at once")
        attacker.letVictimReceive()
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
