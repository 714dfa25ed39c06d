import TestSupport
import Testing
import Verbs

@Suite("Memory windows", .serialized, .timeLimit(.minutes(2)))
struct WindowTests {
    /// Memory that windows may be bound to, with the word that tells whether a write has arrived.
    private static func lender(_ loopback: borrowing Loopback<RC>) throws -> MemoryRegion {
        try MemoryRegion(byteCount: 8192, in: loopback.domain, remoteAccess: [.windows])
    }

    /// The peer, who has been lent `remote`, writes to it.
    private static func write(_ loopback: borrowing Loopback<RC>, to remote: RemoteRegion) throws -> CompletionStatus {
        loopback.peerRegion.store(0x77 as UInt64, at: 0)
        try loopback.peer.post(.write(loopback.peerRegion[0..<8], to: remote[0..<8]))
        return try awaitCompletion(loopback.peerQueue).status
    }

    @Test func `the adapter says which types it has`() throws {
        let attributes = try VerbsLibrary.embedded.device().open().attributes()
        #expect(attributes.hasType1Windows && attributes.hasType2Windows && attributes.memoryWindowCountMax > 0)
    }

    @Test func `a window of type 1 lends a part, and a new bind takes the former key away`() throws {
        let loopback = try Loopback<RC>()
        let region = try Self.lender(loopback)
        let window = try MemoryWindow<WindowType1>(in: loopback.domain)
        let first = try loopback.pair.bind(window, to: region, 64..<128, remoteAccess: [.write], id: 5)
        #expect(first.address == region.remote.address + 64 && first.byteCount == 64)
        #expect(try awaitCompletion(loopback.queue).id == 5)
        #expect(try Self.write(loopback, to: first) == .success)
        let word = region.load(UInt64.self, at: 64)
        #expect(word == 0x77)
        let second = try loopback.pair.bind(window, to: region, 128..<192, remoteAccess: [.write])
        try awaitCompletion(loopback.queue).requireSuccess()
        #expect(second.rKey != first.rKey)
        #expect(try Self.write(loopback, to: first) == .remoteAccessError)
    }

    @Test func `a window of type 1 that is unbound lends nothing`() throws {
        let loopback = try Loopback<RC>()
        let region = try Self.lender(loopback)
        let window = try MemoryWindow<WindowType1>(in: loopback.domain)
        let lent = try loopback.pair.bind(window, to: region, 0..<64, remoteAccess: [.write], options: [])
        try loopback.pair.unbind(window, id: 3)
        #expect(try awaitCompletion(loopback.queue).id == 3)
        #expect(try Self.write(loopback, to: lent) == .remoteAccessError)
        try region.close()
    }

    @Test func `a window of type 2 is bound with the message that tells of it, and taken back`() throws {
        let loopback = try Loopback<RC>()
        let region = try Self.lender(loopback)
        let window = try MemoryWindow<WindowType2>(in: loopback.domain)
        var batch = SendBatch<RC>(capacity: 2)
        for _ in 0..<3 {
            try loopback.peer.postReceive(into: loopback.peerRegion[64..<128])
            batch.removeAll()
            let lent = try batch.bind(window, to: region, 4096..<4160, remoteAccess: [.write], options: [])
            loopback.region.copy(lent.encoded.span.bytes, at: 0)
            batch.append(.send(loopback.region[0..<RemoteRegion.encodedByteCount]), id: 1)
            try loopback.pair.post(batch)
            #expect(try awaitCompletion(loopback.queue).isSuccess)
            #expect(try awaitCompletion(loopback.peerQueue).byteCount == RemoteRegion.encodedByteCount)
            let told = (0..<RemoteRegion.encodedByteCount).map { loopback.peerRegion.bytes.byte(64 + $0) }
            let remote = try #require(RemoteRegion(encoded: told))
            #expect(remote == lent)
            #expect(try Self.write(loopback, to: remote) == .success)
            batch.removeAll()
            batch.unbind(window, id: 2)
            try loopback.pair.post(batch)
            #expect(try awaitCompletion(loopback.queue).status == .success)
        }
        let word = region.load(UInt64.self, at: 4096)
        #expect(word == 0x77)
    }

    @Test func `the peer takes a window of type 2 away with a message`() throws {
        let loopback = try Loopback<RC>()
        let region = try Self.lender(loopback)
        let window = try MemoryWindow<WindowType2>(in: loopback.domain)
        let lent = try loopback.pair.bind(window, to: region, 0..<64, remoteAccess: [.write])
        try awaitCompletion(loopback.queue).requireSuccess()
        try loopback.pair.postReceive(into: loopback.region[0..<64])
        try loopback.peer.post(.send(loopback.peerRegion[0..<8], invalidating: lent.rKey))
        try awaitCompletion(loopback.peerQueue).requireSuccess()
        let received = try awaitCompletion(loopback.queue)
        #expect(received.isReceive && received.invalidatedKey == lent.rKey && received.immediate == nil)
        #expect(try Self.write(loopback, to: lent) == .remoteAccessError)
    }

