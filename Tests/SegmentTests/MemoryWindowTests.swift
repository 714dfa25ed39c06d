import Segment
import SystemIO
import TestSupport
import Testing

@Suite("Memory windows in the table")
struct MemoryWindowTests {
    private static let start: UInt64 = 0x7000_0000_1000
    private static let qpn: UInt32 = 0x1234

    private let segment: ProcessSegment
    private let region: UInt32

    init() throws {
        self.segment = try ProcessSegment.forTesting()
        self.region = try Self.register(in: self.segment)
    }

    private static func register(
        in segment: ProcessSegment,
        access: AccessFlags = [.localWrite, .bindWindow],
        domain: UInt32 = 7,
        kind: MemoryKind = .region
    ) throws -> UInt32 {
        try segment.register(
            address: Self.start,
            virtualAddress: Self.start,
            byteCount: 0x3000,
            access: access,
            domain: domain,
            kind: kind
        )
    }

    private func binding(
        _ region: UInt32? = nil,
        address: UInt64 = Self.start + 0x1000,
        byteCount: UInt64 = 0x100,
        access: AccessFlags = [.remoteRead, .remoteWrite],
        domain: UInt32 = 7,
        queuePair: UInt32 = Self.qpn
    ) -> MemoryBinding {
        MemoryBinding(
            regionKey: region ?? self.region,
            address: address,
            byteCount: byteCount,
            access: access,
            domain: domain,
            queuePair: queuePair
        )
    }

    private func find(
        _ key: UInt32,
        _ address: UInt64 = Self.start + 0x1000,
        _ byteCount: UInt64 = 0x100,
        access: AccessFlags = .remoteRead,
        by accessor: MemoryAccessor = .remote(domain: 7, queuePair: Self.qpn)
    ) -> UInt64? {
        let location = self.segment.memory.beginAccess(
            key: key,
            address: address,
            byteCount: byteCount,
            access: access,
            by: accessor
        )
        if location != nil { self.segment.memory.endAccess(key: key) }
        return location?.position
    }

    @Test(arguments: [MemoryWindowType.type1, .type2])
    func `a window opens its part of the region to peers only`(type: MemoryWindowType) throws {
        let key = try self.segment.makeWindow(type, domain: 7)
        #expect(key != 0 && self.find(key) == nil)
        #expect(self.segment.bindWindow(key: key, to: self.binding()))
        #expect(self.find(key) == Self.start + 0x1000)
        #expect(self.find(key, Self.start + 0x10FF, 1) == Self.start + 0x10FF)
        #expect(self.find(key, Self.start + 0x10FF, 2) == nil)
        #expect(self.find(key, Self.start + 0xFFF, 1) == nil)
        #expect(self.find(key, access: .remoteWrite) != nil)
        #expect(self.find(key, access: .remoteAtomic) == nil)
        #expect(self.find(key, by: .remote(domain: 8, queuePair: Self.qpn)) == nil)
        #expect(self.find(key, access: [], by: .local(domain: 7)) == nil)
        try self.segment.removeWindow(key: key)
        #expect(self.find(key) == nil)
        #expect(failure { try self.segment.removeWindow(key: key) } == .invalidArgument)
    }

    @Test func `a window of type 2 serves one queue pair, one of type 1 serves all`() throws {
        let other = MemoryAccessor.remote(domain: 7, queuePair: Self.qpn + 1)
        let one = try self.segment.makeWindow(.type1, domain: 7)
        let two = try self.segment.makeWindow(.type2, domain: 7)
        #expect(self.segment.bindWindow(key: one, to: self.binding()))
        #expect(self.segment.bindWindow(key: two, to: self.binding()))
        #expect(self.find(one, by: other) != nil)
        #expect(self.find(two, by: other) == nil)
    }

    @Test func `a zero-based window begins at 0`() throws {
        let key = try self.segment.makeWindow(.type2, domain: 7)
        #expect(self.segment.bindWindow(key: key, to: self.binding(access: [.remoteRead, .zeroBased])))
        #expect(self.find(key, 0x10, 1) == Self.start + 0x1010)
        #expect(self.find(key, Self.start + 0x1000, 1) == nil)
    }

