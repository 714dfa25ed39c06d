import TestSupport
import Testing
import Verbs

@Suite("Libraries", .serialized)
struct LibraryTests {
    static let staged = Project.libraries + "/libibverbs.so.1"
    static let debian = "/usr/lib/x86_64-linux-gnu/libibverbs.so.1"

    @Test func `the embedded adapter has a device for the loopback interface`() throws {
        let device = try VerbsLibrary.embedded.device()
        #expect(device.name == "verbena0")
        let context = try device.open()
        let port = try context.port()
        #expect(port.isActive && port.isEthernet && port.gidCount > 0)
        #expect(try context.gid(index: context.usualGIDIndex()).isIPv4)
        #expect(try context.attributes().queuePairCountMax > 1000)
    }

    @Test func `the embedded adapter shows what it counts`() throws {
        let context = try VerbsLibrary.embedded.device().open()
        func overrunCount() throws -> UInt64 {
            try #require(context.counters().first { $0.name == "completion_queue_overruns" }).value
        }
        let before = try overrunCount()
        let domain = try ProtectionDomain(on: context)
        let queue = try CompletionQueue(capacity: 2, on: context)
        let capacity = QueueCapacity(sendCount: 256)
        let pair = try QueuePair<RC, Initialized>(in: domain, completions: queue, capacity: capacity)
        let address = pair.address
        let connected = try pair.connect(to: address)
        let region = try MemoryRegion(byteCount: 64, in: domain, remoteAccess: [.write])
        for _ in 0..<256 { try connected.post(.write(region[0..<8], to: region.remote[8..<16])) }
        let error = verbsError { while true { _ = try queue.poll() } }
        #expect(error?.description.contains("the queue overran") == true, "\(String(describing: error))")
        #expect(try overrunCount() > before)
    }

    @Test func `the same code runs on a library that is loaded`() throws {
        try Project.requireBuild()
        let loopback = try Loopback<RC>(try VerbsLibrary.at(Self.staged))
        try loopback.peer.postReceive(into: loopback.peerRegion[0..<64], id: 7)
        try loopback.pair.post(.send(loopback.region[0..<16]), id: 9)
        #expect(try awaitCompletion(loopback.peerQueue).isSuccess)
    }

    /// Each is a member of the host's registry of its own, and they speak to each other as two processes do.
    @Test func `the embedded adapter and a loaded one talk in one process`() async throws {
        try Project.requireBuild()
        await #expect(processExitsWith: .success) {
            let loaded = try VerbsLibrary.at(LibraryTests.staged)
            for _ in 0..<3 {
                let context = try VerbsLibrary.embedded.device().open()
                let other = try loaded.device().open()
                let domain = try ProtectionDomain(on: context)
                let otherDomain = try ProtectionDomain(on: other)
                let queue = try CompletionQueue(capacity: 16, on: context)
                let otherQueue = try CompletionQueue(capacity: 16, on: other)
                let pair = try QueuePair<RC, Initialized>(in: domain, completions: queue)
                let otherPair = try QueuePair<RC, Initialized>(in: otherDomain, completions: otherQueue)
                let (address, otherAddress) = (pair.address, otherPair.address)
                let connected = try pair.connect(to: otherAddress)
                let otherConnected = try otherPair.connect(to: address)
                let region = try MemoryRegion(byteCount: 4096, in: domain)
                let otherRegion = try MemoryRegion(byteCount: 4096, in: otherDomain)
                for round in 0..<20 {
                    try otherConnected.postReceive(into: otherRegion[0..<64])
                    try connected.postReceive(into: region[64..<128])
                    try connected.post(.send(region[0..<16]), id: UInt64(round))
                    try otherConnected.post(.send(otherRegion[64..<80]))
                    for _ in 0..<2 {
                        try awaitCompletion(queue).requireSuccess()
                        try awaitCompletion(otherQueue).requireSuccess()
                    }
                }
            }
        }
    }

    @Test func `Debian's library without an adapter says so in words that help`() throws {
        let error = verbsError { _ = try VerbsLibrary.at(Self.debian).device() }
        let description = try #require(error).description
        #expect(error?.code == .noDevice || error?.code == .notSupported)
        #expect(description.contains(Self.debian))
        #expect(description.contains("RDMA"))
    }

    /// A program that embeds the adapter must not push its functions under those of a library that it loads.
    @Test func `a program with the adapter inside exports none of its functions`() throws {
        let symbols = try Shell.run("nm", "-D", "--defined-only", Project.testProgram)
        #expect(!symbols.contains(" ibv_"))
        let inside = try Shell.run("nm", "--defined-only", Project.testProgram)
        #expect(inside.contains(" T ibv_get_device_list"), "the adapter is not in the program at all")
    }
}
