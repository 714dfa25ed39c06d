import Segment
import Synchronization
import SystemIO
import TestSupport
import Testing

@Suite("Memory table")
struct MemoryTableTests {
    private static let start: UInt64 = 0x7000_0000_1000
    private static let byteCount: UInt64 = 0x3000
    private static let all: AccessFlags = [.localWrite, .remoteWrite, .remoteRead, .remoteAtomic]

    private let segment: ProcessSegment

    init() throws {
        self.segment = try ProcessSegment.forTesting()
    }

    private func register(
        iova: UInt64 = Self.start,
        byteCount: UInt64 = Self.byteCount,
        access: AccessFlags = Self.all,
        domain: UInt32 = 7
    ) throws -> UInt32 {
        try self.segment.register(
            address: Self.start,
            virtualAddress: iova,
            byteCount: byteCount,
            access: access,
            domain: domain
        )
    }

    /// The address that a request resolves to, by both ways, which have to agree.
    private func resolve(
        _ key: UInt32,
        _ address: UInt64,
        _ byteCount: UInt64,
        access: AccessFlags = [],
        domain: UInt32 = 7
    ) -> UInt64? {
        let table = self.segment.memory
        let looked = table.resolve(
            key: key,
            address: address,
            byteCount: byteCount,
            access: access,
            by: .local(domain: domain)
        )
        let entered = table.beginAccess(
            key: key,
            address: address,
            byteCount: byteCount,
            access: access,
            by: .local(domain: domain)
        )
        if entered != nil { table.endAccess(key: key) }
        #expect(looked == entered)
        return looked?.position
    }

    @Test func `bytes inside a region resolve to themselves`() throws {
        let key = try self.register()
        #expect(self.resolve(key, Self.start, 1) == Self.start)
        #expect(self.resolve(key, Self.start, Self.byteCount) == Self.start)
        #expect(self.resolve(key, Self.start + 0x2FFF, 1) == Self.start + 0x2FFF)
        #expect(self.resolve(key, Self.start + Self.byteCount, 0) == Self.start + Self.byteCount)
    }

    @Test func `bytes outside are denied, also where sums would wrap`() throws {
        let key = try self.register()
        #expect(self.resolve(key, Self.start - 1, 1) == nil)
        #expect(self.resolve(key, Self.start, Self.byteCount + 1) == nil)
        #expect(self.resolve(key, Self.start + Self.byteCount, 1) == nil)
        #expect(self.resolve(key, Self.start + Self.byteCount + 1, 0) == nil)
        #expect(self.resolve(key, Self.start + 1, .max) == nil)
        #expect(self.resolve(key, Self.start, 0 &- Self.start) == nil)
        #expect(self.resolve(key, .max, 1) == nil)
        #expect(self.resolve(key, .max, .max) == nil)
        #expect(self.resolve(key, 0, 1) == nil)
    }

    @Test func `requests speak of the region's own addresses`() throws {
        let zeroBased = try self.register(iova: 0)
        #expect(self.resolve(zeroBased, 0, Self.byteCount) == Self.start)
        #expect(self.resolve(zeroBased, 0x10, 1) == Self.start + 0x10)
        #expect(self.resolve(zeroBased, Self.start, 1) == nil)
        let shifted = try self.register(iova: 0xFFFF_FFFF_FFFF_D000)
        #expect(self.resolve(shifted, 0xFFFF_FFFF_FFFF_FFFF, 1) == Self.start + 0x2FFF)
        #expect(self.resolve(shifted, 0xFFFF_FFFF_FFFF_FFFF, 2) == nil)
        #expect(self.resolve(shifted, 0, 1) == nil)
    }

    @Test func `every right that is asked for must have been given`() throws {
        let given: [AccessFlags] = [[], .localWrite, [.localWrite, .remoteWrite], .remoteRead, Self.all]
        let asked: [AccessFlags] = [[], .localWrite, .remoteWrite, .remoteRead, .remoteAtomic, Self.all]
        for access in given {
            let key = try self.register(access: access)
            for wanted in asked {
                let isAllowed = self.resolve(key, Self.start, 1, access: wanted) != nil
                #expect(isAllowed == access.isSuperset(of: wanted), "\(wanted) of \(access)")
            }
        }
    }

    @Test func `another protection domain is denied`() throws {
        let key = try self.register(domain: 7)
        #expect(self.resolve(key, Self.start, 1, domain: 8) == nil)
        #expect(self.resolve(key, Self.start, 1, domain: 0) == nil)
    }

    @Test func `a key that was taken back never resolves again`() throws {
        var stale = Set<UInt32>()
        for _ in 0..<50_000 {
            let key = try self.register()
            guard key != 0, stale.insert(key).inserted else {
                Issue.record("key \(key) came twice")
                return
            }
            try self.segment.deregister(key: key)
        }
        let live = try self.register()
        let revived = stale.filter { self.segment.memory.isValid(key: $0) }
        #expect(revived.isEmpty)
        #expect(self.resolve(live, Self.start, 1) != nil)
    }

