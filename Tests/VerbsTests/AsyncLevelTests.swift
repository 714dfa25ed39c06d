import Glibc
import TestSupport
import Testing
import Verbs

@Suite("Awaited operations", .serialized, .timeLimit(.minutes(2)))
struct AsyncLevelTests {
    @Test func `a message is awaited on both sides`() async throws {
        let pair = try AsyncPair<RC>.make()
        pair.region.store(99 as UInt64, at: 0)
        async let received = pair.other.receive(into: pair.otherRegion[0..<64])
        try await pair.one.send(pair.region[0..<8], immediate: 5)
        let completion = try await received
        #expect(completion.byteCount == 8 && completion.immediate == 5)
        #expect(pair.otherRegion.load(UInt64.self, at: 0) == 99)
    }

    @Test func `one-sided operations are awaited`() async throws {
        let pair = try AsyncPair<RC>.make()
        let remote = pair.otherRegion.remote
        pair.region.store(40 as UInt64, at: 0)
        try await pair.one.write(pair.region[0..<8], to: remote[16..<24])
        let word = remote[16, as: UInt64.self]
        #expect(try await pair.one.fetchAndAdd(2, to: word) == 40)
        #expect(try await pair.one.compareAndSwap(word, expected: 42, desired: 7) == 42)
        #expect(try await pair.one.compareAndSwap(word, expected: 42, desired: 8) == 7)
        try await pair.one.read(into: pair.region[64..<72], from: remote[16..<24])
        #expect(pair.region.load(UInt64.self, at: 64) == 7)
    }

