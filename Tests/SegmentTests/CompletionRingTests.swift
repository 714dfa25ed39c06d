import SystemIO
import TestSupport
import Testing

@testable import Segment

@Suite("Completion ring")
struct CompletionRingTests {
    private let segment: ProcessSegment

    init() throws {
        self.segment = try ProcessSegment.forTesting()
    }

    /// Everything that is queued, by its identifiers.
    private func drain(_ ring: CompletionRing) -> [UInt64] {
        ring.beginConsuming()
        defer { ring.endConsuming() }
        var identifiers: [UInt64] = []
        var completion = WorkCompletion()
        while ring.next(into: &completion) { identifiers.append(completion.workRequestID) }
        return identifiers
    }

    @Test func `a completion comes out as it went in`() throws {
        let ring = try CompletionRing(in: self.segment, capacity: 1)
        var completion = WorkCompletion()
        completion.workRequestID = 0x0123_4567_89AB_CDEF
        completion.status = 21
        completion.opcode = WorkCompletion.Opcode.receiveWriteWithImmediate
        completion.byteCount = 0x8000_0000
        completion.immediateOrKey = 0xFEDC_BA98
        completion.qpNumber = 0xFF_FFFE
        completion.sourceQP = 0xFF_FFFD
        completion.flags = WorkCompletion.Flag.globalRoute | WorkCompletion.Flag.invalidated
        completion.vendorError = 0x8765_4321
        completion.timestampNanoseconds = 0xFFFF_FFFF_FFFF_FFF0
        #expect(ring.push(completion, isSolicited: false) == .stored)
        var found = WorkCompletion()
        ring.beginConsuming()
        #expect(ring.next(into: &found))
        ring.endConsuming()
        #expect(found == completion)
    }

    @Test func `an entry fits its place`() {
        #expect(MemoryLayout<WorkCompletion>.size <= CompletionRing.entryByteCount)
    }

    @Test func `the capacity is rounded up to a power of two`() {
        let rounded = [1, 2, 3, 4, 5, 1000, 1 << 20].map { CompletionRing.roundedCapacity($0) }
        #expect(rounded == [1, 2, 4, 4, 8, 1024, 1 << 20])
    }

