import Glibc
import Registration
import Synchronization
import SystemIO
import TestSupport
import Testing

/// Huge pages, exhaustion, threads and bad input, on Linux. What uses up a resource of the process runs in one of its own.
@Suite("Nocopy ranges at their limits")
struct NocopyRangesLimitTests {
    typealias Account = NocopyRanges<LinuxMemoryKernel>

    @Test(arguments: [ForkPolicy.eager, .atFork])
    func `a child does without a huge page when any part of it has a mark`(policy: ForkPolicy) throws {
        let hugePages = try HugePages(4)
        // Released after the arena, which is made later.
        defer { withExtendedLifetime(hugePages) {} }
        let smallPerHuge = 512
        let arena = try HugeArena(hugePageCount: 2, smallPageCount: 16)
        let account = Account(policy: policy, kernel: LinuxMemoryKernel())
        // From the middle of the second huge page into the small pages behind it.
        try account.mark(arena.range(smallPerHuge + 100, 2 * smallPerHuge + 3))
        try account.mark(arena.range(5, 6))
        account.prepareForFork()
        var expected = [Bool](repeating: true, count: 2 * smallPerHuge + 3) + [Bool](repeating: false, count: 13)
        #expect(arena.flags == expected)
        account.parentAfterFork()
        try account.unmark(arena.range(5, 6))
        account.prepareForFork()
        for page in 0..<smallPerHuge { expected[page] = false }
        #expect(arena.flags == expected)
        account.parentAfterFork()
        try account.unmark(arena.range(smallPerHuge + 100, smallPerHuge + 200))
        account.prepareForFork()
        #expect(arena.flags == expected, "the second huge page has marks still")
        account.parentAfterFork()
        try account.unmark(arena.range(smallPerHuge + 200, 2 * smallPerHuge + 3))
        #expect(arena.flags.allSatisfy { !$0 })
        #expect(account.isEmpty)
    }

    @Test func `a process that runs out of mappings gets an error, lives on, and recovers`() async {
        await #expect(processExitsWith: .exitCode(42)) {
            let arena = try Arena(pageCount: 80_000)
            let account = Account(policy: .eager, kernel: LinuxMemoryKernel())
            var marked: [Int] = []
            var failure: Errno?
            for page in stride(from: 0, to: 80_000, by: 2) {
                do throws(Errno) {
                    try account.mark(arena.range(page, page + 1))
                    marked.append(page)
                } catch {
                    failure = error
                    break
                }
            }
            let other = mmap(nil, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            guard failure == .noMemory, marked.count > 30_000, other != MAP_FAILED else { exit(1) }
            let flags = arena.flags
            guard (0..<80_000).allSatisfy({ flags[$0] == ($0.isMultiple(of: 2) && $0 / 2 < marked.count) }) else {
                exit(2)
            }
            guard ForkedChild.exitCode(of: { 7 }) == 7 else { exit(3) }
            for page in marked { try account.unmark(arena.range(page, page + 1)) }
            guard arena.mappings.count == 1 else { exit(4) }
            try account.mark(arena.range(1, 2))
            exit(42)
        }
    }

