import Glibc
import Synchronization
import SystemIO
import TestSupport
import Testing

@testable import Segment

private final class Flag: Sendable {
    private let value = Atomic<Bool>(false)

    func raise() { self.value.store(true, ordering: .releasing) }
    var isRaised: Bool { self.value.load(ordering: .acquiring) }
}

@Suite("Processes at work on a segment")
struct InitiatorTests {
    private static let block: UInt32 = 77

    /// Whether a deregistration returns while a process is inside, and after `end`.
    private func outcome(
        isAlive: Bool,
        end: @escaping @Sendable (InitiatorLine) -> Void
    ) throws -> (during: Bool, after: Bool) {
        let segment = try ProcessSegment.forTesting()
        segment.liveness.isAlive = { _, _ in isAlive }
        segment.view.attach(Self.block, incarnation: 5)
        let line = segment.view.initiator(Self.block)
        let key = try segment.register(
            address: 4096,
            virtualAddress: 4096,
            byteCount: 4096,
            access: .remoteWrite,
            domain: 1
        )
        line.enter()
        let isDone = Flag()
        let thread = try BackgroundThread {
            try? segment.deregister(key: key)
            isDone.raise()
        }
        // Who must wait shall have the time to be too early; who need not wait, all the time that he takes.
        let patience: UInt64 = isAlive ? 30_000_000 : 20_000_000_000
        let deadline = MonotonicClock.now + patience
        while !isDone.isRaised, MonotonicClock.now < deadline { Scheduling.yield() }
        let during = isDone.isRaised
        end(line)
        thread.join()
        return (during, isDone.isRaised)
    }

    @Test func `taking a region away waits for whoever is inside`() throws {
        let outcome = try self.outcome(isAlive: true) { $0.leave() }
        #expect(!outcome.during)
        #expect(outcome.after)
    }

    @Test func `nobody waits for a process that died inside`() throws {
        let outcome = try self.outcome(isAlive: false) { _ in }
        #expect(outcome.during)
    }

    @Test func `who comes in again is not waited for`() throws {
        let outcome = try self.outcome(isAlive: true) { line in
            line.leave()
            line.enter()
        }
        #expect(outcome.after)
    }

    @Test func `patience ends`() throws {
        let segment = try ProcessSegment.forTesting()
        segment.liveness.isAlive = { _, _ in true }
        segment.view.attach(Self.block, incarnation: 5)
        segment.view.initiator(Self.block).enter()
        segment.waitForInitiators(patienceNanoseconds: 1_000_000)
    }
}
