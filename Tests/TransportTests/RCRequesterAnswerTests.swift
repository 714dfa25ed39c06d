import Testing
import Wire

@testable import Transport

// READ and atomics.

extension RCRequesterTests {
    static func read(_ byteCount: UInt32) -> SendRequest {
        var request = SendRequest(operation: .read, byteCount: byteCount)
        request.remoteAddress = 0x1000
        return request
    }

    @Test func `a READ takes as many PSNs as its answer has packets`() throws {
        let requester = Self.requester()
        _ = requester.post(Self.read(600))
        _ = requester.post(Self.write(8))
        let packet = try #require(requester.pollTransmit(now: Self.start))
        #expect(packet.header.bth.opcode == .rcReadRequest)
        #expect(packet.header.reth == RETH(virtualAddress: 0x1000, rKey: 0, dmaByteCount: 600))
        #expect(try #require(requester.pollTransmit(now: Self.start)).header.bth.psn.rawValue == 13)
    }

    @Test func `READ data goes where it belongs, and a retry asks for the rest only`() throws {
        let requester = Self.requester()
        _ = requester.post(Self.read(600))
        _ = requester.pollTransmit(now: Self.start)
        var action = requester.receive(
            Self.readResponse(10, .rcReadResponseFirst),
            payloadByteCount: 256,
            now: Self.start
        )
        #expect(action == .place(slot: 0, messageOffset: 0, byteCount: 256))
        // The middle is lost, and the last shows it.
        action = requester.receive(Self.readResponse(12, .rcReadResponseLast), payloadByteCount: 88, now: Self.start)
        #expect(action == .none)
        let retry = try #require(requester.pollTransmit(now: Self.start))
        #expect(retry.header.bth.psn.rawValue == 11)
        #expect(retry.header.reth == RETH(virtualAddress: 0x1100, rKey: 0, dmaByteCount: 344))
        action = requester.receive(Self.readResponse(11, .rcReadResponseFirst), payloadByteCount: 256, now: Self.start)
        #expect(action == .place(slot: 0, messageOffset: 256, byteCount: 256))
        #expect(requester.pollCompletion() == nil)
        action = requester.receive(Self.readResponse(12, .rcReadResponseLast), payloadByteCount: 88, now: Self.start)
        #expect(action == .place(slot: 0, messageOffset: 512, byteCount: 88))
        #expect(requester.pollCompletion()?.status == .success)
    }

    @Test(arguments: [
        (Opcode.rcReadResponseFirst, 255), (.rcReadResponseFirst, 257), (.rcReadResponseFirst, 0),
        (.rcReadResponseOnly, 256), (.rcReadResponseLast, 256), (.rcAtomicAcknowledge, 0),
    ])
    func `an answer that does not fit the READ changes nothing`(opcode: Opcode, payloadByteCount: Int) {
        let requester = Self.requester()
        _ = requester.post(Self.read(600))
        _ = requester.pollTransmit(now: Self.start)
        let header = Self.readResponse(10, opcode)
        #expect(requester.receive(header, payloadByteCount: payloadByteCount, now: Self.start) == .none)
        #expect(requester.counters.invalid == 1)
        let right = Self.readResponse(10, .rcReadResponseFirst)
        #expect(requester.receive(right, payloadByteCount: 256, now: Self.start) != .none)
    }

    @Test func `an answer to a WRITE that is none is ignored`() {
        let requester = Self.requester()
        _ = requester.post(Self.write(8))
        _ = requester.pollTransmit(now: Self.start)
        let read = Self.readResponse(10, .rcReadResponseOnly)
        #expect(requester.receive(read, payloadByteCount: 8, now: Self.start) == .none)
        let atomic = Self.readResponse(10, .rcAtomicAcknowledge)
        #expect(requester.receive(atomic, payloadByteCount: 0, now: Self.start) == .none)
        #expect(requester.counters.invalid == 2)
        #expect(requester.pollCompletion() == nil)
    }

