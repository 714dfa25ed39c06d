import Glibc
import TestSupport
import Testing
import Verbs

@Suite("Memory", .serialized)
struct MemoryTests {
    @Test(arguments: [PageKind.standard, .huge])
    func `a region has pages of its own, zeroed, page-aligned`(pages: PageKind) throws {
        let domain = try ProtectionDomain(on: VerbsLibrary.embedded.device().open())
        let region = try MemoryRegion(byteCount: 5000, in: domain, pages: pages)
        #expect(region.byteCount == 5000)
        #expect(region.remote.address % (pages == .huge ? 2 << 20 : 4096) == 0)
        let bytes = region.bytes
        #expect((0..<5000).allSatisfy { bytes.byte($0) == 0 })
    }

    @Test func `a child of fork does not have it`() async {
        await #expect(processExitsWith: .success) {
            let domain = try ProtectionDomain(on: VerbsLibrary.embedded.device().open())
            let region = try MemoryRegion(byteCount: 4096, in: domain)
            let address = UInt(region.remote.address)
            let child = CFunctions.fork()
            if child == 0 {
                // A write to memory that is not mapped gives EFAULT.
                let pointer = UnsafeRawPointer(bitPattern: address)
                let descriptor = open("/dev/null", O_WRONLY)
                var pipe: [CInt] = [0, 0]
                _ = Glibc.pipe(&pipe)
                let result = write(pipe[1], pointer, 8)
                _exit(result == -1 && errno == EFAULT && descriptor >= 0 ? 0 : 1)
            }
            var status: CInt = 0
            while waitpid(child, &status, 0) == -1 && errno == EINTR {}
            exit(status == 0 && region.byteCount == 4096 ? 0 : 1)
        }
    }

    @Test func `borrowed memory is sent and received`() throws {
        let loopback = try Loopback<RC>()
        let text = Array("hello, verbs".utf8)
        var room = [UInt8](repeating: 0, count: text.count)
        do {
            let source = try BorrowedRegion(text.span.bytes, in: loopback.domain)
            var span = room.mutableSpan
            let target = try BorrowedRegion(span.mutableBytes, in: loopback.domain)
            try loopback.peer.postReceive(into: target.all)
            try loopback.pair.post(.send(source.all))
            _ = try awaitCompletion(loopback.queue)
            _ = try awaitCompletion(loopback.peerQueue)
        }
        #expect(room == text)
    }

    @Test func `a description of remote memory survives the way to the peer`() throws {
        let region = RemoteRegion(address: 0x7F00_1234_5678_9000, byteCount: 1 << 33, rKey: RKey(rawValue: 0xDEAD_BEEF))
        #expect(RemoteRegion(encoded: region.encoded) == region)
        #expect(RemoteRegion(encoded: region.encoded.dropLast()) == nil)
        var tooLong = region.encoded
        tooLong[8] = 0xFF
        #expect(RemoteRegion(encoded: tooLong) == nil, "a length beyond Int is no length")
        let value = region[16, as: UInt64.self]
        #expect(value.region.address == region.address + 16 && value.region.byteCount == 8)
    }

    @Test func `a range beyond the region is a programmer's error`() async {
        await #expect(processExitsWith: .failure) {
            let domain = try ProtectionDomain(on: VerbsLibrary.embedded.device().open())
            let region = try MemoryRegion(byteCount: 4096, in: domain)
            _ = region[4000..<4097].byteCount
        }
    }

    @Test func `reserved huge pages that are not there are named with the remedy`() throws {
        let domain = try ProtectionDomain(on: VerbsLibrary.embedded.device().open())
        do {
            let region = try MemoryRegion(byteCount: 1 << 40, in: domain, pages: .reservedHuge)
            Issue.record("\(region.byteCount) bytes of huge pages")
        } catch {
            #expect(error.code == .outOfResources)
            #expect(error.description.contains("vm.nr_hugepages"))
        }
    }
}
