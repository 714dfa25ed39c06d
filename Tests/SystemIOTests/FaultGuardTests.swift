import Glibc
import SystemIO
import Testing

@Suite("Fault guard")
struct FaultGuardTests {
    private static let pageByteCount = 4096

    /// Two pages of which the second may be taken away.
    private func withPages(_ body: (UnsafeMutableRawPointer) throws -> Void) throws {
        FaultGuard.refresh()
        let byteCount = 2 * Self.pageByteCount
        let base = try #require(mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
        try #require(base != MAP_FAILED)
        defer { munmap(base, byteCount) }
        memset(base, 7, byteCount)
        try body(base)
    }

    @Test func `what is there is copied`() throws {
        try self.withPages { pages in
            var bytes = [UInt8](repeating: 0, count: 5000)
            #expect(FaultGuard.mode != .none)
            #expect(bytes.withUnsafeMutableBytes { FaultGuard.copy(5000, from: pages, to: $0.baseAddress!) })
            #expect(bytes.allSatisfy { $0 == 7 })
        }
    }

    @Test(arguments: [PROT_NONE, PROT_READ])
    func `what is not there is refused, again and again`(protection: CInt) throws {
        try self.withPages { pages in
            mprotect(pages + Self.pageByteCount, Self.pageByteCount, protection)
            var bytes = [UInt8](repeating: 9, count: 5000)
            for _ in 0..<3 {
                let isRead = bytes.withUnsafeMutableBytes { FaultGuard.copy(5000, from: pages, to: $0.baseAddress!) }
                #expect(isRead == (protection == PROT_READ))
                #expect(!bytes.withUnsafeBytes { FaultGuard.copy(5000, from: $0.baseAddress!, to: pages) })
                #expect(FaultGuard.fetchAdd(pages + Self.pageByteCount, 1) == nil)
                #expect(FaultGuard.compareExchange(pages + Self.pageByteCount, expected: 0, desired: 1) == nil)
            }
        }
    }

    @Test func `an address that no process has is refused`() {
        FaultGuard.refresh()
        var word: UInt64 = 0
        let nowhere = UnsafeRawPointer(bitPattern: 0x8000_0000_0000_1000 as UInt)
        #expect(withUnsafeMutableBytes(of: &word) { !FaultGuard.copy(8, from: nowhere!, to: $0.baseAddress!) })
    }

    @Test func `a fault that is none of ours ends the program as before`() async {
        await #expect(processExitsWith: .signal(SIGSEGV)) {
            FaultGuard.refresh()
            UnsafeMutablePointer<Int>(bitPattern: 8)?.pointee = 1
        }
    }

    @Test func `a signal that was sent ends the program as before`() async {
        await #expect(processExitsWith: .signal(SIGSEGV)) {
            FaultGuard.refresh()
            kill(getpid(), SIGSEGV)
            sleep(5)
        }
    }
}