    @Test func `a window gives no more than it was bound with`() throws {
        let loopback = try Loopback<RC>()
        let region = try Self.lender(loopback)
        let window = try MemoryWindow<WindowType2>(in: loopback.domain)
        let lent = try loopback.pair.bind(window, to: region, 0..<64, remoteAccess: [.read])
        try awaitCompletion(loopback.queue).requireSuccess()
        #expect(try Self.write(loopback, to: lent) == .remoteAccessError)
    }

    @Test func `a window of type 2 that is bound cannot be bound anew`() throws {
        let loopback = try Loopback<RC>()
        let region = try Self.lender(loopback)
        let window = try MemoryWindow<WindowType2>(in: loopback.domain)
        for isFirst in [true, false] {
            _ = try loopback.pair.bind(window, to: region, 0..<64, remoteAccess: [.read])
            let status = try awaitCompletion(loopback.queue).status
            #expect(status == (isFirst ? .success : .memoryWindowBindError))
        }
    }

    @Test func `what does not fit is refused before it is posted, and named`() throws {
        let loopback = try Loopback<RC>()
        let region = try Self.lender(loopback)
        let window = try MemoryWindow<WindowType1>(in: loopback.domain)
        let otherDomain = try ProtectionDomain(on: loopback.context)
        let foreign = try MemoryRegion(byteCount: 64, in: otherDomain, remoteAccess: [.windows])
        func detail(_ error: VerbsError?) -> String { error?.code == .invalidArgument ? error?.detail ?? "" : "" }
        let withoutLeave = verbsError {
            _ = try loopback.pair.bind(window, to: loopback.region, 0..<64, remoteAccess: [.read])
        }
        #expect(detail(withoutLeave).contains("RemoteAccess.windows"))
        let empty = verbsError { _ = try loopback.pair.bind(window, to: region, 8..<8, remoteAccess: [.read]) }
        #expect(detail(empty).contains("empty"))
        let elsewhere = verbsError { _ = try loopback.pair.bind(window, to: foreign, 0..<8, remoteAccess: [.read]) }
        #expect(detail(elsewhere).contains("different protection domains"))
        let tooMuch = verbsError { _ = try loopback.pair.bind(window, to: region, 0..<8, remoteAccess: [.windows]) }
        #expect(detail(tooMuch).contains("a window gives"))
        // Nothing was posted: the queue pair is as it was.
        #expect(try loopback.pair.state() == .readyToSend)
        #expect(try loopback.queue.poll() == nil)
    }

    @Test func `a region is busy while a window is bound to it, and goes with the window`() throws {
        let loopback = try Loopback<RC>()
        let window = try MemoryWindow<WindowType1>(in: loopback.domain)
        let region = try Self.lender(loopback)
        let lent = try loopback.pair.bind(window, to: region, 0..<64, remoteAccess: [.write])
        try awaitCompletion(loopback.queue).requireSuccess()
        do {
            try region.close()
            Issue.record("a region was closed under its window")
        } catch {
            #expect(error.code == .busy && error.operation == "ibv_dereg_mr")
        }
        // Its owner is gone, and the window still lends it.
        #expect(try Self.write(loopback, to: lent) == .success)
        try window.close()
    }

    @Test(arguments: [true, false])
    func `windows are awaited`(isType2: Bool) async throws {
        let context = try VerbsLibrary.embedded.device().open()
        let domain = try ProtectionDomain(on: context)
        let pair = try AsyncPair<RC>(AsyncCompletionQueue(on: context), in: domain)
        let region = try SharedRegion(byteCount: 4096, in: domain, remoteAccess: [.windows])
        if isType2 {
            try await Self.lendAwaited(pair, region, MemoryWindow<WindowType2>(in: domain))
        } else {
            try await Self.lendAwaited(pair, region, MemoryWindow<WindowType1>(in: domain))
        }
    }

    private static func lendAwaited<Kind>(
        _ pair: AsyncPair<RC>,
        _ region: SharedRegion,
        _ window: consuming MemoryWindow<Kind>
    ) async throws {
        let lent = try await pair.one.bind(window, to: region[0..<64], remoteAccess: [.write])
        pair.otherRegion.store(0x55 as UInt64, at: 0)
        try await pair.other.write(pair.otherRegion[0..<8], to: lent[0..<8])
        #expect(region.load(UInt64.self, at: 0) == 0x55)
        try await pair.one.unbind(window)
        let refused = await #expect(throws: VerbsError.self) {
            try await pair.other.write(pair.otherRegion[0..<8], to: lent[0..<8])
        }
        #expect(refused?.status == .remoteAccessError)
    }
}
