package import SystemIO

/// A promise of the program to use what it makes in it from one thread at a time. See ibv_alloc_td(3).
///
/// Nothing is saved by it here: the adapter has one lock for all queue pairs.
package final class ThreadDomain: Sendable {
    package let context: Context
    package let generation = ProcessGuard.generation
    /// The parent domains that use it.
    internal let users = UseCount()

    /// - Throws: `EIO` in a forked child.
    package init(context: Context) throws(Errno) {
        try ProcessGuard.check(context.generation)
        self.context = context
    }

    /// - Throws: `EBUSY` while a parent domain uses it, `EINVAL` when it is closed already, `EIO` in a forked child.
    package func close() throws(Errno) {
        try ProcessGuard.check(self.generation)
        try self.users.close()
    }
}