    @Test func `guessed keys do not resolve`() throws {
        let live = Set(try (0..<100).map { _ in try self.register() })
        var random = SeededGenerator(seed: UInt64(live.min() ?? 0))
        var hits = 0
        for _ in 0..<100_000 {
            let guess = UInt32.random(in: .min ... .max, using: &random)
            if !live.contains(guess), self.segment.memory.isValid(key: guess) { hits += 1 }
        }
        // Nor do the neighbours of keys that are known.
        for key in live {
            for distance in UInt32(1)...64 where !live.contains(key &+ distance) {
                if self.segment.memory.isValid(key: key &+ distance) { hits += 1 }
            }
        }
        #expect(hits == 0)
        #expect(!self.segment.memory.isValid(key: 0))
    }

    @Test func `two regions over the same bytes live apart`() throws {
        let one = try self.register()
        let other = try self.register(access: .remoteRead)
        try self.segment.deregister(key: one)
        #expect(self.resolve(one, Self.start, 1) == nil)
        #expect(self.resolve(other, Self.start, 1, access: .remoteRead) == Self.start)
    }

    @Test func `deregistering twice, or nothing, is refused`() throws {
        let key = try self.register()
        try self.segment.deregister(key: key)
        #expect(throws: Errno.invalidArgument) { try self.segment.deregister(key: key) }
        #expect(throws: Errno.invalidArgument) { try self.segment.deregister(key: 0) }
        #expect(throws: Errno.invalidArgument) { try self.segment.deregister(key: key ^ 1) }
    }

    @Test func `a full table says so and works again`() throws {
        let small = try ProcessSegment.forTesting(memoryCount: 16)
        func register() throws -> UInt32 {
            try small.register(address: 4096, virtualAddress: 4096, byteCount: 1, access: [], domain: 1)
        }
        let keys = try (0..<16).map { _ in try register() }
        #expect(throws: Errno.noMemory) { try register() }
        try small.deregister(key: keys[5])
        let again = try register()
        #expect(!keys.contains(again))
        #expect(throws: Errno.noMemory) { try register() }
    }

    @Test func `deregistering waits for who is inside`() throws {
        let key = try self.register()
        let table = self.segment.memory
        let hasLeft = Atomic(false)
        let inside = table.beginAccess(key: key, address: Self.start, byteCount: 1, access: [], by: .local(domain: 7))
        #expect(inside != nil)
        let segment = self.segment
        let sawHimLeave = Threads.run(2) { index in
            if index == 0 {
                // Once the key is invalid the other thread waits for us.
                while table.isValid(key: key) { Scheduling.yield() }
                for _ in 0..<100 { Scheduling.yield() }
                hasLeft.store(true, ordering: .releasing)
                table.endAccess(key: key)
                return true
            }
            do {
                try segment.deregister(key: key)
            } catch {
                return false
            }
            return hasLeft.load(ordering: .acquiring)
        }
        #expect(sawHimLeave == [true, true])
    }

    @Test func `threads that come and go never see another region`() throws {
        let segment = self.segment
        let keys = (0..<4).map { _ in Atomic32() }
        let failures = Threads.run(6) { index in
            var failureCount = 0
            if index < 4 {
                for round in 0..<5_000 {
                    // The length tells whose region it is; the address says it again.
                    let size = UInt64(index + 1) << 12
                    guard
                        let key = try? segment.register(
                            address: size << 8,
                            virtualAddress: 0,
                            byteCount: size,
                            access: [],
                            domain: UInt32(index)
                        )
                    else { return failureCount + 1 }
                    keys[index].value.store(key, ordering: .releasing)
                    if round % 3 == 0 { Scheduling.yield() }
                    if (try? segment.deregister(key: key)) == nil { failureCount += 1 }
                    if segment.memory.isValid(key: key) { failureCount += 1 }
                }
            } else {
                for round in 0..<40_000 {
                    let owner = round % 4
                    let size = UInt64(owner + 1) << 12
                    let key = keys[owner].value.load(ordering: .acquiring)
                    let location = segment.memory.beginAccess(
                        key: key,
                        address: 0,
                        byteCount: size,
                        access: [],
                        by: .local(domain: UInt32(owner))
                    )
                    guard let location else { continue }
                    if location.position != size << 8 { failureCount += 1 }
                    segment.memory.endAccess(key: key)
                }
            }
            return failureCount
        }
        #expect(failures == [0, 0, 0, 0, 0, 0])
    }
}

/// A number that threads share.
private final class Atomic32: Sendable {
    let value = Atomic<UInt32>(0)
}
