import Glibc
import SystemIO
import TestSupport
import Testing

@Suite("Shared lock")
struct SharedLockTests {
    /// A lock that child processes of the test see, in memory that they keep.
    private static func withLock(_ body: (SharedLock) throws -> Void) throws {
        let memory = mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
        let base = try #require(memory)
        defer { munmap(base, 4096) }
        let lock = SharedLock(at: base + 128)
        try lock.initialize()
        try body(lock)
    }

    @Test func `it is taken and freed`() throws {
        try Self.withLock { lock in
            let first = try lock.lock()
            lock.unlock()
            let second = try lock.tryLock()
            lock.unlock()
            #expect(first == .clean)
            #expect(second == .clean)
        }
    }

    @Test func `what another process holds is not free`() throws {
        try Self.withLock { lock in
            try lock.lock()
            let status = CFunctions.inChild { (try? lock.tryLock()) == .some(nil) ? 0 : 1 }
            #expect(status == 0)
            lock.unlock()
        }
    }

    @Test func `the death of the holder is told once`() throws {
        try Self.withLock { lock in
            let status = CFunctions.inChild {
                _ = try? lock.lock()
                kill(getpid(), SIGKILL)
                return 0
            }
            #expect(status == SIGKILL)
            let first = try lock.lock()
            lock.unlock()
            let second = try lock.lock()
            lock.unlock()
            #expect(first == .ownerDied)
            #expect(second == .clean)
        }
    }
}
