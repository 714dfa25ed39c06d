import Segment
import Synchronization
import SystemIO
import Testing

/// Whoever takes memory away returns only when nobody can touch it any more.
@Suite("Taking memory away waits")
struct WaitingTests {
    /// What takes away a region, or what a window opened.
    enum Removal: CaseIterable {
        case deregister, change, bindAnew, unbind, remove, invalidate
    }

    /// Who may still be at work on the memory.
    enum Presence: CaseIterable {
        /// A thread of this process, for a packet, by the key that is taken away.
        case access
        /// Likewise, by a window onto the region whose key was invalidated meanwhile.
        case windowAccess
        /// A process of this host.
        case initiator
        /// A thread of this process that puts a payload in place.
        case placer

        var removals: [Removal] {
            switch self {
            case .access: Removal.allCases
            // Who is inside a window by a process of its own, or puts payloads in place, uses no key of type 2.
            case .initiator: [.deregister, .change, .bindAnew, .unbind, .remove]
            case .placer: [.deregister, .change]
            case .windowAccess: [.deregister]
            }
        }
    }

    private static let start: UInt64 = 0x7000_0000_1000
    private static let qpn: UInt32 = 0x1234
    private static let block: UInt32 = 77

    private static func binding(_ region: UInt32) -> MemoryBinding {
        MemoryBinding(
            regionKey: region,
            address: Self.start,
            byteCount: 64,
            access: .remoteRead,
            domain: 7,
            queuePair: Self.qpn
        )
    }

    private final class Outcome: Sendable {
        let isRight = Atomic(false)
    }

    /// Begins to be present under a key, and returns how to end it.
    private static func begin(
        _ presence: Presence,
        key: UInt32,
        in segment: ProcessSegment
    ) throws -> () -> Void {
        switch presence {
        case .access, .windowAccess:
            let inside = segment.memory.beginAccess(
                key: key,
                address: Self.start,
                byteCount: 1,
                access: .remoteRead,
                by: .remote(domain: 7, queuePair: Self.qpn)
            )
            try #require(inside != nil)
            return { segment.memory.endAccess(key: key) }
        case .initiator:
            segment.liveness.isAlive = { _, _ in true }
            segment.view.attach(Self.block, incarnation: 5)
            segment.view.initiator(Self.block).enter()
            return { segment.view.initiator(Self.block).leave() }
        case .placer:
            let place = segment.placers.enter()
            return { segment.placers.leave(place) }
        }
    }

    @Test(arguments: Presence.allCases.flatMap { presence in presence.removals.map { (presence, $0) } })
    func `until nobody is inside`(presence: Presence, removal: Removal) throws {
        let segment = try ProcessSegment.forTesting()
        let region = try segment.register(
            address: Self.start,
            virtualAddress: Self.start,
            byteCount: 64,
            access: [.localWrite, .bindWindow, .remoteRead],
            domain: 7
        )
        let usesType2 = removal == .invalidate || presence == .windowAccess
        let window = try segment.makeWindow(usesType2 ? .type2 : .type1, domain: 7)
        let isOfWindow = usesType2 || [.bindAnew, .unbind, .remove].contains(removal)
        if isOfWindow { #expect(segment.bindWindow(key: window, to: Self.binding(region))) }
        let end = try Self.begin(presence, key: isOfWindow ? window : region, in: segment)
        let accessor = MemoryAccessor.remote(domain: 7, queuePair: Self.qpn)
        if presence == .windowAccess {
            #expect(segment.memory.invalidateWindowAsInitiator(key: window, by: accessor))
        }

        let done = Outcome()
        let thread = try BackgroundThread {
            let isRight =
                switch removal {
                case .deregister: (try? segment.deregister(key: region)) != nil
                case .change: (try? segment.change(key: region, access: .remoteRead, domain: 7)) != nil
                case .bindAnew:
                    segment.bindWindow(key: segment.nextWindowKey(after: window), to: Self.binding(region))
                case .unbind: segment.unbindWindow(key: window, domain: 7)
                case .remove: (try? segment.removeWindow(key: window)) != nil
                case .invalidate: segment.memory.invalidateWindow(key: window, by: accessor)
                }
            done.isRight.store(isRight, ordering: .releasing)
        }
        MonotonicClock.sleep(nanoseconds: 20_000_000)
        let isTooEarly = done.isRight.load(ordering: .acquiring)
        #expect(!isTooEarly, "\(removal) did not wait")
        end()
        thread.join()
        let isDone = done.isRight.load(ordering: .acquiring)
        #expect(isDone)
    }
}
