import TestSupport
import Testing
import Verbs

@Suite("Thin level", .serialized)
struct ThinLevelTests {
    @Test func `a message arrives with its bytes, its length and its number`() throws {
        let loopback = try Loopback<RC>()
        loopback.region.store(0x1122_3344_5566_7788 as UInt64, at: 8)
        try loopback.peer.postReceive(into: loopback.peerRegion[0..<64], id: 7)
        try loopback.pair.post(.send(loopback.region[0..<16], immediate: 0xAABB_CCDD), id: 9)
        let received = try awaitCompletion(loopback.peerQueue)
        let sent = try awaitCompletion(loopback.queue)
        #expect(received.isSuccess && received.isReceive && received.id == 7 && received.byteCount == 16)
        #expect(received.immediate == 0xAABB_CCDD)
        #expect(received.qpn == loopback.peer.qpn)
        #expect(sent.isSuccess && !sent.isReceive && sent.id == 9)
        let word = loopback.peerRegion.load(UInt64.self, at: 8)
        #expect(word == 0x1122_3344_5566_7788)
    }

    @Test func `one-sided operations reach the peer's memory without it`() throws {
        let loopback = try Loopback<RC>()
        let remote = loopback.peerRegion.remote
        loopback.region.store(40 as UInt64, at: 0)
        try loopback.pair.post(.write(loopback.region[0..<8], to: remote[64..<72]), id: 1)
        let word = remote[64, as: UInt64.self]
        try loopback.pair.post(.fetchAndAdd(2, to: word, formerInto: loopback.region[8..<16]), id: 2)
        try loopback.pair.post(
            .compareAndSwap(word, expected: 42, desired: 99, formerInto: loopback.region[16..<24]),
            id: 3
        )
        try loopback.pair.post(.read(into: loopback.region[24..<32], from: remote[64..<72]), id: 4)
        for id in 1...4 as ClosedRange<UInt64> {
            let completion = try awaitCompletion(loopback.queue)
            #expect(completion.isSuccess && completion.id == id)
        }
        let words = (0..<4).map { index in
            loopback.region.load(UInt64.self, at: 8 * index)
        }
        #expect(words == [40, 40, 42, 99])
    }

    @Test func `a batch goes in order, and gathers`() throws {
        let loopback = try Loopback<RC>(capacity: QueueCapacity(sendElementCount: 2))
        for index in 0..<64 { loopback.region.store(UInt8(index), at: index) }
        var receives = ReceiveBatch(capacity: 3)
        for index in 0..<3 {
            receives.append(into: loopback.peerRegion[index * 64..<(index + 1) * 64], id: UInt64(index))
        }
        try loopback.peer.postReceive(receives)
        var batch = SendBatch<RC>(capacity: 3, elementCountMax: 2)
        batch.append(.send(loopback.region[0..<8]), id: 10, options: [])
        batch.append(.send(loopback.region[8..<16]), id: 11, options: [])
        batch.gather(loopback.region[32..<36])
        batch.append(.send(loopback.region[60..<64]), id: 12)
        try loopback.pair.post(batch)
        let lengths = try (0..<3).map { _ in try awaitCompletion(loopback.peerQueue).byteCount }
        #expect(lengths == [8, 12, 4])
        #expect(try awaitCompletion(loopback.queue).id == 12)
        let bytes = loopback.peerRegion.bytes
        #expect((64..<76).map { bytes.byte($0) } == [8, 9, 10, 11, 12, 13, 14, 15, 32, 33, 34, 35])
        // Emptied and filled anew, it links what it has then.
        batch.removeAll()
        batch.append(.write(loopback.region[0..<4], to: loopback.peerRegion.remote[0..<4]), id: 20)
        try loopback.pair.post(batch)
        #expect(try awaitCompletion(loopback.queue).id == 20)
        #expect(try loopback.queue.poll() == nil)
    }

    @Test func `completions are polled into the caller's span`() throws {
        let loopback = try Loopback<RC>()
        for id in 0..<5 as Range<UInt64> {
            try loopback.pair.post(.write(loopback.region[0..<8], to: loopback.peerRegion.remote[0..<8]), id: id)
        }
        var ids: [UInt64] = []
        var completions = [WorkCompletion](repeating: WorkCompletion(), count: 3)
        while ids.count < 5 {
            let count = try loopback.queue.poll(into: completions.mutableSpan)
            #expect(count <= 3)
            ids += completions.prefix(count).map(\.id)
        }
        #expect(ids == [0, 1, 2, 3, 4])
    }

