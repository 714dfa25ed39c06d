public import Synchronization
internal import SystemIO

/// How many threads of this process are just putting payloads in place that travelled with their completions.
///
/// It lets them look keys up without writing to the memory table, whose lines the senders read for each message. Whoever
/// takes a region away makes its key invalid and then waits here until each thread that may have seen it valid is through.
public final class Placers: Sendable {
    // Two counts, of which newcomers take the current one: so there is an end to waiting, however many come.
    @usableFromInline internal let first = Atomic<Int>(0)
    @usableFromInline internal let second = Atomic<Int>(0)
    @usableFromInline internal let isSecondCurrent = Atomic<Bool>(false)
    private let lock = Lock()

    internal init() {}

    /// - Returns: What to give to `leave`.
    @inlinable @inline(always)
    public func enter() -> Bool {
        let isSecond = self.isSecondCurrent.load(ordering: .relaxed)
        // With the fence that it contains: we count ourselves in, then look at keys; `wait` comes after a key was
        // taken back, and then looks at the counts.
        if isSecond {
            self.second.wrappingAdd(1, ordering: .sequentiallyConsistent)
        } else {
            self.first.wrappingAdd(1, ordering: .sequentiallyConsistent)
        }
        return isSecond
    }

    @inlinable @inline(always)
    public func leave(_ isSecond: Bool) {
        if isSecond {
            self.second.wrappingSubtract(1, ordering: .releasing)
        } else {
            self.first.wrappingSubtract(1, ordering: .releasing)
        }
    }

    /// Returns once every thread that was inside has left.
    internal func wait() {
        self.lock.lock()
        defer { self.lock.unlock() }
        // Twice, because a thread may look which count is current, and count itself in long after.
        for _ in 0..<2 {
            let isSecond = self.isSecondCurrent.load(ordering: .relaxed)
            self.isSecondCurrent.store(!isSecond, ordering: .sequentiallyConsistent)
            atomicMemoryFence(ordering: .sequentiallyConsistent)
            let count = isSecond ? self.second.load(ordering: .acquiring) : self.first.load(ordering: .acquiring)
            guard count != 0 else { continue }
            while (isSecond ? self.second.load(ordering: .acquiring) : self.first.load(ordering: .acquiring)) != 0 {
                Scheduling.yield()
            }
        }
    }
}
