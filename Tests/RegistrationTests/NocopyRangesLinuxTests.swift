import Glibc
import Registration
import SystemIO
import TestSupport
import Testing

/// The properties of the account on the kernel below, compared with /proc/self/smaps and with what children see.
@Suite("Nocopy ranges on Linux")
struct NocopyRangesLinuxTests {
    typealias Account = NocopyRanges<LinuxMemoryKernel>

    static let pageCount = 64

    static func draw(_ counts: [Int32], using generator: inout SeededGenerator) -> (Bool, Int, Int) {
        let first = Int.random(in: 0..<counts.count, using: &generator)
        let end = Int.random(in: first + 1...min(counts.count, first + 12), using: &generator)
        let mayUnmark = !counts[first..<end].contains(0)
        return (!mayUnmark || Int.random(in: 0..<3, using: &generator) == 0, first, end)
    }

    static func apply(_ account: Account, _ isMarking: Bool, _ range: PageRange) throws(Errno) {
        if isMarking { try account.mark(range) } else { try account.unmark(range) }
    }

    /// Each look reads all of /proc/self/smaps: long runs look at some steps, a shorter one at every step.
    @Test(arguments: UInt64(1)...6)
    func `every page has the flag exactly while it has a mark`(seed: UInt64) throws {
        let (stepCount, stepsPerLook) = seed <= 5 ? (10_000, 20) : (2000, 1)
        var generator = SeededGenerator(seed: seed)
        let arena = try Arena(pageCount: Self.pageCount)
        let account = Account(policy: .eager, kernel: LinuxMemoryKernel())
        var counts = [Int32](repeating: 0, count: Self.pageCount)
        for step in 1...stepCount {
            let (isMarking, first, end) = Self.draw(counts, using: &generator)
            try Self.apply(account, isMarking, arena.range(first, end))
            for page in first..<end { counts[page] += isMarking ? 1 : -1 }
            guard step.isMultiple(of: stepsPerLook) else { continue }
            let expected = counts.map { Optional($0 > 0) }
            guard arena.flags == expected else {
                Issue.record("step \(step): \(arena.flags), not \(expected)")
                return
            }
        }
    }

    @Test(arguments: [ForkPolicy.eager, .atFork], Array(UInt64(1)...4))
    func `a child can read a page exactly when it has no mark`(policy: ForkPolicy, seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let arena = try Arena(pageCount: Self.pageCount)
        memset(arena.base, 7, Self.pageCount * Arena.pageByteCount)
        let account = Account(policy: policy, kernel: LinuxMemoryKernel())
        var counts = [Int32](repeating: 0, count: Self.pageCount)
        for step in 0..<30 {
            for _ in 0..<10 {
                let (isMarking, first, end) = Self.draw(counts, using: &generator)
                try Self.apply(account, isMarking, arena.range(first, end))
                for page in first..<end { counts[page] += isMarking ? 1 : -1 }
            }
            let wrongPage = Self.firstPageThatSurprisesAChild(of: account, arena, counts)
            if wrongPage != nil {
                Issue.record("step \(step): page \(wrongPage as Any) of \(counts)")
                return
            }
        }
        #expect(arena.flags.compactMap { $0 }.count == Self.pageCount, "the parent keeps every page")
    }

    /// Forks, lets the child try each page, and returns the first one whose count does not tell what the child saw.
    private static func firstPageThatSurprisesAChild(of account: Account, _ arena: Arena, _ counts: [Int32]) -> Int? {
        var descriptors: [CInt] = [-1, -1]
        guard pipe(&descriptors) == 0 else { return -1 }
        defer { descriptors.forEach { close($0) } }
        let ends = (read: descriptors[0], write: descriptors[1])
        let base = arena.address(of: 0)
        let result = counts.withUnsafeBufferPointer { counts in
            account.prepareForFork()
            let child = ForkedChild.fork()
            if child == 0 {
                for page in 0..<counts.count {
                    let address = base + UInt(page * Arena.pageByteCount)
                    if ForkedChild.canRead(address, through: ends) != (counts[page] == 0) { _exit(CInt(page)) }
                }
                _exit(255)
            }
            account.parentAfterFork()
            return ForkedChild.wait(for: child)
        }
        return result == 255 ? nil : Int(result)
    }

