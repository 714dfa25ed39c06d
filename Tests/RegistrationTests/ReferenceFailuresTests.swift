import Glibc
import Registration
import Synchronization
import SystemIO
import TestSupport
import Testing

/// Inputs on which rdma-core's account goes wrong, each given to it and to ours. What cannot be driven through its two
/// functions is shown of ours alone: an allocation that fails half-way ("Nocopy ranges on a model of the kernel" fails every
/// one), and the bytes that rounding takes in, of which its functions say nothing.
@Suite("Where rdma-core's account fails")
struct ReferenceFailuresTests {
    typealias Account = NocopyRanges<LinuxMemoryKernel>

    /// Maps fresh memory over the pages of an arena.
    static func remap(_ arena: Arena, _ first: Int, _ end: Int) {
        let byteCount = (end - first) * Arena.pageByteCount
        let kind = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED
        let start = arena.base + first * Arena.pageByteCount
        mmap(start, byteCount, PROT_READ | PROT_WRITE, kind, -1, 0)
    }

    @Test func `a failed mark does not spoil later ones`() async {
        await #expect(processExitsWith: .exitCode(42)) {
            let arena = try Arena(pageCount: 8)
            let account = Account(policy: .eager, kernel: LinuxMemoryKernel())
            // The account takes its own memory now, and not from the hole.
            try account.mark(arena.range(0, 1))
            try account.unmark(arena.range(0, 1))
            munmap(arena.base + 2 * Arena.pageByteCount, Arena.pageByteCount)
            guard (try? account.mark(arena.range(2, 3))) == nil else { exit(1) }
            Self.remap(arena, 2, 3)
            try account.mark(arena.range(2, 3))
            guard arena.flags == [false, false, true, false, false, false, false, false] else { exit(2) }

            let reference = try ReferenceLibrary()
            let other = try Arena(pageCount: 8)
            munmap(other.base + 2 * Arena.pageByteCount, Arena.pageByteCount)
            guard !reference.mark(other.range(2, 3)) else { exit(3) }
            Self.remap(other, 2, 3)
            // It says that it worked, and the page is not protected.
            guard reference.mark(other.range(2, 3)), other.flags[2] == false else { exit(4) }
            exit(42)
        }
    }

    @Test func `huge pages beside small ones are marked without reading smaps`() async throws {
        let hugePages = try HugePages(4)
        defer { withExtendedLifetime(hugePages) {} }
        await #expect(processExitsWith: .exitCode(42)) {
            let smallPerHuge = 512
            // From the middle of a huge page into small ones.
            let arena = try HugeArena(hugePageCount: 1, smallPageCount: 8)
            let account = Account(policy: .eager, kernel: LinuxMemoryKernel())
            try account.mark(arena.range(100, smallPerHuge + 2))
            let expected = [Bool](repeating: true, count: smallPerHuge + 2) + [Bool](repeating: false, count: 6)
            guard arena.flags == expected else { exit(1) }
            try account.unmark(arena.range(100, smallPerHuge + 2))
            guard arena.flags.allSatisfy({ !$0 }) else { exit(2) }

            let reference = try ReferenceLibrary()
            let other = try HugeArena(hugePageCount: 1, smallPageCount: 8)
            // With small pages in mind the kernel refuses it.
            guard !reference.mark(other.range(100, smallPerHuge + 2)) else { exit(3) }
            exit(42)
        }
    }

    @Test func `a range with a hole is unmarked with one question to the kernel, not one a page`() async {
        await #expect(processExitsWith: .exitCode(42)) {
            let pageCount = 1 << 19
            let arena = try Arena(pageCount: pageCount)
            let kernel = CountingKernel()
            let account = NocopyRanges(policy: .eager, kernel: kernel)
            try account.mark(arena.range(0, pageCount))
            munmap(arena.base + 17 * Arena.pageByteCount, Arena.pageByteCount)
            let before = kernel.adviceCount
            try account.unmark(arena.range(0, pageCount))
            guard kernel.adviceCount - before == 1, arena.mappings.allSatisfy({ !$0.isLeftOutOfChildren }) else {
                exit(1)
            }

            let reference = try ReferenceLibrary()
            let other = try Arena(pageCount: pageCount)
            guard reference.mark(other.range(0, pageCount)) else { exit(2) }
            munmap(other.base + 17 * Arena.pageByteCount, Arena.pageByteCount)
            // How many calls it makes shows in the system's time: half a million cannot be had in less than this.
            let start = SystemTime.microseconds
            guard reference.unmark(other.range(0, pageCount)) else { exit(3) }
            guard SystemTime.microseconds - start > 10_000 else { exit(4) }
            exit(42)
        }
    }

    @Test func `a range that wraps around is refused`() async {
        await #expect(processExitsWith: .exitCode(42)) {
            let account = RegistrationAccount(
                configuration: RegistrationConfiguration(policy: .eager, isForkSupportRequested: true)
            )
            do throws(Errno) {
                try account.changeRange(address: .max - 4095, byteCount: 8192, isMarking: true)
                exit(1)
            } catch {
                guard error == .invalidArgument, account.ranges.isEmpty else { exit(2) }
            }
            // It says that a range at the end of the address space, where no process has memory, is protected.
            let reference = try ReferenceLibrary()
            guard reference.mark(address: .max - 4095, byteCount: 8192) else { exit(3) }
            exit(42)
        }
    }

    @Test func `a child does not inherit a lock that a thread of its parent holds`() async {
        await #expect(processExitsWith: .exitCode(42)) {
            let account = RegistrationAccount(
                configuration: RegistrationConfiguration(policy: .eager, isForkSupportRequested: true)
            )
            account.installForkHandlers()
            let reference = try ReferenceLibrary()
            let arena = try Arena(pageCount: 64)
            let (first, second) = (arena.range(1, 2), arena.range(33, 34))
            let isOver = Atomic<Bool>(false)
            var ownHangCount = 0
            var referenceHangCount = 0
            Threads.run(
                1,
                { _ in
                    while !isOver.load(ordering: .relaxed) {
                        _ = reference.mark(first)
                        _ = reference.unmark(first)
                        try? account.ranges.mark(first)
                        try? account.ranges.unmark(first)
                    }
                },
                meanwhile: {
                    // Of the reference one hanging child is enough; of ours none may hang in all the forks.
                    for _ in 0..<300 {
                        let own = ForkedChild.exitCode(secondsMax: 20) {
                            (try? account.ranges.mark(second)) == nil ? 1 : 0
                        }
                        if own != 0 { ownHangCount += 1 }
                        if referenceHangCount == 0 {
                            let theirs = ForkedChild.exitCode(secondsMax: 1) { reference.mark(second) ? 0 : 1 }
                            if theirs == 128 + SIGALRM { referenceHangCount += 1 }
                        }
                    }
                    isOver.store(true, ordering: .relaxed)
                }
            )
            guard ownHangCount == 0 else { exit(1) }
            guard referenceHangCount == 1 else { exit(2) }
            exit(42)
        }
    }

    @Test func `memory that is mapped anew where marks were left is protected at the next fork`() async {
        await #expect(processExitsWith: .exitCode(42)) {
            for policy in [ForkPolicy.eager, .atFork] {
                let arena = try Arena(pageCount: 4)
                let account = Account(policy: policy, kernel: LinuxMemoryKernel())
                try account.mark(arena.range(0, 4))
                Self.remap(arena, 0, 4)
                try account.mark(arena.range(0, 4))
                account.prepareForFork()
                guard arena.flags == [true, true, true, true] else { exit(1) }
                account.parentAfterFork()
            }
            let reference = try ReferenceLibrary()
            let other = try Arena(pageCount: 4)
            guard reference.mark(other.range(0, 4)) else { exit(2) }
            Self.remap(other, 0, 4)
            guard reference.mark(other.range(0, 4)), other.flags[0] == false else { exit(3) }
            exit(42)
        }
    }

    @Test func `a child's account does not describe memory that it does not have`() async {
        await #expect(processExitsWith: .exitCode(42)) {
            let account = RegistrationAccount(
                configuration: RegistrationConfiguration(policy: .eager, isForkSupportRequested: true)
            )
            account.installForkHandlers()
            let arena = try Arena(pageCount: 4)
            let reference = try ReferenceLibrary()
            let other = try Arena(pageCount: 4)
            try account.ranges.mark(arena.range(0, 4))
            guard reference.mark(other.range(0, 4)) else { exit(1) }
            let ours = ForkedChild.exitCode {
                // The address is free in the child: new memory there is protected when it is marked.
                Self.remap(arena, 0, 4)
                guard (try? account.ranges.mark(arena.range(0, 4))) != nil else { return 1 }
                return arena.flags[0] == true ? 0 : 2
            }
            let theirs = ForkedChild.exitCode {
                Self.remap(other, 0, 4)
                return reference.mark(other.range(0, 4)) && other.flags[0] == false ? 0 : 1
            }
            guard ours == 0 else { exit(2) }
            guard theirs == 0 else { exit(3) }
            exit(42)
        }
    }

    @Test func `unmarking what is not marked is an error, and the next mark protects`() async {
        await #expect(processExitsWith: .exitCode(42)) {
            let arena = try Arena(pageCount: 4)
            let account = Account(policy: .eager, kernel: LinuxMemoryKernel())
            guard (try? account.unmark(arena.range(1, 2))) == nil else { exit(1) }
            try account.mark(arena.range(1, 2))
            guard arena.flags == [false, true, false, false] else { exit(2) }

            let reference = try ReferenceLibrary()
            let other = try Arena(pageCount: 4)
            guard reference.unmark(other.range(1, 2)) else { exit(3) }
            // The count went below zero, and the mark only brings it back.
            guard reference.mark(other.range(1, 2)), other.flags[1] == false else { exit(4) }
            exit(42)
        }
    }

    @Test func `bytes that rounding takes from the child are counted, and refused on request`() throws {
        let configuration = RegistrationConfiguration(isForkSupportRequested: true)
        let account = RegistrationAccount(configuration: configuration)
        let arena = try Arena(pageCount: 4)
        let range = try account.register(address: arena.address(of: 1) + 100, byteCount: 50)
        #expect(range.foreignByteCount == PageRange.pageByteCount - 50)
        #expect(range.markedPages == arena.range(1, 2))
        #expect(throws: Errno.invalidArgument) {
            _ = try account.register(address: arena.address(of: 1) + 100, byteCount: 50, options: .pageExact)
        }
        range.release()
        #expect(account.ranges.isEmpty)
    }

    @Test func `the reference leaves a process without a single mapping`() async {
        await #expect(processExitsWith: .exitCode(42)) {
            let reference = try ReferenceLibrary()
            let other = try Arena(pageCount: 80_000)
            for page in stride(from: 0, to: 80_000, by: 2) {
                if !reference.mark(other.range(page, page + 1)) { break }
            }
            // Nothing is left but what merges. Ours refuses before that; see "Nocopy ranges at their limits".
            var mappingCount = 0
            while mappingCount < 500,
                mmap(nil, 4096, mappingCount % 2 == 0 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                    != MAP_FAILED
            {
                mappingCount += 1
            }
            guard mappingCount < 500 else { exit(1) }
            exit(42)
        }
    }
}

/// The time that the kernel has worked for this process.
private enum SystemTime {
    static var microseconds: Int {
        var usage = rusage()
        getrusage(CInt(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_stime.tv_sec * 1_000_000 + Int(usage.ru_stime.tv_usec)
    }
}