    @Test func `a failure is thrown with its status, and what comes after is flushed`() async throws {
        let pair = try AsyncPair<RC>.make()
        let remote = pair.otherRegion.remote
        let wrong = RemoteRegion(
            address: remote.address,
            byteCount: 8,
            rKey: RKey(rawValue: remote.rKey.rawValue ^ 0xF0)
        )
        let failure = await #expect(throws: VerbsError.self) {
            try await pair.one.write(pair.region[0..<8], to: wrong)
        }
        #expect(failure?.code == .workFailed && failure?.status == .remoteAccessError)
        let next = await #expect(throws: VerbsError.self) {
            try await pair.one.write(pair.region[0..<8], to: remote[0..<8])
        }
        #expect(next?.status == .flushed)
    }

    @Test func `more operations than places wait their turn`() async throws {
        let pair = try AsyncPair<RC>.make(capacity: QueueCapacity(sendCount: 4, receiveCount: 4))
        try await withThrowingTaskGroup(of: UInt64.self) { group in
            for _ in 0..<200 {
                group.addTask { try await pair.one.fetchAndAdd(1, to: pair.otherRegion.remote[0, as: UInt64.self]) }
            }
            var former: Set<UInt64> = []
            for try await value in group { former.insert(value) }
            #expect(former == Set(0..<200))
        }
        #expect(pair.completions.outstandingCount == 0)
    }

    @Test func `a cancelled task goes at once, and the memory stays until the adapter lets go`() async throws {
        let pair = try AsyncPair<RC>.make()
        let task = Task { try await pair.other.receive(into: pair.otherRegion[0..<64]) }
        while pair.completions.outstandingCount == 0 { await Task.yield() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(pair.completions.outstandingCount == 1, "the adapter still has the request")
        pair.region.store(1 as UInt64, at: 0)
        try await pair.one.send(pair.region[0..<8])
        while pair.completions.outstandingCount > 0 { await Task.yield() }
        // Cancelled before it begins, an operation is not posted.
        let late = Task {
            while !Task.isCancelled { await Task.yield() }
            try await pair.other.receive(into: pair.otherRegion[0..<64])
        }
        late.cancel()
        await #expect(throws: CancellationError.self) { try await late.value }
    }

    @Test func `closing ends what is under way and what waits`() async throws {
        let pair = try AsyncPair<RC>.make(capacity: QueueCapacity(receiveCount: 2))
        let count = pair.other.capacity.receiveCount + 5
        let results = await withTaskGroup(of: VerbsError?.self) { group in
            for _ in 0..<count {
                group.addTask {
                    do {
                        try await pair.other.receive(into: pair.otherRegion[0..<64])
                        return nil
                    } catch {
                        return error as? VerbsError
                    }
                }
            }
            while pair.completions.outstandingCount < pair.other.capacity.receiveCount { await Task.yield() }
            pair.other.close()
            return await group.reduce(into: [VerbsError?]()) { $0.append($1) }
        }
        #expect(results.count == count)
        #expect(results.allSatisfy { $0?.status == .flushed || $0?.code == .closed }, "\(results)")
        #expect(pair.completions.outstandingCount == 0)
    }

    @Test func `a queue pair that is let go takes its operations along`() async throws {
        let completions: AsyncCompletionQueue
        do {
            let pair = try AsyncPair<RC>.make()
            completions = pair.completions
            let task = Task { try await pair.other.receive(into: pair.otherRegion[0..<64]) }
            while completions.outstandingCount == 0 { await Task.yield() }
            task.cancel()
            _ = await task.result
        }
        let deadline = MonotonicSeconds.now + 20
        while completions.outstandingCount > 0, MonotonicSeconds.now < deadline { usleep(1000) }
        #expect(completions.outstandingCount == 0)
    }

    @Test func `completions come as a sequence to who numbers requests himself`() async throws {
        let context = try VerbsLibrary.embedded.device().open()
        let domain = try ProtectionDomain(on: context)
        let completions = try CompletionSequence(capacity: 64, on: context)
        let one = try QueuePair<RC, Initialized>(in: domain, completions: completions.queue)
        let other = try QueuePair<RC, Initialized>(in: domain, completions: completions.queue)
        let (address, otherAddress) = (one.address, other.address)
        let sending = try one.connect(to: otherAddress)
        let receiving = try other.connect(to: address)
        let region = try MemoryRegion(byteCount: 4096, in: domain, remoteAccess: [.write])
        for id in 0..<10 as Range<UInt64> {
            try sending.post(.write(region[0..<8], to: region.remote[8..<16]), id: id)
        }
        var ids: [UInt64] = []
        for try await completion in completions {
            ids.append(completion.id)
            if ids.count == 10 { break }
        }
        #expect(ids == Array(0..<10))
        // Nothing is there now, so the task sleeps until one comes.
        let task = Task {
            var iterator = completions.makeAsyncIterator()
            return try await iterator.next()?.id
        }
        usleep(20_000)
        try sending.post(.write(region[0..<8], to: region.remote[8..<16]), id: 77)
        #expect(try await task.value == 77)
        let cancelled = Task {
            var iterator = completions.makeAsyncIterator()
            return try await iterator.next() == nil
        }
        cancelled.cancel()
        #expect(try await cancelled.value)
        #expect(receiving.qpn == otherAddress.qpn)
    }

    /// Requests that the program posts itself are not counted, so their completions can fill the queue.
    @Test func `a queue that overran fails who waits, and says why`() async throws {
        let context = try VerbsLibrary.embedded.device().open()
        let domain = try ProtectionDomain(on: context)
        let completions = try AsyncCompletionQueue(on: context)
        let pair = try AsyncPair<RC>(completions, in: domain)
        let stray = try completions.queuePair(RC.self, in: domain, capacity: QueueCapacity(sendCount: 4096))
        let address = stray.address
        let posting = try stray.connect(to: address)
        let region = try MemoryRegion(byteCount: 4096, in: domain, remoteAccess: [.write])
        // Of requests with strange numbers, a few end nothing.
        try posting.post(.write(region[0..<8], to: region.remote[8..<16]), id: 0)
        try await pair.one.write(pair.region[0..<8], to: pair.otherRegion.remote[0..<8])
        var batch = SendBatch<RC>(capacity: 2048)
        while !batch.isFull { batch.append(.write(region[0..<8], to: region.remote[8..<16])) }
        try posting.post(batch)
        let failure = await #expect(throws: VerbsError.self) {
            while true { try await pair.one.write(pair.region[0..<8], to: pair.otherRegion.remote[0..<8]) }
        }
        #expect(failure?.description.contains("the queue overran") == true, "\(String(describing: failure))")
        let later = await #expect(throws: VerbsError.self) {
            try await pair.other.receive(into: pair.otherRegion[0..<64])
        }
        #expect(later?.description.contains("the queue overran") == true, "\(String(describing: later))")
        #expect(completions.outstandingCount == 0)
    }

    @Test func `a queue pair of another completion queue is refused`() async throws {
        let context = try VerbsLibrary.embedded.device().open()
        let domain = try ProtectionDomain(on: context)
        let completions = try AsyncCompletionQueue(on: context)
        let stranger = try AsyncCompletionQueue(on: context)
        let pair = try completions.queuePair(RC.self, in: domain)
        let address = pair.address
        let connected = try pair.connect(to: address)
        do {
            _ = try AsyncQueuePair(connected, stranger)
            Issue.record("it was taken")
        } catch {
            #expect(error.code == .invalidArgument)
        }
    }
}
