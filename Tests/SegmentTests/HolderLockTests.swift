import Glibc
import Synchronization
import SystemIO
import TestSupport
import Testing

@testable import Segment

@Suite("Lock that names its holder")
struct HolderLockTests {
    private static let block: UInt32 = 7

    /// Where nothing else is: in the pages for rings.
    private static func lock(in view: SegmentView) -> HolderLock { HolderLock(at: view.layout.extentsOffset, in: view) }

    /// A number beside the lock.
    private static func flag(in view: SegmentView) -> SharedUInt64 {
        SharedUInt64(at: view.base + view.layout.extentsOffset + 64)
    }

    /// Runs `body` in a child, which works on the segment as a peer does: by a mapping of its own.
    private static func asPeer(
        of segment: ProcessSegment,
        _ peer: SegmentView,
        _ body: (SegmentView) -> CInt
    ) -> pid_t {
        let child = CFunctions.fork()
        guard child == 0 else { return child }
        let descriptor = segment.mapping.descriptor.rawValue
        let base = mmap(nil, segment.layout.byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        guard base != MAP_FAILED, let base else { _exit(99) }
        let view = SegmentView(base: base, layout: peer.layout, holder: peer.holder, liveness: peer.liveness)
        _exit(body(view))
    }

    private static func end(of child: pid_t) -> CInt {
        var status: CInt = 0
        while waitpid(child, &status, 0) == -1 && errno == EINTR {}
        return status
    }

    @Test func `threads of the owner exclude each other`() throws {
        let segment = try ProcessSegment.forTesting()
        let flag = Self.flag(in: segment.view)
        let add: @Sendable () -> Void = {
            let lock = Self.lock(in: segment.view)
            for _ in 0..<20_000 {
                _ = lock.lock()
                // Two steps, so that one who comes in between is lost.
                flag.storeRelaxed(flag.relaxed &+ 1)
                lock.unlock()
            }
        }
        let first = try BackgroundThread(add)
        let second = try BackgroundThread(add)
        add()
        first.join()
        second.join()
        #expect(flag.relaxed == 60_000)
    }

    @Test func `a holder that lives is waited for, however long`() throws {
        let segment = try ProcessSegment.forTesting()
        segment.liveness.isAlive = { _, _ in true }
        let peer = segment.view.attach(Self.block, incarnation: 5)
        let flag = Self.flag(in: segment.view)
        let child = Self.asPeer(of: segment, peer) { view in
            let lock = Self.lock(in: view)
            _ = lock.lock()
            Self.flag(in: view).storeReleasing(1)
            MonotonicClock.sleep(nanoseconds: 50_000_000)
            Self.flag(in: view).storeReleasing(2)
            lock.unlock()
            return 0
        }
        while flag.acquired == 0 { Scheduling.yield() }
        let found = Self.lock(in: segment.view).lock()
        #expect(flag.acquired == 2)
        #expect(found == .clean)
        #expect(Self.end(of: child) == 0)
    }

    @Test func `the death of the holder is told once`() throws {
        let segment = try ProcessSegment.forTesting()
        segment.liveness.isAlive = { block, incarnation in !(block == Self.block && incarnation == 5) }
        let peer = segment.view.attach(Self.block, incarnation: 5)
        let child = Self.asPeer(of: segment, peer) { view in
            _ = Self.lock(in: view).lock()
            kill(getpid(), SIGKILL)
            return 0
        }
        #expect(Self.end(of: child) & 0x7F == SIGKILL)
        let lock = Self.lock(in: segment.view)
        let first = lock.lock()
        lock.unlock()
        let second = lock.lock()
        lock.unlock()
        #expect(first == .holderDied)
        #expect(second == .clean)
    }

    @Test func `a holder whose block is another's by now is dead`() throws {
        let segment = try ProcessSegment.forTesting()
        segment.liveness.isAlive = { _, _ in true }
        let earlier = Self.lock(in: segment.view.attach(Self.block, incarnation: 5))
        #expect(earlier.lock() == .clean)
        // The same program could have been given the block again: not even its start need tell the two apart.
        let later = Self.lock(in: segment.view.attach(Self.block, incarnation: 5))
        #expect(later.lock() == .holderDied)
    }

    @Test func `nobody waits for an owner that died`() throws {
        let segment = try ProcessSegment.forTesting()
        #expect(!segment.header.isOwnerAlive)
        #expect(Self.lock(in: segment.view).lock() == .clean)
        let peer = segment.view.attach(Self.block, incarnation: 5)
        #expect(Self.lock(in: peer).lock() == .ownerDied)
        #expect(try CompletionRing(in: segment, capacity: 1).push(WorkCompletion(1), isSolicited: false) == .stored)
    }
}

extension HolderLockTests {
    @Test func `who must not wait is told that a living holder is busy`() throws {
        let segment = try ProcessSegment.forTesting()
        segment.liveness.isAlive = { _, _ in true }
        let peer = segment.view.attach(7, incarnation: 5)
        let other = segment.view.attach(8, incarnation: 6)
        let completions = try CompletionRing(in: segment, capacity: 4)
        let receives = try ReceiveRing(in: segment, capacity: 4, scatterMax: 1, isShared: true)
        #expect(receives.post(workRequestID: 1, elements: nil, count: 0) == nil)
        let held = CompletionRing(in: peer, index: completions.index)
        let heldReceives = ReceiveRing(in: peer, index: receives.index)
        #expect(held.producerLock.lock() == .clean)
        #expect(heldReceives.takeLock.lock() == .clean)

        let pushing = CompletionRing(in: other, index: completions.index)
        let taking = ReceiveRing(in: other, index: receives.index)
        var descriptor = ReceiveDescriptor(capacity: 1)
        let refused = pushing.push(WorkCompletion(1), isSolicited: false, isPatient: false) { _, _ in true }
        let taken = taking.take(into: &descriptor, isPatient: false) { _, _ in true }
        #expect(refused == .busy)
        #expect(taken == .busy)
        #expect(completions.isEmpty)

        // One that died meanwhile is found out, too.
        segment.liveness.isAlive = { block, _ in block != 7 }
        let stored = pushing.push(WorkCompletion(2), isSolicited: false, isPatient: false) { _, _ in true }
        let takenLater = taking.take(into: &descriptor, isPatient: false) { _, _ in true }
        #expect(stored == .stored)
        #expect(takenLater == .taken)
        #expect(descriptor.workRequestID == 1)
    }
}