    @Test(arguments: [ForkPolicy.eager, .atFork], Array(UInt64(1)...4))
    func `the mappings end as they began, in whatever order the marks go`(policy: ForkPolicy, seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let arena = try Arena(pageCount: Self.pageCount)
        let before = arena.mappings
        let account = Account(policy: policy, kernel: LinuxMemoryKernel())
        var ranges: [PageRange] = []
        for _ in 0..<200 {
            let first = Int.random(in: 0..<Self.pageCount, using: &generator)
            let end = Int.random(in: first + 1...Self.pageCount, using: &generator)
            ranges.append(arena.range(first, end))
        }
        for range in ranges { try account.mark(range) }
        ranges.shuffle(using: &generator)
        for range in ranges { try account.unmark(range) }
        #expect(arena.mappings == before)
        #expect(account.isEmpty)
    }

    // Holes in a process's memory are where the next mapping of any thread goes, so what makes holes runs in a process
    // of its own.

    @Test(arguments: UInt64(1)...6)
    func `memory that comes and goes below the marks hurts no other page`(seed: UInt64) async {
        await #expect(processExitsWith: .exitCode(42)) { [seed] in
            if let complaint = try Self.complaintAboutChangingMemory(seed: seed) {
                StandardError.writeLine("seed \(seed): \(complaint)")
                exit(1)
            }
            exit(42)
        }
    }

    private static func complaintAboutChangingMemory(seed: UInt64) throws -> String? {
        var generator = SeededGenerator(seed: seed)
        var rig = ChangingArena(arena: try Arena(pageCount: Self.pageCount), seed: seed)
        let account = Account(policy: .eager, kernel: LinuxMemoryKernel())
        // The account takes its own memory now, and not from a hole later.
        try account.mark(rig.arena.range(0, 1))
        try account.unmark(rig.arena.range(0, 1))
        for step in 0..<1500 {
            if Int.random(in: 0..<3, using: &generator) == 0 {
                rig.changeMapping()
            } else {
                let (isMarking, first, end) = Self.draw(rig.counts, using: &generator)
                let isPossible = !isMarking || rig.canMark(first, end)
                let result = Result { () throws(Errno) in
                    try Self.apply(account, isMarking, rig.arena.range(first, end))
                }
                switch result {
                case .success: rig.note(isMarking, first, end)
                case .failure(.noMemory) where !isPossible: break
                case .failure(let error): return "step \(step): \(error)"
                }
            }
            if step.isMultiple(of: 20), let page = rig.firstWrongPage { return "step \(step): page \(page)" }
        }
        account.heal()
        rig.noteHealing()
        if let page = rig.firstWrongPage { return "healing left page \(page)" }
        return account.heal() == 0 ? nil : "something is left to heal"
    }

    @Test func `a page that was mapped anew while marked is found and healed`() async {
        await #expect(processExitsWith: .exitCode(42)) {
            let arena = try Arena(pageCount: 4)
            let account = Account(policy: .eager, kernel: LinuxMemoryKernel())
            try account.mark(arena.range(0, 4))
            let kind = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED
            mmap(arena.base + Arena.pageByteCount, Arena.pageByteCount, PROT_READ | PROT_WRITE, kind, -1, 0)
            guard arena.flags == [true, false, true, true] else { exit(1) }
            account.prepareForFork()
            guard arena.flags == [true, true, true, true] else { exit(2) }
            account.parentAfterFork()
            mmap(arena.base, Arena.pageByteCount, PROT_READ | PROT_WRITE, kind, -1, 0)
            guard account.heal() == 1, arena.flags == [true, true, true, true] else { exit(3) }
            try account.unmark(arena.range(0, 4))
            guard arena.flags == [false, false, false, false] else { exit(4) }
            exit(42)
        }
    }
}