    @Test func `at fork with more ranges than mappings, the fork succeeds and the parent is as before`() async {
        await #expect(processExitsWith: .exitCode(42)) {
            let arena = try Arena(pageCount: 80_000)
            let account = Account(policy: .atFork, kernel: LinuxMemoryKernel())
            for page in stride(from: 0, to: 80_000, by: 2) { try account.mark(arena.range(page, page + 1)) }
            let report = account.prepareForFork()
            let child = ForkedChild.fork()
            if child == 0 { _exit(7) }
            account.parentAfterFork()
            guard ForkedChild.wait(for: child) == 7 else { exit(1) }
            guard report.shieldedRangeCount > 30_000, report.exposedRangeCount > 0 else { exit(2) }
            guard arena.mappings.count == 1 else { exit(3) }
            exit(42)
        }
    }

    @Test(arguments: ["eager", "atfork"])
    func `threads mark while others fork and the children register`(policy: String) async {
        await #expect(processExitsWith: .exitCode(42)) { [policy] in
            let chosen: ForkPolicy = policy == "eager" ? .eager : .atFork
            let account = RegistrationAccount(
                configuration: RegistrationConfiguration(policy: chosen, isForkSupportRequested: true)
            )
            account.installForkHandlers()
            let arena = try Arena(pageCount: 64)
            let base = arena.address(of: 0)
            let badChildren = Atomic<Int>(0)
            // What the language's runtime makes at first use is made before there are threads.
            try account.register(address: base, byteCount: 1).release()
            guard account.ranges.isEmpty, ForkedChild.exitCode(of: { account.ranges.isEmpty ? 0 : 1 }) == 0 else {
                exit(6)
            }
            Threads.run(6) { thread in
                var generator = SeededGenerator(seed: UInt64(thread))
                for _ in 0..<(thread < 4 ? 1500 : 60) {
                    let page = UInt.random(in: 0..<56, using: &generator)
                    let address = base + page * PageRange.pageByteCount
                    if thread < 4 {
                        guard let range = try? account.register(address: address, byteCount: 20_000) else { exit(1) }
                        range.release()
                        continue
                    }
                    let code = ForkedChild.exitCode {
                        guard account.ranges.isEmpty else { return 2 }
                        var byte: UInt8 = 0
                        let isOwn = withUnsafePointer(to: &byte) { pointer in
                            guard let range = try? account.register(address: UInt(bitPattern: pointer), byteCount: 1)
                            else {
                                return false
                            }
                            let isMarked = account.ranges.count(at: UInt(bitPattern: pointer)) == 1
                            range.release()
                            return isMarked && account.ranges.isEmpty
                        }
                        return isOwn ? 0 : 3
                    }
                    if code != 0 { badChildren.wrappingAdd(1, ordering: .relaxed) }
                }
            }
            guard badChildren.load(ordering: .relaxed) == 0 else { exit(4) }
            guard account.ranges.isEmpty, arena.flags.allSatisfy({ $0 == false }) else { exit(5) }
            exit(42)
        }
    }

    @Test func `a child of a fork without handlers finds an empty account`() async {
        await #expect(processExitsWith: .exitCode(42)) {
            let arena = try Arena(pageCount: 4)
            let account = Account(policy: .atFork, kernel: LinuxMemoryKernel())
            try account.mark(arena.range(0, 4))
            guard !account.isEmpty, ForkedChild.exitCode(withoutHandlers: true, of: { account.isEmpty ? 7 : 1 }) == 7,
                !account.isEmpty
            else { exit(1) }
            exit(42)
        }
    }

    @Test func `bad ranges have defined errors`() throws {
        let page = PageRange.pageByteCount
        #expect(throws: Errno.invalidArgument) { try PageRange(address: .max - 10, byteCount: 20) }
        #expect(throws: Errno.invalidArgument) { try PageRange(address: .max - 10, byteCount: 5) }
        #expect(throws: Errno.invalidArgument) { try PageRange(address: 4096, byteCount: .max) }
        #expect(throws: Errno.invalidArgument) { try PageRange(address: 4096, byteCount: 0) }
        #expect(throws: Errno.noMemory) { try PageRange(address: 1 << 63, byteCount: 1) }
        for policy in [ForkPolicy.eager, .atFork] {
            let account = Account(policy: policy, kernel: LinuxMemoryKernel())
            let arena = try Arena(pageCount: 1)
            #expect(throws: Errno.noMemory) { try account.mark(PageRange(address: 0, byteCount: 1)) }
            #expect(throws: Errno.noMemory) { try account.mark(PageRange(address: (1 << 63) - page, byteCount: page)) }
            #expect(throws: Errno.invalidArgument) { try account.unmark(arena.range(0, 1)) }
            #expect(account.isEmpty)
        }
    }

    // Holes in a process's memory are where the next mapping of any thread goes, so what makes holes runs in a process
    // of its own.

    @Test(arguments: ["eager", "atfork"])
    func `a range with a hole is refused, and nothing is changed`(policy: String) async {
        await #expect(processExitsWith: .exitCode(42)) { [policy] in
            let account = Account(policy: policy == "eager" ? .eager : .atFork, kernel: LinuxMemoryKernel())
            let arena = try Arena(pageCount: 5)
            try account.mark(arena.range(0, 1))
            try account.unmark(arena.range(0, 1))
            munmap(arena.base + 2 * Arena.pageByteCount, Arena.pageByteCount)
            do throws(Errno) {
                try account.mark(arena.range(0, 5))
                exit(1)
            } catch {
                guard error == .noMemory else { exit(2) }
            }
            guard arena.flags == [false, false, nil, false, false], account.isEmpty else { exit(3) }
            exit(42)
        }
    }

    @Test(arguments: [PROT_READ, PROT_NONE])
    func `memory that cannot be written is kept out of children too`(protection: CInt) throws {
        let arena = try Arena(pageCount: 4, protection: protection)
        let account = Account(policy: .eager, kernel: LinuxMemoryKernel())
        try account.mark(arena.range(1, 2))
        #expect(arena.flags[1] == true)
        try account.unmark(arena.range(1, 2))
        #expect(arena.flags[1] == false)
    }

    @Test func `many marks on one page and their end leave nothing`() throws {
        let arena = try Arena(pageCount: 4)
        let account = Account(policy: .eager, kernel: LinuxMemoryKernel())
        for _ in 0..<200_000 { try account.mark(arena.range(1, 2)) }
        #expect(account.count(at: arena.address(of: 1)) == 200_000)
        for _ in 0..<200_000 { try account.unmark(arena.range(1, 2)) }
        #expect(account.isEmpty)
        #expect(arena.flags == [false, false, false, false])
    }

    @Test func `unmarking over a thousand holes asks the kernel once`() async {
        await #expect(processExitsWith: .exitCode(42)) {
            let pageCount = 8192
            let arena = try Arena(pageCount: pageCount)
            let kernel = CountingKernel()
            let account = NocopyRanges(policy: .eager, kernel: kernel)
            try account.mark(arena.range(0, pageCount))
            for page in stride(from: 4, to: pageCount, by: 8) {
                munmap(arena.base + page * Arena.pageByteCount, Arena.pageByteCount)
            }
            let before = kernel.adviceCount
            try account.unmark(arena.range(0, pageCount))
            guard kernel.adviceCount - before == 1 else { exit(1) }
            guard arena.flags.allSatisfy({ $0 != true }) else { exit(2) }
            exit(42)
        }
    }

    @Test(arguments: [ForkPolicy.eager, .atFork])
    func `what lies inside of a marked range needs no system call`(policy: ForkPolicy) throws {
        let arena = try Arena(pageCount: 64)
        let kernel = CountingKernel()
        let account = NocopyRanges(policy: policy, kernel: kernel)
        try account.mark(arena.range(0, 64))
        let before = kernel.adviceCount + kernel.questionCount
        #expect(before == 1)
        for page in 0..<60 {
            try account.mark(arena.range(page, page + 1))
            try account.mark(arena.range(page, page + 4))
            try account.unmark(arena.range(page, page + 1))
        }
        for page in 0..<60 { try account.unmark(arena.range(page, page + 4)) }
        #expect(kernel.adviceCount + kernel.questionCount == before)
        try account.unmark(arena.range(0, 64))
        #expect(account.isEmpty)
    }
}
