import Testing
import Wire

@testable import Transport

// Local operations, errors, suspension, reset.

extension RCRequesterTests {
    @Test func `nothing is sent behind a local operation before it ran`() throws {
        let requester = Self.requester()
        _ = requester.post(Self.write(8))
        _ = requester.post(SendRequest(operation: .localInvalidate, byteCount: 0))
        _ = requester.post(Self.write(8))
        #expect(requester.pendingLocalOperation == nil)
        #expect(try #require(requester.pollTransmit(now: Self.start)).header.bth.isAckRequested)
        #expect(requester.pollTransmit(now: Self.start) == nil)
        #expect(requester.pendingLocalOperation == 1)
        requester.completeLocal(slot: 1, status: .success)
        #expect(requester.pendingLocalOperation == nil)
        #expect(requester.pollTransmit(now: Self.start)?.slot == 2)
        #expect(requester.pollCompletion() == nil)
        _ = requester.receive(Self.acknowledge(10), payloadByteCount: 0, now: Self.start)
        #expect(requester.pollCompletion()?.operation == .write)
        #expect(requester.pollCompletion()?.operation == .localInvalidate)
        #expect(requester.pollCompletion() == nil)
    }

    @Test func `a local operation that fails lets those before it finish`() {
        let requester = Self.requester()
        _ = requester.post(Self.write(8))
        _ = requester.post(SendRequest(operation: .bindMemoryWindow, byteCount: 0))
        _ = requester.post(Self.write(8))
        while requester.pollTransmit(now: Self.start) != nil {}
        requester.completeLocal(slot: 1, status: .memoryWindowBindError)
        #expect(!requester.isInError)
        _ = requester.receive(Self.acknowledge(10), payloadByteCount: 0, now: Self.start)
        #expect(requester.completionStatuses() == [.success, .memoryWindowBindError, .flushed])
    }

    @Test func `when the packet that asks for the acknowledge cannot be gathered, another asks`() {
        let requester = Self.requester { $0.ackRequestInterval = 2 }
        _ = requester.post(Self.write(8))
        _ = requester.post(Self.write(8))
        #expect(requester.packets(now: Self.start).map(\.header.bth.isAckRequested) == [false, true])
        requester.poison(slot: 1, status: .localProtectionError)
        let packets = requester.packets(now: Self.start)
        #expect(packets.map(\.slot) == [0])
        #expect(packets.map(\.header.bth.isAckRequested) == [true])
        _ = requester.receive(Self.acknowledge(10), payloadByteCount: 0, now: Self.start)
        #expect(requester.completionStatuses() == [.success, .localProtectionError])
    }

    @Test func `memory that cannot take the last answer fails the request that it was for`() {
        let requester = Self.requester()
        _ = requester.post(Self.read(8))
        _ = requester.post(Self.write(8))
        _ = requester.packets(now: Self.start)
        let action = requester.receive(Self.readResponse(10, .rcReadResponseOnly), payloadByteCount: 8, now: Self.start)
        #expect(action == .place(slot: 0, messageOffset: 0, byteCount: 8))
        requester.poison(slot: 0, status: .localProtectionError)
        #expect(requester.completionStatuses() == [.localProtectionError, .flushed])
    }

    @Test func `a request that was refused when posted fails in its turn`() {
        let requester = Self.requester()
        var bad = Self.write(8)
        bad.localStatus = .localLengthError
        _ = requester.post(Self.write(8))
        _ = requester.post(bad)
        #expect(requester.pollTransmit(now: Self.start)?.header.bth.isAckRequested == true)
        #expect(requester.pollTransmit(now: Self.start) == nil)
        #expect(requester.pollCompletion() == nil)
        _ = requester.receive(Self.acknowledge(10), payloadByteCount: 0, now: Self.start)
        #expect(requester.pollCompletion()?.status == .success)
        #expect(requester.pollCompletion()?.status == .localLengthError)
        #expect(requester.isInError)
    }

    @Test func `the queue takes its capacity and no more, and numbers slots in turn`() {
        let requester = Self.requester(capacity: 3)
        for slot in 0..<3 { #expect(requester.post(Self.write(8)) == .queued(slot: slot)) }
        #expect(requester.post(Self.write(8)) == .full)
        while requester.pollTransmit(now: Self.start) != nil {}
        _ = requester.receive(Self.acknowledge(10), payloadByteCount: 0, now: Self.start)
        #expect(requester.post(Self.write(8)) == .full)
        #expect(requester.pollCompletion()?.slot == 0)
        #expect(requester.post(Self.write(8)) == .queued(slot: 0))
        #expect(requester.freeSlotCount == 0)
        #expect(requester.outstandingCount == 3)
    }

    @Test func `a reset forgets everything`() throws {
        let requester = Self.requester()
        _ = requester.post(Self.write(8))
        _ = requester.pollTransmit(now: Self.start)
        requester.enterError()
        requester.reset(
            firstPSN: PSN(truncating: 77),
            destQP: QPN(truncating: 3),
            configuration: RequesterConfiguration(pathMTU: .bytes1024)
        )
        #expect(!requester.isInError)
        #expect(requester.pollCompletion() == nil)
        #expect(requester.capacity == 8)
        #expect(requester.post(Self.write(1000)) == .queued(slot: 0))
        let packet = try #require(requester.pollTransmit(now: Self.start))
        #expect(packet.header.bth.psn.rawValue == 77 && packet.payloadByteCount == 1000)
    }

    @Test func `a suspended queue finishes what has begun and begins nothing`() throws {
        let requester = Self.requester { $0.windowPackets = 1 }
        _ = requester.post(Self.write(300))
        _ = requester.post(Self.write(8))
        _ = requester.pollTransmit(now: Self.start)
        requester.suspend()
        #expect(!requester.isDrained)
        _ = requester.receive(Self.acknowledge(10), payloadByteCount: 0, now: Self.start)
        #expect(try #require(requester.pollTransmit(now: Self.start)).header.bth.psn.rawValue == 11)
        _ = requester.receive(Self.acknowledge(11), payloadByteCount: 0, now: Self.start)
        #expect(requester.isDrained)
        #expect(requester.pollTransmit(now: Self.start) == nil)
        requester.resume()
        #expect(!requester.isDrained)
        #expect(try #require(requester.pollTransmit(now: Self.start)).header.bth.psn.rawValue == 12)
    }
}
