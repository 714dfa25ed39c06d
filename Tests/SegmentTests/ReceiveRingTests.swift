import Segment
import SystemIO
import TestSupport
import Testing

@Suite("Receive ring")
struct ReceiveRingTests {
    private let segment: ProcessSegment

    init() throws {
        self.segment = try ProcessSegment.forTesting()
    }

    private func post(_ ring: ReceiveRing, _ identifier: UInt64, elementCount: Int = 1) -> Errno? {
        let elements = (0..<elementCount).map {
            ScatterElement(address: identifier << 8 + UInt64($0), byteCount: UInt32($0), lKey: UInt32(identifier))
        }
        return elements.withUnsafeBufferPointer {
            ring.post(workRequestID: identifier, elements: $0.baseAddress, count: $0.count)
        }
    }

    private func drain(_ ring: ReceiveRing) -> [UInt64] {
        var descriptor = ReceiveDescriptor(capacity: 32)
        var identifiers: [UInt64] = []
        while ring.take(into: &descriptor) { identifiers.append(descriptor.workRequestID) }
        return identifiers
    }

    @Test(arguments: UInt64(0)..<8)
    func `requests come in order and whole, however often the ring wraps`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let scatterMax = Int.random(in: 1...32, using: &random)
        let ring = try ReceiveRing(
            in: self.segment,
            capacity: Int.random(in: 1...40, using: &random),
            scatterMax: scatterMax
        )
        defer { ring.close(in: self.segment) }
        var descriptor = ReceiveDescriptor(capacity: scatterMax)
        var elementCounts: [Int] = []
        var posted: UInt64 = 0
        var taken: UInt64 = 0
        for _ in 0..<2_000 {
            if Bool.random(using: &random) {
                let elementCount = Int.random(in: 0...scatterMax, using: &random)
                let isFull = Int(posted - taken) == ring.capacity
                let error = self.post(ring, posted, elementCount: elementCount)
                guard error == (isFull ? .noMemory : nil) else {
                    Issue.record("\(String(describing: error)) with \(posted - taken) queued")
                    return
                }
                if !isFull {
                    elementCounts.append(elementCount)
                    posted += 1
                }
            } else if ring.take(into: &descriptor) {
                let (identifier, count) = (descriptor.workRequestID, descriptor.elementCount)
                let areRight = (0..<count).allSatisfy {
                    descriptor[$0].address == taken << 8 + UInt64($0) && descriptor[$0].byteCount == UInt32($0)
                }
                guard identifier == taken, count == elementCounts[Int(taken)], areRight else {
                    Issue.record("request \(identifier) with \(count) elements instead of \(taken)")
                    return
                }
                taken += 1
            } else if posted != taken {
                Issue.record("nothing to take of \(posted - taken)")
                return
            }
            guard ring.count == Int(posted - taken) else {
                Issue.record("\(ring.count) instead of \(posted - taken)")
                return
            }
        }
    }

    @Test func `too many elements are refused`() throws {
        let ring = try ReceiveRing(in: self.segment, capacity: 4, scatterMax: 2)
        #expect(self.post(ring, 1, elementCount: 3) == .invalidArgument)
        #expect(ring.post(workRequestID: 1, elements: nil, count: -1) == .invalidArgument)
        #expect(self.post(ring, 1, elementCount: 2) == nil)
        #expect(ring.post(workRequestID: 2, elements: nil, count: 0) == nil)
        #expect(self.drain(ring) == [1, 2])
    }

    @Test func `a reset forgets the requests`() throws {
        let ring = try ReceiveRing(in: self.segment, capacity: 4, scatterMax: 1)
        for identifier in UInt64(0)..<4 { #expect(self.post(ring, identifier) == nil) }
        ring.removeAll()
        #expect(ring.count == 0)
        for identifier in UInt64(4)..<8 { #expect(self.post(ring, identifier) == nil) }
        #expect(self.drain(ring) == [4, 5, 6, 7])
    }

    @Test func `resizing keeps what is queued, across the wrap`() throws {
        let ring = try ReceiveRing(in: self.segment, capacity: 4, scatterMax: 3, isShared: true)
        let free = self.segment.freeByteCount
        for identifier in UInt64(0)..<3 { #expect(self.post(ring, identifier) == nil) }
        #expect(self.drain(ring) == [0, 1, 2])
        for identifier in UInt64(3)..<7 { #expect(self.post(ring, identifier, elementCount: 3) == nil) }
        try ring.resize(to: 500, in: self.segment)
        #expect(ring.capacity == 512)
        #expect(self.post(ring, 7) == nil)
        #expect(throws: Errno.invalidArgument) { try ring.resize(to: 4, in: self.segment) }
        #expect(self.drain(ring) == [3, 4, 5, 6, 7])
        try ring.resize(to: 4, in: self.segment)
        #expect(self.segment.freeByteCount == free)
    }

    @Test func `the limit event comes once, when the count falls below the limit`() throws {
        let ring = try ReceiveRing(in: self.segment, capacity: 8, scatterMax: 1)
        for identifier in UInt64(0)..<5 { #expect(self.post(ring, identifier) == nil) }
        var descriptor = ReceiveDescriptor(capacity: 1)
        ring.limit.storeReleasing(3)
        var events: [Bool] = []
        while ring.take(into: &descriptor) { events.append(ring.takeLimitEvent()) }
        #expect(events == [false, false, true, false, false])
        #expect(ring.limit.relaxed == 0)
    }

    @Test func `several takers and posters lose nothing and take nothing twice`() throws {
        let ring = try ReceiveRing(in: self.segment, capacity: 16, scatterMax: 2)
        let perPoster: UInt64 = 10_000
        let results = Threads.run(4) { index -> [UInt64] in
            if index < 2 {
                var element = ScatterElement(address: 1, byteCount: 2, lKey: 3)
                for sequence in 0..<perPoster {
                    let identifier = sequence * 2 + UInt64(index)
                    while ring.post(workRequestID: identifier, elements: &element, count: 1) != nil {
                        Scheduling.yield()
                    }
                }
                return []
            }
            var descriptor = ReceiveDescriptor(capacity: 2)
            var taken: [UInt64] = []
            while taken.count < Int(perPoster) {
                if ring.take(into: &descriptor) {
                    taken.append(descriptor.workRequestID)
                } else {
                    Scheduling.yield()
                }
            }
            return taken
        }
        #expect(Set(results[2] + results[3]).count == Int(2 * perPoster))
    }
}
