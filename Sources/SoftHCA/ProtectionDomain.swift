internal import Synchronization
package import SystemIO

/// A group of queue pairs and memory regions that may be used together. See ibv_alloc_pd(3).
///
/// A parent domain is one too: what is made in it belongs to the protection domain that it was made of. See
/// ibv_alloc_parent_domain(3).
package final class ProtectionDomain: Sendable {
    package let context: Context
    /// What its keys are valid for: unique in the process while it lives, never 0. A parent domain has that of its base.
    package let handle: UInt32
    package let generation = ProcessGuard.generation
    /// The regions, queue pairs, shared receive queues and address handles that are in it.
    package let users = UseCount()
    /// What a parent domain is made of.
    private let base: ProtectionDomain?
    private let threadDomain: ThreadDomain?

    private static let lastHandle = Atomic<UInt32>(0)

    /// - Throws: `EIO` in a forked child.
    package init(context: Context) throws(Errno) {
        try ProcessGuard.check(context.generation)
        self.context = context
        self.handle = Self.lastHandle.wrappingAdd(1, ordering: .relaxed).newValue
        self.base = nil
        self.threadDomain = nil
        context.domains.insert(self, handle: self.handle)
    }

    /// Makes a parent domain.
    ///
    /// - Throws: `EINVAL` when one of the parts is of another context, or the base is a parent domain itself; `EIO` in a
    ///   forked child.
    package init(parentOf base: ProtectionDomain, threadDomain: ThreadDomain?) throws(Errno) {
        try ProcessGuard.check(base.generation)
        guard base.base == nil, threadDomain == nil || threadDomain?.context === base.context else {
            throw .invalidArgument
        }
        try base.users.begin()
        do throws(Errno) {
            try threadDomain?.users.begin()
        } catch {
            base.users.end()
            throw error
        }
        self.context = base.context
        self.handle = base.handle
        self.base = base
        self.threadDomain = threadDomain
    }

    package var isParent: Bool { self.base != nil }

    /// - Throws: `EBUSY` while anything is in it, `EINVAL` when it is closed already, `EIO` in a forked child.
    package func close() throws(Errno) {
        try ProcessGuard.check(self.generation)
        try self.users.close()
        self.threadDomain?.users.end()
        if let base = self.base { base.users.end() } else { self.context.domains.remove(handle: self.handle) }
    }
}
