import Synchronization
import SystemIO
import TestSupport
import Testing

@testable import Segment

@Suite("Placers")
struct PlacersTests {
    private final class Flags: Sendable {
        let isInside = Atomic<Bool>(false)
        let isDone = Atomic<Bool>(false)
    }

    @Test(arguments: [false, true]) func `who is inside is waited for`(hasWaitedBefore: Bool) {
        let placers = Placers()
        let flags = Flags()
        let results = Threads.run(2) { index -> Bool in
            if index == 0 {
                // Also one that counted itself in under the count that is not current any more.
                let place = placers.enter()
                if hasWaitedBefore { placers.leave(place) }
                let other = hasWaitedBefore ? placers.enter() : place
                flags.isInside.store(true, ordering: .sequentiallyConsistent)
                MonotonicClock.sleep(nanoseconds: 50_000_000)
                flags.isDone.store(true, ordering: .sequentiallyConsistent)
                placers.leave(other)
                return true
            }
            while !flags.isInside.load(ordering: .sequentiallyConsistent) { Scheduling.yield() }
            placers.wait()
            return flags.isDone.load(ordering: .sequentiallyConsistent)
        }
        #expect(results == [true, true])
    }

    @Test func `waiting ends although others keep coming`() {
        let placers = Placers()
        let flags = Flags()
        let results = Threads.run(3) { index -> Bool in
            if index == 0 {
                for _ in 0..<200 { placers.wait() }
                flags.isDone.store(true, ordering: .sequentiallyConsistent)
                return true
            }
            // One of the two is always inside.
            var place = placers.enter()
            while !flags.isDone.load(ordering: .relaxed) {
                let next = placers.enter()
                placers.leave(place)
                place = next
                Scheduling.yield()
            }
            placers.leave(place)
            return true
        }
        #expect(results == [true, true, true])
    }
}
