import Segment
import SystemIO
import Testing

@Suite("Queue pair table")
struct QueuePairTableTests {
    private let segment: ProcessSegment

    init() throws {
        self.segment = try ProcessSegment.forTesting()
    }

    @Test func `an entry is found by its number only`() throws {
        let table = self.segment.queuePairs
        let entry = try table.allocate(number: 0x12_3456)
        entry.state.storeRelaxed(3)
        entry.peerGIDInterfaceID.storeRelaxed(.max)
        #expect(table.find(number: 0x12_3456)?.state.relaxed == 3)
        #expect(table.find(number: 0x12_3456)?.peerGIDInterfaceID.relaxed == .max)
        // The same low 14 bits, in another block.
        #expect(table.find(number: 0x12_3456 ^ 1 << 14) == nil)
        #expect(table.find(number: 0x12_3457) == nil)
        #expect(table.find(number: 0) == nil)
    }

    @Test func `a number whose place is taken is refused until it is free`() throws {
        let table = self.segment.queuePairs
        let entry = try table.allocate(number: 5)
        #expect(throws: Errno.noMemory) { try table.allocate(number: 5 | 1 << 14) }
        table.free(entry)
        #expect(table.find(number: 5) == nil)
        let next = try table.allocate(number: 5 | 1 << 14)
        #expect(next.state.relaxed == 0)
    }

    @Test func `a new entry knows nothing of the one before`() throws {
        let table = self.segment.queuePairs
        let entry = try table.allocate(number: 9)
        entry.destQP.storeRelaxed(77)
        entry.peerGIDPrefix.storeRelaxed(1)
        table.free(entry)
        let next = try table.allocate(number: 9)
        #expect(next.destQP.relaxed == 0)
        #expect(next.peerGIDPrefix.relaxed == 0)
    }
}
