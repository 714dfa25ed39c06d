import TestSupport
import Testing
import Verbs

@Suite("Errors", .serialized)
struct ErrorTests {
    @Test func `a full queue says so, and which request was refused`() throws {
        let context = try VerbsLibrary.embedded.device().open()
        let domain = try ProtectionDomain(on: context)
        let queue = try CompletionQueue(capacity: 256, on: context)
        let pair = try QueuePair<RC, Initialized>(
            in: domain,
            completions: queue,
            capacity: QueueCapacity(sendCount: 1, receiveCount: 4)
        )
        let region = try MemoryRegion(byteCount: 4096, in: domain)
        let room = pair.capacity.receiveCount
        var batch = ReceiveBatch(capacity: room + 3)
        while !batch.isFull { batch.append(into: region[0..<64]) }
        do {
            try pair.postReceive(batch)
            Issue.record("more requests were posted than fit")
        } catch {
            #expect(error.code == .queueFull)
            #expect(error.operation == "ibv_post_recv")
            #expect(error.requestIndex == room)
            #expect(error.errno == 12)
            #expect(error.description.contains("receiveCount \(room)"))
        }
    }

    @Test func `an attribute beyond the device's limit is named, with the limit`() throws {
        let context = try VerbsLibrary.embedded.device().open()
        let domain = try ProtectionDomain(on: context)
        let queue = try CompletionQueue(capacity: 16, on: context)
        let limit = try context.attributes().workRequestCountMax
        do {
            let pair = try QueuePair<RC, Initialized>(
                in: domain,
                completions: queue,
                capacity: QueueCapacity(sendCount: limit + 1)
            )
            Issue.record("\(pair.qpn) was made")
        } catch {
            #expect(error.code == .invalidArgument || error.code == .outOfResources)
            #expect(error.operation == "ibv_create_qp")
            #expect(error.detail.contains("sendCount \(limit + 1) is beyond 0 to \(limit)"), "\(error)")
        }
    }

    @Test func `a transition that is refused names the state and the attributes`() throws {
        let context = try VerbsLibrary.embedded.device().open()
        let domain = try ProtectionDomain(on: context)
        let queue = try CompletionQueue(capacity: 16, on: context)
        let pair = try QueuePair<RC, Initialized>(in: domain, completions: queue)
        let address = pair.address
        do {
            let connected = try pair.connect(to: address, PathOptions(readCount: 255))
            Issue.record("\(connected.qpn) took 255 reads")
        } catch {
            #expect(error.operation == "ibv_modify_qp")
            #expect(error.detail.contains("from state INIT to RTR"), "\(error)")
            #expect(error.detail.contains("readCount 255"), "\(error)")
        }
    }

    @Test func `posting after a failure says in which state the queue pair is`() throws {
        let loopback = try Loopback<RC>()
        try loopback.pair.fail()
        #expect(try loopback.pair.state() == .error)
        // The specification lets requests be posted in this state; they complete as flushed.
        try loopback.pair.post(.write(loopback.region[0..<8], to: loopback.peerRegion.remote[0..<8]), id: 3)
        let completion = try awaitCompletion(loopback.queue)
        #expect(completion.status == .flushed)
        do {
            try completion.requireSuccess()
            Issue.record("a flushed request passed for a success")
        } catch {
            #expect(error.code == .workFailed && error.status == .flushed)
        }
    }

    @Test func `a peer's refusal is a status`() throws {
        let loopback = try Loopback<RC>()
        let remote = loopback.peerRegion.remote
        let wrong = RemoteRegion(
            address: remote.address,
            byteCount: 8,
            rKey: RKey(rawValue: remote.rKey.rawValue ^ 0xFF)
        )
        try loopback.pair.post(.write(loopback.region[0..<8], to: wrong))
        #expect(try awaitCompletion(loopback.queue).status == .remoteAccessError)
    }

    @Test func `what others depend on is busy, and goes with the last of them`() throws {
        let context = try VerbsLibrary.embedded.device().open()
        let domain = try ProtectionDomain(on: context)
        let region = try MemoryRegion(byteCount: 4096, in: domain)
        do {
            try domain.close()
            Issue.record("a domain was closed under its region")
        } catch {
            #expect(error.code == .busy && error.errno == 16)
        }
        try region.close()
        try context.close()
    }

    @Test func `a library that is not there is an error that says what to do`() throws {
        do {
            _ = try VerbsLibrary.at("/nonexistent/libibverbs.so.1")
            Issue.record("it was loaded")
        } catch {
            #expect(error.code == .libraryUnusable)
            #expect(error.description.contains("/nonexistent/libibverbs.so.1"))
            #expect(error.description.contains("VerbsLibrary.embedded"))
        }
        do {
            _ = try VerbsLibrary.at("libm.so.6")
            Issue.record("it was taken for a libibverbs")
        } catch {
            #expect(error.description.contains("libm.so.6 has no function ibv_get_device_list"))
        }
    }

    @Test func `a device that is not there is an error that says which are`() throws {
        do {
            _ = try VerbsLibrary.embedded.device(named: "mlx5_0")
            Issue.record("it was found")
        } catch {
            #expect(error.code == .noDevice)
            #expect(error.description.contains("verbena0") && error.description.contains("mlx5_0"))
        }
    }
}
