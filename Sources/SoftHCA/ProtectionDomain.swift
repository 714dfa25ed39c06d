internal import Synchronization
package import SystemIO

/// A group of queue pairs and memory regions that may be used together. See ibv_alloc_pd(3).
package final class ProtectionDomain: Sendable {
    package let context: Context
    /// Unique in the process while it lives; never 0.
    package let handle: UInt32
    package let generation = ProcessGuard.generation
    /// The regions, queue pairs, shared receive queues and address handles that are in it.
    package let users = UseCount()

    private static let lastHandle = Atomic<UInt32>(0)

    /// - Throws: `EIO` in a forked child.
    package init(context: Context) throws(Errno) {
        try ProcessGuard.check(context.generation)
        self.context = context
        self.handle = Self.lastHandle.wrappingAdd(1, ordering: .relaxed).newValue
    }

    /// - Throws: `EBUSY` while anything is in it, `EINVAL` when it is closed already, `EIO` in a forked child.
    package func close() throws(Errno) {
        try ProcessGuard.check(self.generation)
        try self.users.close()
    }
}