    @Test func `an acknowledge behind a READ shows its answer lost`() throws {
        let requester = Self.requester()
        _ = requester.post(Self.read(8))
        _ = requester.post(Self.write(8))
        while requester.pollTransmit(now: Self.start) != nil {}
        _ = requester.receive(Self.acknowledge(11), payloadByteCount: 0, now: Self.start)
        #expect(requester.pollCompletion() == nil)
        #expect(requester.counters.impliedNAKs == 1)
        #expect(try #require(requester.pollTransmit(now: Self.start)).header.bth.opcode == .rcReadRequest)
    }

    @Test func `a long READ is asked for in parts, and as many at once as were agreed`() throws {
        let requester = Self.requester {
            $0.readRequestPackets = 2
            $0.windowPackets = 8
            $0.readsMax = 2
        }
        _ = requester.post(Self.read(256 * 5))
        var psns: [UInt32] = []
        while let packet = requester.pollTransmit(now: Self.start) {
            #expect(packet.header.reth.dmaByteCount == 512)
            psns.append(packet.header.bth.psn.rawValue)
        }
        #expect(psns == [10, 12])
        _ = requester.receive(Self.readResponse(10, .rcReadResponseFirst), payloadByteCount: 256, now: Self.start)
        _ = requester.receive(Self.readResponse(11, .rcReadResponseLast), payloadByteCount: 256, now: Self.start)
        let last = try #require(requester.pollTransmit(now: Self.start))
        #expect(last.header.reth == RETH(virtualAddress: 0x1400, rKey: 0, dmaByteCount: 256))
    }

    @Test func `the longest READ there is fills the window with two parts`() throws {
        let requester = Self.requester()
        _ = requester.post(Self.read(SendRequest.byteCountMax))
        _ = requester.post(Self.write(8))
        let packets = requester.packets(now: Self.start)
        #expect(packets.map(\.header.reth.dmaByteCount) == [64 * 256, 64 * 256])
        #expect(packets.map(\.header.bth.psn.rawValue) == [10, 74])
    }

    @Test func `a READ waits until its answers fit the window`() throws {
        let requester = Self.requester { $0.windowPackets = 4 }
        _ = requester.post(Self.write(256 * 3))
        _ = requester.post(Self.read(256 * 2))
        let packets = requester.packets(now: Self.start)
        #expect(packets.map(\.header.bth.isAckRequested) == [false, false, true])
        _ = requester.receive(Self.acknowledge(10), payloadByteCount: 0, now: Self.start)
        #expect(requester.packets(now: Self.start).map(\.header.bth.psn.rawValue) == [13])
    }

    @Test func `compare-and-swap and fetch-and-add put their operands where they belong`() throws {
        let requester = Self.requester()
        var swap = SendRequest(operation: .compareAndSwap, byteCount: 8)
        swap.compareOrAdd = 5
        swap.swap = 6
        _ = requester.post(swap)
        var add = SendRequest(operation: .fetchAndAdd, byteCount: 8)
        add.compareOrAdd = 7
        _ = requester.post(add)
        let first = try #require(requester.pollTransmit(now: Self.start)).header
        #expect(first.bth.opcode == .rcCompareSwap)
        #expect(first.atomicETH.compare == 5 && first.atomicETH.swapOrAdd == 6)
        let second = try #require(requester.pollTransmit(now: Self.start)).header
        #expect(second.bth.opcode == .rcFetchAdd)
        #expect(second.atomicETH.compare == 0 && second.atomicETH.swapOrAdd == 7)

        var answer = Self.readResponse(10, .rcAtomicAcknowledge)
        answer.atomicAckETH.originalData = 99
        let action = requester.receive(answer, payloadByteCount: 0, now: Self.start)
        #expect(action == .placeAtomic(slot: 0, originalValue: 99))
        #expect(requester.pollCompletion()?.byteCount == 8)
    }
}
