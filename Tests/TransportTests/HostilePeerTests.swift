import TestSupport
import Testing
import Wire

@testable import Transport

/// Packets of any content, most of them near what is expected. The state machines check their invariants themselves;
/// here they must not trap, and what the host sees must stay within what was agreed.
@Suite("Hostile peers")
struct HostilePeerTests {
    private static func header(near psn: UInt32, using random: inout SeededGenerator) -> PacketHeader {
        let isNear = UInt32.random(in: 0..<10, using: &random) < 8
        let value =
            isNear ? psn &+ UInt32.random(in: 0..<8, using: &random) &- 3 : .random(in: .min ... .max, using: &random)
        let isReliable = UInt32.random(in: 0..<10, using: &random) < 9
        let rawValue = UInt8.random(in: isReliable ? 0...0x1F : 0...0xFF, using: &random)
        var header = PacketHeader(
            bth: BTH(
                opcode: Opcode(rawValue: rawValue),
                destQP: QPN(truncating: 1),
                isAckRequested: .random(using: &random),
                psn: PSN(truncating: value)
            )
        )
        let lengths: [UInt32] = [0, 1, 8, 255, 256, 257, 600, 1 << 31, .max]
        header.reth = RETH(
            virtualAddress: .random(in: .min ... .max, using: &random),
            rKey: .random(in: .min ... .max, using: &random),
            dmaByteCount: lengths[Int.random(in: 0..<lengths.count, using: &random)]
        )
        header.atomicETH.virtualAddress = .random(in: .min ... .max, using: &random) & ~7
        let isAck = UInt32.random(in: 0..<10, using: &random) < 9
        header.aeth.syndrome = AETHSyndrome(rawValue: isAck ? 0x1F : .random(in: .min ... .max, using: &random))
        return header
    }

    private static func payloadByteCount(using random: inout SeededGenerator) -> Int {
        [0, 1, 8, 44, 88, 255, 256, 256, 256, 257, 4096][Int.random(in: 0..<11, using: &random)]
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func `a responder survives any packets`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let payload = [UInt8](repeating: 0, count: 4096)
        var configuration = ResponderConfiguration(pathMTU: .bytes256)
        configuration.readsMax = Int.random(in: 0...4, using: &random)
        var responder = RCResponder(
            expectedPSN: PSN(truncating: 0xFF_FFFE),
            destQP: QPN(truncating: 1),
            configuration: configuration
        )
        var host = RecordingHost()
        host.receiveCount = 1000
        for _ in 0..<300 where !responder.isInError {
            let header = Self.header(near: responder.expected.psn.rawValue, using: &random)
            let span = payload.span.bytes.extracting(first: Self.payloadByteCount(using: &random))
            _ = responder.receive(header, payload: span, host: &host, now: Timestamp(nanoseconds: 0))
            for _ in 0..<Int.random(in: 0...20, using: &random) {
                guard let packet = responder.pollTransmit(now: Timestamp(nanoseconds: 0)) else { break }
                guard case .memory(_, _, let byteCount) = packet.source else { continue }
                if byteCount > 256 || byteCount < 1 { Issue.record("a packet of \(byteCount) bytes") }
                if UInt32.random(in: 0..<50, using: &random) == 0 { _ = responder.failRead() }
            }
        }
        responder.enterError(host: &host)
        let begunCount = host.calls.filter { $0 == "begin" }.count
        #expect(host.completions.count == begunCount)
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func `a requester survives any packets, and completes each request once`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var configuration = RequesterConfiguration(pathMTU: .bytes256)
        configuration.ackTimeoutNanoseconds = 50_000
        configuration.readsMax = Int.random(in: 1...4, using: &random)
        configuration.windowPackets = UInt32.random(in: 1...16, using: &random)
        configuration.readRequestPackets = 1 << UInt32.random(in: 0...3, using: &random)
        var requester = RCRequester(
            capacity: 8,
            firstPSN: PSN(truncating: 0xFF_FFFE),
            destQP: QPN(truncating: 1),
            configuration: configuration
        )
        let operations: [SendRequest.Operation] = [
            .send, .write, .read, .compareAndSwap, .fetchAndAdd, .atomicWrite, .localInvalidate,
        ]
        var now = Timestamp(nanoseconds: 0)
        var postedCount = 0
        var completedCount = 0
        for _ in 0..<500 {
            let operation = operations[Int.random(in: 0..<operations.count, using: &random)]
            let byteCount = UInt32(Self.payloadByteCount(using: &random))
            if case .queued = requester.post(SendRequest(operation: operation, byteCount: byteCount)) {
                postedCount += 1
            }
            while let packet = requester.pollTransmit(now: now) {
                if packet.payloadByteCount > 256 { Issue.record("a packet of \(packet.payloadByteCount) bytes") }
            }
            if let slot = requester.pendingLocalOperation { requester.completeLocal(slot: slot, status: .success) }
            let header = Self.header(near: requester.unacknowledged.psn.rawValue, using: &random)
            let action = requester.receive(
                header,
                payloadByteCount: Self.payloadByteCount(using: &random),
                now: now
            )
            if case .place(let slot, let offset, let count) = action, Int(offset) + count > 4096 || slot > 7 {
                Issue.record("\(action)")
            }
            now = now.advanced(byNanoseconds: .random(in: 0...20_000, using: &random))
            requester.handleTimeout(now: now)
            while requester.pollCompletion() != nil { completedCount += 1 }
        }
        requester.enterError()
        while requester.pollCompletion() != nil { completedCount += 1 }
        #expect(completedCount == postedCount)
    }
}