/// An arena below which mappings change, and what is known of each page's flag.
struct ChangingArena {
    let arena: Arena
    var counts: [Int32]
    private var isMapped: [Bool]
    /// Whether the page's flag must say whether it has a mark: not for a page that was mapped while it was marked, nor
    /// for one that brought its flag from elsewhere.
    private var isExact: [Bool]
    private var generator: SeededGenerator

    init(arena: Arena, seed: UInt64) {
        self.arena = arena
        self.counts = [Int32](repeating: 0, count: arena.pageCount)
        self.isMapped = [Bool](repeating: true, count: arena.pageCount)
        self.isExact = self.isMapped
        self.generator = SeededGenerator(seed: ~seed)
    }

    /// Unmaps, maps, protects or moves some pages.
    mutating func changeMapping() {
        let first = Int.random(in: 0..<self.counts.count, using: &self.generator)
        let end = Int.random(in: first + 1...min(self.counts.count, first + 4), using: &self.generator)
        let (start, byteCount) = (self.arena.base + first * Arena.pageByteCount, (end - first) * Arena.pageByteCount)
        let all = PROT_READ | PROT_WRITE
        switch Int.random(in: 0..<4, using: &self.generator) {
        case 0:
            munmap(start, byteCount)
            for page in first..<end { self.isMapped[page] = false }
        case 1:
            mmap(start, byteCount, all, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)
            for page in first..<end {
                self.isMapped[page] = true
                self.isExact[page] = self.counts[page] == 0
            }
        case 2: mprotect(start, byteCount, Bool.random(using: &self.generator) ? PROT_READ : all)
        default: self.move(first)
        }
    }

    private mutating func move(_ page: Int) {
        let target = Int.random(in: 0..<self.counts.count, using: &self.generator)
        guard target != page, self.isMapped[page] else { return }
        let source = self.arena.base + page * Arena.pageByteCount
        guard Remap.move(source, to: self.arena.base + target * Arena.pageByteCount) else { return }
        self.isMapped[page] = false
        self.isMapped[target] = true
        self.isExact[target] = false
    }

    func canMark(_ first: Int, _ end: Int) -> Bool {
        let zeroes = (first..<end).filter { self.counts[$0] == 0 }
        guard let low = zeroes.first, let high = zeroes.last else { return true }
        return self.isMapped[low...high].allSatisfy { $0 }
    }

    mutating func note(_ isMarking: Bool, _ first: Int, _ end: Int) {
        for page in first..<end {
            self.counts[page] += isMarking ? 1 : -1
            if self.counts[page] == (isMarking ? 1 : 0) { self.isExact[page] = true }
        }
    }

    mutating func noteHealing() {
        for page in self.counts.indices where self.counts[page] > 0 { self.isExact[page] = true }
    }

    var firstWrongPage: Int? {
        let flags = self.arena.flags
        return self.counts.indices.first { page in
            guard (flags[page] != nil) == self.isMapped[page] else { return true }
            guard let flag = flags[page], self.isExact[page] else { return false }
            return flag != (self.counts[page] > 0)
        }
    }
}

enum Remap {
    private typealias Call =
        @convention(c) (
            UnsafeMutableRawPointer, Int, Int, CInt, UnsafeMutableRawPointer
        ) -> UnsafeMutableRawPointer?

    /// Moves one page with `mremap(MREMAP_MAYMOVE | MREMAP_FIXED)`, whose variable arguments Swift cannot pass by itself.
    static func move(_ page: UnsafeMutableRawPointer, to target: UnsafeMutableRawPointer) -> Bool {
        guard let symbol = dlsym(nil, "mremap") else { return false }
        let byteCount = Arena.pageByteCount
        return unsafeBitCast(symbol, to: Call.self)(page, byteCount, byteCount, 3, target) == target
    }
}