    @Test func `what the region does not allow is not bound`() throws {
        let key = try self.segment.makeWindow(.type2, domain: 7)
        func isBound(_ binding: MemoryBinding) -> Bool { self.segment.bindWindow(key: key, to: binding) }
        let closed = try Self.register(in: self.segment, access: .localWrite)
        let readOnly = try Self.register(in: self.segment, access: .bindWindow)
        let elsewhere = try Self.register(in: self.segment, domain: 8)
        let over = try Self.register(in: self.segment)
        try self.segment.deregister(key: over)
        #expect(!isBound(self.binding(closed)))
        #expect(!isBound(self.binding(readOnly)))
        #expect(!isBound(self.binding(readOnly, access: .remoteAtomic)))
        #expect(!isBound(self.binding(elsewhere)))
        #expect(!isBound(self.binding(elsewhere, domain: 8)))
        #expect(!isBound(self.binding(over)))
        #expect(!isBound(self.binding(key)))
        #expect(!isBound(self.binding(byteCount: 0)))
        #expect(!isBound(self.binding(byteCount: 0x2001)))
        #expect(!isBound(self.binding(address: Self.start - 1)))
        #expect(!isBound(self.binding(access: [.remoteRead, .localWrite])))
        #expect(self.find(key) == nil)
        #expect(isBound(self.binding(readOnly, access: .remoteRead)))
    }

    @Test func `a region with a bound window stays`() throws {
        let key = try self.segment.makeWindow(.type1, domain: 7)
        #expect(self.segment.bindWindow(key: key, to: self.binding()))
        #expect(failure { try self.segment.deregister(key: self.region) } == .resourceBusy)
        let change = failure { try self.segment.change(key: self.region, access: .localWrite, domain: 7) }
        #expect(change == .resourceBusy)
        #expect(self.segment.memory.isValid(key: self.region))
        #expect(self.segment.unbindWindow(key: key, domain: 7))
        try self.segment.deregister(key: self.region)
        // The slot of the region may serve another; the window must not hold that one.
        try self.segment.removeWindow(key: key)
    }

    @Test func `a bound window of type 2 is not bound anew; one of type 1 is, under another key`() throws {
        let two = try self.segment.makeWindow(.type2, domain: 7)
        #expect(self.segment.bindWindow(key: two, to: self.binding()))
        #expect(!self.segment.bindWindow(key: (two & ~0xFF) | ((two &+ 1) & 0xFF), to: self.binding()))
        let one = try self.segment.makeWindow(.type1, domain: 7)
        #expect(self.segment.bindWindow(key: one, to: self.binding()))
        let next = self.segment.nextWindowKey(after: one)
        #expect(next != one)
        #expect(self.segment.bindWindow(key: next, to: self.binding(address: Self.start)))
        #expect(self.find(one) == nil)
        #expect(self.find(next, Self.start) == Self.start)
    }

    @Test func `all tags are the program's, and only the one that was bound is valid`() throws {
        let first = try self.segment.makeWindow(.type2, domain: 7)
        for tag in UInt32(0)..<256 {
            let key = first & ~0xFF | tag
            #expect(self.segment.bindWindow(key: key, to: self.binding()))
            let valid = (UInt32(0)..<256).filter { self.segment.memory.isValid(key: first & ~0xFF | $0) }
            guard valid == [tag] else {
                Issue.record("bound \(tag), valid \(valid)")
                return
            }
            let peer = MemoryAccessor.remote(domain: 7, queuePair: Self.qpn)
            #expect(!self.segment.memory.invalidateWindow(key: key ^ 1, by: peer))
            #expect(self.segment.memory.invalidateWindow(key: key, by: peer))
            #expect(!self.segment.memory.invalidateWindow(key: key, by: peer))
        }
    }