    @Test(arguments: UInt64(0)..<8)
    func `completions come in order, however often the ring wraps`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let ring = try CompletionRing(in: self.segment, capacity: Int.random(in: 1...40, using: &random))
        defer { ring.close(in: self.segment) }
        var nextIn: UInt64 = 0
        var nextOut: UInt64 = 0
        for _ in 0..<2_000 {
            let burst = Int.random(in: 0...ring.capacity - ring.count, using: &random)
            for _ in 0..<burst {
                #expect(ring.push(WorkCompletion(nextIn), isSolicited: false) == .stored)
                nextIn += 1
            }
            let drained = self.drain(ring)
            guard drained == Array(nextOut..<nextIn) else {
                Issue.record("\(drained) instead of \(nextOut)..<\(nextIn)")
                return
            }
            nextOut = nextIn
        }
        #expect(ring.isEmpty)
        #expect(!ring.hasOverrun)
    }

    @Test func `one too many is an overrun that stays, and spoils nothing before it`() throws {
        let ring = try CompletionRing(in: self.segment, capacity: 4)
        for identifier in UInt64(0)..<4 {
            #expect(ring.push(WorkCompletion(identifier), isSolicited: false) == .stored)
        }
        #expect(!ring.hasOverrun)
        #expect(ring.push(WorkCompletion(4), isSolicited: false) == .overrun)
        #expect(ring.push(WorkCompletion(5), isSolicited: false) == .overrunAgain)
        #expect(self.drain(ring) == [0, 1, 2, 3])
        #expect(ring.hasOverrun)
    }

    @Test func `resizing keeps what is queued, across the wrap`() throws {
        let ring = try CompletionRing(in: self.segment, capacity: 4)
        let free = self.segment.freeByteCount
        for identifier in UInt64(0)..<3 { _ = ring.push(WorkCompletion(identifier), isSolicited: false) }
        #expect(self.drain(ring) == [0, 1, 2])
        for identifier in UInt64(3)..<7 { _ = ring.push(WorkCompletion(identifier), isSolicited: false) }
        try ring.resize(to: 1000, in: self.segment)
        #expect(ring.capacity == 1024)
        for identifier in UInt64(7)..<20 { _ = ring.push(WorkCompletion(identifier), isSolicited: false) }
        #expect(throws: Errno.invalidArgument) { try ring.resize(to: 16, in: self.segment) }
        #expect(self.drain(ring) == Array(3..<20))
        try ring.resize(to: 4, in: self.segment)
        #expect(ring.capacity == 4)
        #expect(self.segment.freeByteCount == free)
    }

    @Test(arguments: UInt64(0)..<8)
    func `removing a queue pair's completions leaves the others in order`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let ring = try CompletionRing(in: self.segment, capacity: 32)
        for _ in 0..<100 {
            var expected: [UInt64] = []
            for identifier in 0..<UInt64.random(in: 0...32, using: &random) {
                let number = UInt32.random(in: 1...3, using: &random)
                _ = ring.push(WorkCompletion(identifier, ofQueuePair: number), isSolicited: false)
                if number != 2 { expected.append(identifier) }
            }
            ring.removeCompletions(ofQueuePair: 2)
            #expect(ring.count == expected.count)
            #expect(self.drain(ring) == expected)
        }
    }

    @Test func `one arming gives one event`() throws {
        let ring = try CompletionRing(in: self.segment, capacity: 8)
        // Only who has a channel arms.
        ring.channelDescriptor.storeRelaxed(1)
        #expect(ring.push(WorkCompletion(0), isSolicited: true) == .stored)
        ring.arm(solicitedOnly: false)
        #expect(ring.push(WorkCompletion(1), isSolicited: false) == .storedAndDue)
        #expect(ring.push(WorkCompletion(2), isSolicited: true) == .stored)
        #expect(ring.dueEvents.relaxed == 1)
    }

    @Test func `who waits for solicited completions is left alone by others`() throws {
        let ring = try CompletionRing(in: self.segment, capacity: 8)
        // Only who has a channel arms.
        ring.channelDescriptor.storeRelaxed(1)
        ring.arm(solicitedOnly: true)
        #expect(ring.push(WorkCompletion(0), isSolicited: false) == .stored)
        #expect(ring.push(WorkCompletion(1), isSolicited: true) == .storedAndDue)
        // Asking for any outweighs asking for solicited ones, before and after.
        ring.arm(solicitedOnly: false)
        ring.arm(solicitedOnly: true)
        #expect(ring.push(WorkCompletion(2), isSolicited: false) == .storedAndDue)
    }

    @Test func `who asks is told where the completions with an event begin`() throws {
        let ring = try CompletionRing(in: self.segment, capacity: 8)
        ring.channelDescriptor.storeRelaxed(1)
        #expect(ring.push(WorkCompletion(0), isSolicited: false) == .stored)
        let first = try #require(ring.arm(solicitedOnly: true))
        #expect(first.isFirst)
        #expect(first.firstDue == 1)
        #expect(ring.push(WorkCompletion(1), isSolicited: false) == .stored)
        let second = try #require(ring.arm(solicitedOnly: false))
        #expect(!second.isFirst)
        #expect(second.firstDue == 2)
        #expect(ring.disarm())
        #expect(!ring.disarm())
    }

    @Test(arguments: [1, 3])
    func `an event never finds the ring empty when only what was there before was taken`(producerCount: Int) throws {
        let ring = try CompletionRing(in: self.segment, capacity: 64)
        ring.channelDescriptor.storeRelaxed(1)
        let perProducer: UInt64 = 20_000
        let total = perProducer * UInt64(producerCount)
        let results = Threads.run(producerCount + 1) { index -> Int in
            if index > 0 {
                for round in 0..<perProducer {
                    while ring.count > 32 { Scheduling.yield() }
                    _ = ring.push(WorkCompletion(round), isSolicited: false)
                }
                return 0
            }
            var taken: UInt64 = 0
            var spuriousCount = 0
            var completion = WorkCompletion()
            while taken < total {
                let firstDue = ring.arm(solicitedOnly: false)?.firstDue ?? 0
                ring.beginConsuming()
                while ring.consumedCount < firstDue, ring.next(into: &completion) { taken += 1 }
                ring.endConsuming()
                if taken == total { break }
                // Bounded, so that a lost event ends the test instead of hanging it.
                let deadline = MonotonicSeconds.now + 20
                while !ring.dueEvents.takeOne() {
                    Scheduling.yield()
                    if MonotonicSeconds.now > deadline { return -1 }
                }
                if ring.isEmpty { spuriousCount += 1 }
            }
            return spuriousCount
        }
        #expect(results == [Int](repeating: 0, count: producerCount + 1))
    }

    @Test func `several producers lose nothing and keep their own order`() throws {
        let ring = try CompletionRing(in: self.segment, capacity: 64)
        let perProducer: UInt64 = 20_000
        let results = Threads.run(4) { index -> Int in
            if index < 3 {
                for sequence in 0..<perProducer {
                    // Nobody may overrun here: wait until there is room for all producers.
                    while ring.count > 32 { Scheduling.yield() }
                    _ = ring.push(WorkCompletion(sequence, ofQueuePair: UInt32(index)), isSolicited: false)
                }
                return 0
            }
            var next = [UInt64](repeating: 0, count: 3)
            var disorderCount = 0
            var completion = WorkCompletion()
            while next.reduce(0, +) < 3 * perProducer {
                ring.beginConsuming()
                while ring.next(into: &completion) {
                    let producer = Int(completion.qpNumber)
                    if completion.workRequestID != next[producer] { disorderCount += 1 }
                    next[producer] += 1
                }
                ring.endConsuming()
                Scheduling.yield()
            }
            return disorderCount
        }
        #expect(results == [0, 0, 0, 0])
        #expect(!ring.hasOverrun)
    }

    @Test func `an armed consumer that sleeps is always woken`() throws {
        // The race between arming and publishing: whoever finds nothing after arming must get an event.
        let ring = try CompletionRing(in: self.segment, capacity: 64)
        // Only who has a channel arms.
        ring.channelDescriptor.storeRelaxed(1)
        let roundCount: UInt64 = 20_000
        let results = Threads.run(2) { index -> Bool in
            if index == 0 {
                for round in 0..<roundCount {
                    while !ring.isEmpty { Scheduling.yield() }
                    _ = ring.push(WorkCompletion(round), isSolicited: false)
                }
                return true
            }
            var taken: UInt64 = 0
            var completion = WorkCompletion()
            while taken < roundCount {
                ring.arm(solicitedOnly: false)
                if ring.isEmpty {
                    // Bounded, so that a lost event ends the test instead of hanging it.
                    let deadline = MonotonicSeconds.now + 20
                    while !ring.dueEvents.takeOne() {
                        Scheduling.yield()
                        if MonotonicSeconds.now > deadline { return false }
                    }
                }
                ring.beginConsuming()
                while ring.next(into: &completion) { taken += 1 }
                ring.endConsuming()
                while ring.dueEvents.takeOne() {}
            }
            return true
        }
        #expect(results == [true, true])
    }

    @Test func `a ring in a place that was used before is empty`() throws {
        let rings = try (0..<64).map { _ in try CompletionRing(in: self.segment, capacity: 8) }
        #expect(throws: Errno.noMemory) { try CompletionRing(in: self.segment, capacity: 8) }
        for ring in rings {
            ring.arm(solicitedOnly: false)
            for identifier in UInt64(0)..<9 { _ = ring.push(WorkCompletion(identifier), isSolicited: true) }
        }
        for ring in rings { ring.close(in: self.segment) }
        let next = try CompletionRing(in: self.segment, capacity: 8)
        #expect(next.isEmpty)
        #expect(!next.hasOverrun)
        #expect(next.dueEvents.relaxed == 0)
        #expect(next.push(WorkCompletion(1), isSolicited: true) == .stored)
    }
}
