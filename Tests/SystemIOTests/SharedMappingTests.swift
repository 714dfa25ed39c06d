import Glibc
import SystemIO
import TestSupport
import Testing

@Suite("Shared mapping", .serialized)
struct SharedMappingTests {
    @Test func `starts zeroed and keeps what is written`() throws {
        var mapping = try SharedMapping(name: "test", byteCount: 4096)
        var bytes = mapping.mutableBytes
        #expect(unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 4088, as: UInt64.self) == 0)
        bytes.storeBytes(of: 42, toByteOffset: 4088, as: UInt64.self)
        #expect(unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 4088, as: UInt64.self) == 42)
    }

    @Test func `a region of many gigabytes costs only what is touched`() throws {
        let mapping = try SharedMapping(name: "test", byteCount: 64 << 30)
        mapping.base.storeBytes(of: 1, toByteOffset: (64 << 30) - 1, as: UInt8.self)
        var status = stat()
        #expect(fstat(mapping.descriptor.rawValue, &status) == 0)
        #expect(status.st_blocks * 512 < 1 << 20)
    }

    @Test func `a second mapping of the descriptor shows the same bytes`() throws {
        let first = try SharedMapping(name: "test", byteCount: 4096)
        let copy = OwnedDescriptor(takingOver: dup(first.descriptor.rawValue))
        let second = try SharedMapping(takingOver: copy, byteCount: 4096)
        first.base.storeBytes(of: 7, as: UInt8.self)
        #expect(second.base.load(as: UInt8.self) == 7)
        #expect(first.base != second.base)
    }

    @Test func `a forked child does not have it`() throws {
        let mapping = try SharedMapping(name: "test", byteCount: 4096)
        let base = mapping.base
        let status = CFunctions.inChild { CInt(base.load(as: UInt8.self)) }
        #expect(status == SIGSEGV || status == SIGBUS)
        withExtendedLifetime(mapping) {}
    }

    @Test func `a region that cannot be mapped throws its errno and leaves no descriptor`() throws {
        #expect(throws: Errno.self) { _ = try SharedMapping(name: "leak", byteCount: 1 << 60) }
        #expect(throws: Errno.self) { _ = try SharedMapping(name: "leak", byteCount: .max) }
        let kept = try SharedMapping(name: "leak", byteCount: 1)
        #expect(try Self.openCount(name: "leak") == 1)
        withExtendedLifetime(kept) {}
    }

    /// How many descriptors of this process belong to regions called `name`.
    private static func openCount(name: String) throws -> Int {
        try FileSystem.names(in: "/proc/self/fd").count { number in
            var target = [UInt8](repeating: 0, count: 256)
            let byteCount = target.withUnsafeMutableBytes {
                readlink("/proc/self/fd/\(number)", $0.baseAddress.unsafelyUnwrapped, $0.count)
            }
            return byteCount > 0 && String(decoding: target[..<byteCount], as: UTF8.self).contains("memfd:\(name)")
        }
    }

    @Test func `an empty region is a programmer error`() async {
        await #expect(processExitsWith: .failure) {
            _ = try SharedMapping(name: "test", byteCount: 0)
        }
    }
}