    /// By the owner, and by a process of this host.
    @Test(arguments: [false, true])
    func `only the queue pair of a type 2 window invalidates it`(isInitiator: Bool) throws {
        let table = self.segment.memory
        func invalidate(_ key: UInt32, domain: UInt32 = 7, queuePair: UInt32 = Self.qpn) -> Bool {
            let accessor = MemoryAccessor.remote(domain: domain, queuePair: queuePair)
            return isInitiator
                ? table.invalidateWindowAsInitiator(key: key, by: accessor)
                : table.invalidateWindow(key: key, by: accessor)
        }
        let two = try self.segment.makeWindow(.type2, domain: 7)
        let one = try self.segment.makeWindow(.type1, domain: 7)
        #expect(self.segment.bindWindow(key: two, to: self.binding()))
        #expect(self.segment.bindWindow(key: one, to: self.binding()))
        #expect(!invalidate(two, queuePair: Self.qpn + 1))
        #expect(!invalidate(two, domain: 8))
        for key in [one, self.region, 0] { #expect(!invalidate(key)) }
        #expect(self.find(two) != nil && self.find(one) != nil)
        #expect(invalidate(two))
        #expect(self.find(two) == nil)
        #expect(!invalidate(two))
    }

    @Test func `the keys of windows and of regions never meet`() throws {
        let small = try ProcessSegment.forTesting(memoryCount: 16)
        var regions = Set<UInt32>()
        var prefixes = Set<UInt32>()
        for round in 0..<5000 {
            // Each slot has its turn as either.
            if round % 3 == 0 {
                let key = try Self.register(in: small)
                #expect(regions.insert(key).inserted)
                try small.deregister(key: key)
            } else {
                let key = try small.makeWindow(.type2, domain: 7)
                #expect(prefixes.insert(key >> 8).inserted)
                try small.removeWindow(key: key)
            }
        }
        #expect(regions.allSatisfy { !prefixes.contains($0 >> 8) })
    }

    @Test func `thousands of binds of one window give fresh keys`() throws {
        let layout = SegmentLayout(byteCount: 512 << 20, memoryCount: 1 << 20, completionCount: 64, receiveCount: 64)
        let large = try ProcessSegment(name: "verbena-test", layout: layout)
        var key = try large.makeWindow(.type1, domain: 7)
        var seen: Set = [key]
        for _ in 1..<2048 {
            key = large.nextWindowKey(after: key)
            #expect(seen.insert(key).inserted)
        }
        // All keys of the slot are used up: they come back, and it still works.
        #expect(seen.contains(large.nextWindowKey(after: key)))
        try large.removeWindow(key: key)
    }

    @Test func `windows of a queue pair that goes away are unbound`() throws {
        let mine = try self.segment.makeWindow(.type2, domain: 7)
        let other = try self.segment.makeWindow(.type2, domain: 7)
        let one = try self.segment.makeWindow(.type1, domain: 7)
        #expect(self.segment.bindWindow(key: mine, to: self.binding()))
        #expect(self.segment.bindWindow(key: other, to: self.binding(queuePair: Self.qpn + 1)))
        #expect(self.segment.bindWindow(key: one, to: self.binding()))
        self.segment.unbindWindows(ofQueuePair: Self.qpn)
        #expect(!self.segment.memory.isValid(key: mine))
        #expect(self.segment.memory.isValid(key: other) && self.segment.memory.isValid(key: one))
    }

    @Test func `a window onto device memory, or onto pages that come and go, says so`() throws {
        for kind in [MemoryKind.deviceMemory, .onDemandRegion] {
            let region = try Self.register(in: self.segment, kind: kind)
            let key = try self.segment.makeWindow(.type2, domain: 7)
            #expect(self.segment.bindWindow(key: key, to: self.binding(region)))
            let entry = self.segment.memory.entry(forKey: key)
            #expect(MemoryKind(rawValue: entry.kind.relaxed) == kind.window(.type2))
            #expect(MemoryKind(rawValue: entry.kind.relaxed).place == kind.place)
            #expect(MemoryKind(rawValue: entry.kind.relaxed).isOnDemand == kind.isOnDemand)
        }
    }

    private func failure(of verb: () throws -> Void) -> Errno? {
        do {
            try verb()
            return nil
        } catch {
            return error as? Errno
        }
    }
}
