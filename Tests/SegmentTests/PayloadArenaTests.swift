import SystemIO
import TestSupport
import Testing

@testable import Segment

@Suite("Payload arena")
struct PayloadArenaTests {
    private let segment: ProcessSegment
    private let entry: QueuePairEntry
    private let arena: PayloadArena

    init() throws {
        self.segment = try ProcessSegment.forTesting()
        self.entry = try self.segment.queuePairs.allocate(number: 0x1234)
        let extent = try self.segment.allocateExtent(byteCount: 8192)
        self.entry.arenaPage.storeRelaxed(UInt32(extent.byteOffset / SegmentLayout.pageByteCount))
        self.entry.arenaByteCount.storeRelaxed(8192)
        self.arena = try #require(self.segment.view.arena(of: self.entry))
    }

    private struct Message {
        var position: UInt64
        var byteCount: Int
        var seed: UInt8
    }

    private func append(_ message: inout Message) -> Bool {
        let elements = [ScatterElement(address: UInt64(message.seed), byteCount: UInt32(message.byteCount), lKey: 9)]
        let position = elements.withUnsafeBufferPointer { list in
            self.arena.append(list, payloadByteCount: message.byteCount) { target in
                target.initializeMemory(as: UInt8.self, repeating: message.seed, count: message.byteCount)
                return true
            }
        }
        guard let position else { return false }
        message.position = position
        return true
    }

    private func isIntact(_ message: Message) -> Bool {
        var isIntact = false
        self.arena.take(at: message.position, elementCount: 1, payloadByteCount: message.byteCount) { elements, bytes in
            let payload = UnsafeRawBufferPointer(start: bytes, count: message.byteCount)
            isIntact =
                elements.count == 1 && elements[0].address == UInt64(message.seed)
                && payload.allSatisfy { $0 == message.seed }
        }
        return isIntact
    }

    @Test(arguments: UInt64(0)..<8)
    func `messages come out as they went in, however often the ring wraps`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var waiting: [Message] = []
        var refusedCount = 0
        for round in 0..<4000 {
            var message = Message(
                position: 0,
                byteCount: Int.random(in: 1...2000, using: &random),
                seed: UInt8(truncatingIfNeeded: round)
            )
            if self.append(&message) {
                waiting.append(message)
            } else {
                refusedCount += 1
            }
            while !waiting.isEmpty, Bool.random(using: &random) {
                guard self.isIntact(waiting.removeFirst()) else {
                    Issue.record("a message changed in round \(round)")
                    return
                }
            }
        }
        #expect(refusedCount > 0, "the ring was never full")
        #expect(waiting.allSatisfy(self.isIntact))
    }

    @Test func `a message that does not fit is refused`() {
        var message = Message(position: 0, byteCount: 8192, seed: 1)
        #expect(!self.append(&message))
        message.byteCount = 8000
        #expect(self.append(&message))
        var next = Message(position: 0, byteCount: 500, seed: 2)
        #expect(!self.append(&next))
        #expect(self.isIntact(message))
        #expect(self.append(&next))
    }

    @Test func `an entry that names no place inside the segment has no arena`() {
        self.entry.arenaPage.storeRelaxed(.max)
        #expect(self.segment.view.arena(of: self.entry) == nil)
        self.entry.arenaPage.storeRelaxed(0)
        #expect(self.segment.view.arena(of: self.entry) == nil)
    }
}