    @Test func `unreliable connections send and write`() throws {
        let loopback = try Loopback<UC>()
        loopback.region.store(77 as UInt8, at: 0)
        try loopback.peer.postReceive(into: loopback.peerRegion[0..<64], id: 1)
        try loopback.pair.post(
            .write(loopback.region[0..<1], to: loopback.peerRegion.remote[5..<6], immediate: 3),
            id: 2
        )
        let received = try awaitCompletion(loopback.peerQueue)
        #expect(received.isSuccess && received.immediate == 3)
        #expect(loopback.peerRegion.bytes.byte(5) == 77)
    }

    @Test func `datagrams carry their sender`() throws {
        let context = try VerbsLibrary.embedded.device().open()
        let domain = try ProtectionDomain(on: context)
        let queue = try CompletionQueue(capacity: 16, on: context)
        let key = QKey(rawValue: 0x1234)
        let one = try QueuePair<UD, Initialized>(in: domain, completions: queue, qKey: key).activate()
        let other = try QueuePair<UD, Initialized>(in: domain, completions: queue, qKey: key).activate()
        let region = try MemoryRegion(byteCount: 4096, in: domain)
        let address = try AddressHandle(to: other.address.gid, in: domain)
        try other.postReceive(into: region[0..<256], id: 1)
        try one.post(.send(region[1024..<1056], to: address, qpn: other.qpn, qKey: key), id: 2)
        let completions = try [awaitCompletion(queue), awaitCompletion(queue)]
        let received = try #require(completions.first { $0.id == 1 })
        #expect(received.isSuccess && received.hasGlobalRouteHeader && received.byteCount == 40 + 32)
        #expect(received.sourceQPN == one.qpn)
    }

    @Test func `queue pairs share receive requests`() throws {
        let context = try VerbsLibrary.embedded.device().open()
        let domain = try ProtectionDomain(on: context)
        let queue = try CompletionQueue(capacity: 16, on: context)
        let shared = try SharedReceiveQueue(capacity: 4, in: domain)
        let sender = try QueuePair<RC, Initialized>(in: domain, completions: queue)
        let receiver = try QueuePair<RC, Initialized>(in: domain, completions: queue, sharedReceiveQueue: shared)
        let (senderAddress, receiverAddress) = (sender.address, receiver.address)
        let sending = try sender.connect(to: receiverAddress)
        let receiving = try receiver.connect(to: senderAddress)
        let region = try MemoryRegion(byteCount: 4096, in: domain)
        try shared.postReceive(into: region[0..<64], id: 1)
        try sending.post(.send(region[64..<72]), id: 2)
        let ids = try [awaitCompletion(queue).id, awaitCompletion(queue).id]
        #expect(ids.sorted() == [1, 2])
        #expect(receiving.qpn == receiverAddress.qpn)
    }

    @Test func `a channel wakes who sleeps`() throws {
        let context = try VerbsLibrary.embedded.device().open()
        let domain = try ProtectionDomain(on: context)
        let channel = try CompletionChannel(on: context)
        let queue = try CompletionQueue(capacity: 16, reportingTo: channel)
        let one = try QueuePair<RC, Initialized>(in: domain, completions: queue)
        let other = try QueuePair<RC, Initialized>(in: domain, completions: queue)
        let (oneAddress, otherAddress) = (one.address, other.address)
        let sending = try one.connect(to: otherAddress)
        let receiving = try other.connect(to: oneAddress)
        let region = try MemoryRegion(byteCount: 4096, in: domain, remoteAccess: [.write])
        try queue.arm()
        try sending.post(.write(region[0..<8], to: region.remote[8..<16]), id: 5)
        let hasEvent = try channel.wait()
        #expect(hasEvent)
        #expect(try awaitCompletion(queue).id == 5)
        try channel.makeNonBlocking()
        let hasFurther = try channel.wait()
        #expect(!hasFurther)
        #expect(receiving.qpn == otherAddress.qpn)
    }
}

extension RawSpan {
    /// One byte.
    func byte(_ offset: Int) -> UInt8 { unsafe self.unsafeLoad(fromByteOffset: offset, as: UInt8.self) }
}
