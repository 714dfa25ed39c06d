import Glibc
import SystemIO
import Testing

@Suite("Address space")
struct AddressSpaceTests {
    private static let page = 4096

    /// Eight pages: read-write, but page 2 is read-only, page 4 missing, and page 6 allows nothing.
    private static func withPages(_ body: (UInt) throws -> Void) throws {
        let memory = mmap(nil, 8 * self.page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        let base = try #require(memory)
        defer { munmap(base, 8 * self.page) }
        try #require(mprotect(base + 2 * self.page, self.page, PROT_READ) == 0)
        try #require(munmap(base + 4 * self.page, self.page) == 0)
        // The hole must stay one, whatever other threads map meanwhile.
        let start = UInt(bitPattern: base)
        try #require(mprotect(base + 6 * self.page, self.page, PROT_NONE) == 0)
        try body(start)
    }

    private static func answer(_ start: UInt, _ offset: Int, _ byteCount: Int, needsWrite: Bool) -> Errno? {
        do throws(Errno) {
            try AddressSpace.check(address: start + UInt(offset), byteCount: byteCount, needsWrite: needsWrite)
            return nil
        } catch {
            return error
        }
    }

    @Test func `mapped ranges pass, also across mappings`() throws {
        try Self.withPages { start in
            #expect(Self.answer(start, 0, 2 * Self.page, needsWrite: true) == nil)
            #expect(Self.answer(start, 100, 3 * Self.page, needsWrite: false) == nil)
            #expect(Self.answer(start, 4 * Self.page - 1, 1, needsWrite: true) == nil)
            #expect(Self.answer(start, 3 * Self.page, 0, needsWrite: true) == nil)
        }
    }

    @Test func `a range that forbids the access is told`() throws {
        try Self.withPages { start in
            #expect(Self.answer(start, 0, 2 * Self.page + 1, needsWrite: true) == .badAddress)
            #expect(Self.answer(start, 6 * Self.page, 1, needsWrite: false) == .badAddress)
            #expect(Self.answer(start, 5 * Self.page, Self.page + 1, needsWrite: false) == .badAddress)
        }
    }

    @Test func `a hole, the null page and the end of the address space are told`() throws {
        #expect(Self.answer(0, 0, 1, needsWrite: false) == .badAddress)
        #expect(Self.answer(.max - 10, 0, 5, needsWrite: false) == .badAddress)
        #expect(Self.answer(.max - 10, 0, 50, needsWrite: false) == .badAddress)
        #expect(Self.answer(0x1000, 0, .max, needsWrite: false) == .badAddress)
        try Self.withPages { start in
            #expect(Self.answer(start, 3 * Self.page, 3 * Self.page, needsWrite: false) == .badAddress)
        }
    }

    /// The text of `/proc/self/maps`, which kernels before 6.11 need, must say the same.
    @Test func `the answer from the text is the same`() throws {
        try Self.withPages { start in
            for (offset, count, needsWrite) in [
                (0, 2, true), (0, 2, false), (0, 3, true), (1, 3, false), (3, 3, false), (5, 1, true), (5, 2, false),
            ] {
                let byteCount = count * Self.page
                let expected = Self.answer(start, offset * Self.page, byteCount, needsWrite: needsWrite)
                let address = start + UInt(offset * Self.page)
                var fromText: Errno?
                do throws(Errno) {
                    try AddressSpace.checkByText(address: address, byteCount: byteCount, needsWrite: needsWrite)
                } catch {
                    fromText = error
                }
                #expect(fromText == expected, "pages \(offset) to \(offset + count)")
            }
        }
    }

    @Test func `no page is touched`() throws {
        let byteCount = 64 << 20
        let base = try #require(mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
        defer { munmap(base, byteCount) }
        try AddressSpace.check(address: UInt(bitPattern: base), byteCount: byteCount, needsWrite: true)
        var isResident = [UInt8](repeating: 1, count: byteCount / Self.page)
        #expect(mincore(base, byteCount, &isResident) == 0)
        #expect(isResident.allSatisfy { $0 & 1 == 0 })
    }
}
