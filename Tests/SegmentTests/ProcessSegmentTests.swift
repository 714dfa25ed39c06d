import Glibc
import SystemIO
import TestSupport
import Testing

@testable import Segment

@Suite("Process segment")
struct ProcessSegmentTests {
    /// Bytes of memory that a segment really takes.
    private func residentByteCount(_ segment: ProcessSegment) -> Int {
        var information = stat()
        fstat(segment.mapping.descriptor.rawValue, &information)
        return Int(information.st_blocks) * 512
    }

    @Test func `the parts of every layout lie behind each other`() {
        for layout in SegmentLayout.candidates {
            let offsets = [
                0, layout.memoryOffset, layout.queuePairsOffset, layout.completionsOffset, layout.receivesOffset,
                layout.extentsOffset, layout.byteCount,
            ]
            #expect(offsets == offsets.sorted())
            #expect(offsets.allSatisfy { $0 % SegmentLayout.pageByteCount == 0 })
        }
    }

    @Test func `the header says what the segment is`() throws {
        let segment = try ProcessSegment()
        #expect(segment.header.isSound)
        #expect(segment.header.processID == UInt32(getpid()))
        #expect(Int(segment.header.byteCount) == segment.mapping.byteCount)
        #expect(Int(segment.header.memoryCount) == segment.layout.memoryCount)
        let other = try ProcessSegment.forTesting()
        #expect(segment.header.secret.0 != other.header.secret.0)
    }

    @Test func `an unused segment takes next to no memory`() throws {
        let segment = try ProcessSegment()
        #expect(self.residentByteCount(segment) <= 64 << 10)
    }

    @Test func `closing a ring returns its memory to the kernel, and the next finds zeros`() throws {
        let segment = try ProcessSegment.forTesting()
        let before = self.residentByteCount(segment)
        let ring = try CompletionRing(in: segment, capacity: 1 << 15)
        for identifier in 0..<UInt64(1 << 15) {
            _ = ring.push(WorkCompletion(identifier | 1 << 63), isSolicited: false)
        }
        #expect(self.residentByteCount(segment) >= before + 2 << 20)
        ring.close(in: segment)
        #expect(self.residentByteCount(segment) <= before + 64 << 10)
        let next = try CompletionRing(in: segment, capacity: 1 << 15)
        #expect(next.slot(77, in: next.geometry).pointee.workRequestID == 0)
    }

    @Test func `a limited address space gets a smaller segment`() async {
        await #expect(processExitsWith: .success) {
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
            limit.rlim_cur = 3 << 30
            setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
            let segment = try ProcessSegment()
            guard segment.layout.byteCount <= 1 << 30, segment.header.isSound else { exit(1) }
            _ = try CompletionRing(in: segment, capacity: 1024)
        }
    }

    /// What a process that is killed holds at that moment.
    enum HeldLock: CaseIterable {
        case completionProducer
        /// The entry is complete, and the index is not moved.
        case completionProducerWithEntry
        case receiveTaker
    }

    @Test(arguments: HeldLock.allCases)
    func `a process killed with a lock held does not stop the others`(held: HeldLock) throws {
        let segment = try ProcessSegment.forTesting()
        let completions = try CompletionRing(in: segment, capacity: 8)
        let receives = try ReceiveRing(in: segment, capacity: 8, scatterMax: 1, isShared: true)
        #expect(completions.push(WorkCompletion(1), isSolicited: false) == .stored)
        #expect(receives.post(workRequestID: 2, elements: nil, count: 0) == nil)

        segment.liveness.isAlive = { _, _ in false }
        let peer = segment.view.attach(7, incarnation: 5)
        let child = CFunctions.fork()
        if child == 0 {
            // The child has no mapping of its own: it makes one, as a peer does.
            let flags = MAP_SHARED
            let descriptor = segment.mapping.descriptor.rawValue
            let base = mmap(nil, segment.layout.byteCount, PROT_READ | PROT_WRITE, flags, descriptor, 0)
            guard base != MAP_FAILED, let base else { _exit(1) }
            let view = SegmentView(base: base, layout: peer.layout, holder: peer.holder, liveness: peer.liveness)
            switch held {
            case .completionProducer:
                let ring = CompletionRing(in: view, index: completions.index)
                guard ring.producerLock.lock() == .clean else { _exit(2) }
                // Half-way through a push: the entry is there, the index is not moved.
                ring.slot(ring.produced.relaxed, in: ring.geometry).pointee = CompletionEntry(WorkCompletion(99))
            case .completionProducerWithEntry:
                let ring = CompletionRing(in: view, index: completions.index)
                guard ring.producerLock.lock() == .clean else { _exit(2) }
                let index = ring.produced.relaxed
                ring.slot(index, in: ring.geometry).pointee = CompletionEntry(WorkCompletion(99))
                ring.sequence(index, in: ring.geometry).storeReleasing(UInt32(index + 1))
            case .receiveTaker:
                let ring = ReceiveRing(in: view, index: receives.index)
                guard ring.takeLock.lock() == .clean else { _exit(2) }
            }
            kill(getpid(), SIGKILL)
            _exit(3)
        }
        var status: CInt = 0
        while waitpid(child, &status, 0) == -1 && errno == EINTR {}
        #expect(status & 0x7F == SIGKILL)

        for identifier in UInt64(3)..<6 {
            #expect(completions.push(WorkCompletion(identifier), isSolicited: false) == .stored)
        }
        var identifiers: [UInt64] = []
        var completion = WorkCompletion()
        completions.beginConsuming()
        while completions.next(into: &completion) { identifiers.append(completion.workRequestID) }
        completions.endConsuming()
        #expect(identifiers == (held == .completionProducerWithEntry ? [1, 99, 3, 4, 5] : [1, 3, 4, 5]))
        var descriptor = ReceiveDescriptor(capacity: 1)
        let isTaken = receives.take(into: &descriptor)
        let taken = descriptor.workRequestID
        let isTakenAgain = receives.take(into: &descriptor)
        #expect(isTaken && taken == 2)
        #expect(!isTakenAgain)
    }
}
