import SystemIO
import Testing
import Wire

@testable import SoftHCA

@Suite("Transmit batch")
struct TransmitBatchTests {
    private static func header(to number: UInt32) -> PacketHeader {
        PacketHeader(bth: BTH(opcode: .rcSendOnly, destQP: QPN(truncating: number), psn: PSN(truncating: 0)))
    }

    /// A batch that holds one packet for queue pair 0x008001.
    private static func started(path: WirePath, byteCount: Int) -> TransmitBatch {
        var batch = TransmitBatch()
        _ = batch.append(Self.header(to: 0x00_8001), payloadByteCount: byteCount, path: path) { target in
            target.initializeMemory(as: UInt8.self, repeating: 1, count: byteCount)
            return true
        }
        return batch
    }

    @Test func `packets for one process travel together, for another they do not`() {
        let path = WirePath()
        let batch = Self.started(path: path, byteCount: 64)
        let takesNeighbour = batch.accepts(Self.header(to: 0x00_8002), path: path, byteCount: 80)
        let takesStranger = batch.accepts(Self.header(to: 0x00_C001), path: path, byteCount: 80)
        #expect(takesNeighbour)
        #expect(!takesStranger)
    }

    @Test func `a longer packet or another path begins a batch of its own`() {
        let path = WirePath()
        var elsewhere = path
        elsewhere.destination.port = 1
        let batch = Self.started(path: path, byteCount: 64)
        let takesLonger = batch.accepts(Self.header(to: 0x00_8002), path: path, byteCount: 84)
        let takesElsewhere = batch.accepts(Self.header(to: 0x00_8002), path: elsewhere, byteCount: 80)
        #expect(!takesLonger)
        #expect(!takesElsewhere)
    }
}
