internal import Synchronization
package import SystemIO

/// Tells a process from the children that it forks.
///
/// A child has the parent's objects but not the memory behind them (`MADV_DONTFORK`). An object notes the generation in
/// which it was made; in a child the generation is another, and every verb on the object fails instead of faulting.
package enum ProcessGuard {
    private static let counter = Atomic<UInt32>(1)

    /// Counts the forks between the first process and this one, from 1.
    @inline(always)
    package static var generation: UInt32 { self.counter.load(ordering: .relaxed) }

    /// Whether an object that was made in `generation` belongs to this process.
    @inline(always)
    package static func isOwn(_ generation: UInt32) -> Bool { self.generation == generation }

    /// - Throws: `EIO` when the object is the parent's.
    @inline(always)
    package static func check(_ generation: UInt32) throws(Errno) {
        guard self.isOwn(generation) else { throw Self.foreignObject }
    }

    /// What a forked child gets for calling a verb on an object of its parent.
    package static var foreignObject: Errno { .ioError }

    /// For the child handler of `AtFork`.
    internal static func enterChild() {
        self.counter.wrappingAdd(1, ordering: .relaxed)
    }
}
