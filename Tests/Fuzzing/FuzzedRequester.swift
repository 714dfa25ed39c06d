import Transport
import Wire

/// A requester that is given requests, whatever answers come, time, congestion, suspension and bad memory in any order.
enum FuzzedRequester {
    private static let operations: [SendRequest.Operation] = [
        .send, .write, .read, .compareAndSwap, .fetchAndAdd, .atomicWrite, .localInvalidate, .sendWithInvalidate,
    ]
    private static let capacity = 6

    static func run(_ bytes: [UInt8]) {
        var script = FuzzScript(bytes)
        var configuration = RequesterConfiguration(pathMTU: .bytes256)
        configuration.ackTimeoutNanoseconds = 3_000_000
        configuration.windowPackets = 20
        configuration.readRequestPackets = 8
        configuration.readsMax = 3
        configuration.rnrRetryCount = 3
        var requester = RCRequester(
            capacity: self.capacity,
            firstPSN: PSN(truncating: 0xFF_FFF0),
            destQP: QPN(truncating: 2),
            configuration: configuration
        )
        var now = Timestamp(nanoseconds: 1)
        var postedCount = 0
        var completedCount = 0
        var psn = PSN(truncating: 0xFF_FFF0)
        while let step = script.nextByte() {
            switch step & 15 {
            case 0...4:
                guard let packet = script.nextPacket(expected: psn) else { continue }
                let span = packet.span.bytes
                guard let header = try? PacketHeader(parsing: span) else { continue }
                let byteCount = header.payload(of: span).byteCount
                self.check(requester.receive(header, payloadByteCount: byteCount, now: now))
                psn = header.bth.psn
            case 5, 6:
                var request = SendRequest(
                    operation: self.operations[Int(step >> 4) & 7],
                    byteCount: script.nextNumber() & 0x1FFF
                )
                request.isFenced = step & 1 == 1
                if case .queued = requester.post(request) { postedCount += 1 }
            case 7, 8:
                for _ in 0...(step >> 4) {
                    guard let packet = requester.pollTransmit(now: now) else { break }
                    precondition((0...256).contains(packet.payloadByteCount))
                }
            case 9:
                now = now.advanced(byNanoseconds: UInt64(script.nextNumber() & 0xFF_FFFF))
                requester.handleTimeout(now: now)
            case 10:
                if let time = requester.nextTimeout, time > now { now = time }
                requester.handleTimeout(now: now)
            case 11: requester.receiveCongestionMark()
            case 12: requester.suspend()
            case 13: requester.resume()
            case 14:
                if let slot = requester.pendingLocalOperation {
                    requester.completeLocal(slot: slot, status: step >> 4 == 0 ? .memoryWindowBindError : .success)
                }
            default:
                while requester.pollCompletion() != nil { completedCount += 1 }
            }
        }
        requester.enterError()
        while requester.pollCompletion() != nil { completedCount += 1 }
        precondition(completedCount == postedCount, "a request without an end, or with two")
    }

    private static func check(_ action: RCRequester.ResponseAction) {
        switch action {
        case .none: break
        case .place(let slot, let offset, let byteCount):
            precondition((0..<self.capacity).contains(slot) && Int(offset) + byteCount <= 0x1FFF)
        case .placeAtomic(let slot, _):
            precondition((0..<self.capacity).contains(slot))
        }
    }
}
