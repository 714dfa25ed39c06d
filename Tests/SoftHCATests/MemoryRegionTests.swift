import Glibc
import Segment
import SystemIO
import Testing

@testable import SoftHCA

@Suite("Memory region")
struct MemoryRegionTests {
    private static let pageByteCount = 4096

    private let context: Context
    private let domain: ProtectionDomain

    init() throws {
        self.context = try Context.forTesting()
        self.domain = try ProtectionDomain(context: self.context)
    }

    /// Maps pages for one test and gives their address to `body`.
    private func withPages(
        _ count: Int,
        protection: CInt = PROT_READ | PROT_WRITE,
        _ body: (UInt64) throws -> Void
    ) throws {
        let byteCount = count * Self.pageByteCount
        let base = try #require(mmap(nil, byteCount, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
        try #require(base != MAP_FAILED)
        defer { munmap(base, byteCount) }
        try body(UInt64(UInt(bitPattern: base)))
    }

    private func register(
        _ address: UInt64,
        _ byteCount: UInt64,
        iova: UInt64? = nil,
        _ access: AccessFlags = .localWrite
    ) throws -> MemoryRegion {
        try MemoryRegion(
            domain: self.domain,
            address: address,
            byteCount: byteCount,
            iova: iova ?? address,
            access: access
        )
    }

    private func errorOf(
        _ address: UInt64,
        _ byteCount: UInt64,
        iova: UInt64? = nil,
        _ access: AccessFlags = .localWrite
    ) -> Errno? {
        failure { _ = try self.register(address, byteCount, iova: iova, access) }
    }

    @Test func `a region resolves to its bytes until it is closed`() throws {
        try self.withPages(2) { address in
            let region = try self.register(address + 100, 5000, [.localWrite, .remoteRead])
            #expect(region.lKey == region.rKey && region.lKey != 0)
            func resolve() -> MemoryLocation? {
                self.context.segment.memory.resolve(
                    key: region.rKey,
                    address: address + 100,
                    byteCount: 5000,
                    access: .remoteRead,
                    by: .local(domain: self.domain.handle)
                )
            }
            #expect(resolve() == MemoryLocation(place: .process, position: address + 100))
            try region.close()
            #expect(resolve() == nil)
            #expect(failure { try region.close() } == .invalidArgument)
        }
    }

    @Test func `a zero-based region begins at 0`() throws {
        try self.withPages(1) { address in
            let region = try self.register(address, 4096, [.localWrite, .zeroBased])
            let location = self.context.segment.memory.resolve(
                key: region.lKey,
                address: 16,
                byteCount: 4080,
                access: .localWrite,
                by: .local(domain: self.domain.handle)
            )
            #expect(location == MemoryLocation(place: .process, position: address + 16))
            try region.close()
        }
    }

    @Test func `nonsense is invalid`() throws {
        try self.withPages(1) { address in
            #expect(self.errorOf(address, 0) == .invalidArgument)
            #expect(self.errorOf(address, .max) == .invalidArgument)
            #expect(self.errorOf(.max - 10, 100) == .invalidArgument)
            #expect(self.errorOf(address, 4096, iova: .max - 10) == .invalidArgument)
            #expect(self.errorOf(address, 4096, .remoteWrite) == .invalidArgument)
            #expect(self.errorOf(address, 4096, .remoteAtomic) == .invalidArgument)
            #expect(self.errorOf(address, 4096, AccessFlags(rawValue: 1 << 10)) == .invalidArgument)
            #expect(self.errorOf(address, 4096, AccessFlags(rawValue: 1 << 31)) == .invalidArgument)
            #expect(self.errorOf(address, 4096, [.localWrite, .flushes]) == .notSupported)
            // A device may ignore these.
            let relaxed = try self.register(
                address,
                4096,
                [.localWrite, .relaxedOrdering, AccessFlags(rawValue: 1 << 25)]
            )
            try relaxed.close()
        }
        #expect(self.domain.users.count == 0)
    }

    @Test func `memory that is not there is a bad address`() throws {
        #expect(self.errorOf(0, 1) == .badAddress)
        try self.withPages(3) { address in
            let pointer = UnsafeMutableRawPointer(bitPattern: UInt(address))
            munmap(pointer.map { $0 + Self.pageByteCount }, Self.pageByteCount)
            #expect(self.errorOf(address, 4097) == .badAddress)
            #expect(self.errorOf(address, 3 * 4096) == .badAddress)
            try self.register(address, 4096).close()
        }
        #expect(self.domain.users.count == 0)
    }

    @Test func `memory that may only be read is no place to write`() throws {
        try self.withPages(1, protection: PROT_READ) { address in
            #expect(self.errorOf(address, 4096, .localWrite) == .badAddress)
            try self.register(address, 4096, .remoteRead).close()
            try self.register(address, 4096, []).close()
        }
        try self.withPages(1, protection: PROT_NONE) { address in
            #expect(self.errorOf(address, 4096, []) == .badAddress)
        }
    }

    @Test func `a domain is busy while a region is in it`() throws {
        try self.withPages(1) { address in
            let region = try self.register(address, 1)
            #expect(failure { try self.domain.close() } == .resourceBusy)
            try region.close()
            try self.domain.close()
            #expect(failure { try self.domain.close() } == .invalidArgument)
            #expect(self.errorOf(address, 1) == .invalidArgument)
        }
    }

    @Test func `reregistering changes what it names, and the keys where the memory is another`() throws {
        let other = try ProtectionDomain(context: self.context)
        try self.withPages(2) { address in
            let region = try self.register(address, 4096)
            let old = region.lKey
            try region.reregister(.domain, domain: other, address: 0, byteCount: 0, access: [])
            #expect(region.domain === other && region.address == address && region.access == .localWrite)
            // Peers hold the key: what leaves the memory leaves it.
            #expect(region.lKey == old && self.context.segment.memory.isValid(key: old))
            #expect(self.domain.users.count == 0 && other.users.count == 1)
            try region.reregister(
                [.translation, .access],
                domain: nil,
                address: address + 4096,
                byteCount: 10,
                access: .remoteRead
            )
            #expect(region.address == address + 4096 && region.byteCount == 10 && region.access == .remoteRead)
            #expect(self.context.segment.memory.isValid(key: region.lKey))
            #expect(!self.context.segment.memory.isValid(key: old))
            try region.close()
        }
        #expect(other.users.count == 0)
    }

    @Test func `a reregistration that fails leaves the region as it was`() throws {
        try self.withPages(1) { address in
            let region = try self.register(address, 4096)
            let key = region.lKey
            func errorOf(_ changes: MemoryRegion.Changes, _ address: UInt64, _ access: AccessFlags) -> Errno? {
                failure {
                    try region.reregister(changes, domain: nil, address: address, byteCount: 4096, access: access)
                }
            }
            #expect(errorOf(.translation, 0, []) == .badAddress)
            #expect(errorOf(.access, 0, .remoteWrite) == .invalidArgument)
            #expect(errorOf(.domain, 0, []) == .invalidArgument)
            #expect(errorOf(MemoryRegion.Changes(rawValue: 8), 0, []) == .invalidArgument)
            #expect(region.lKey == key && region.address == address)
            #expect(self.context.segment.memory.isValid(key: key))
            #expect(self.domain.users.count == 1)
            try region.close()
        }
    }
}
