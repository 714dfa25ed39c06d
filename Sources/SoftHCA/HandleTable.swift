internal import SystemIO

/// The objects of a context by the number that C programs know them by, for taking them over in another context.
///
/// It does not keep them alive.
package final class HandleTable<Object: AnyObject> {
    private struct Entry {
        weak var object: Object?
    }

    private let lock = Lock()
    private var entries: [UInt32: Entry] = [:]

    internal init() {}

    internal func insert(_ object: Object, handle: UInt32) {
        self.lock.withLock { self.entries[handle] = Entry(object: object) }
    }

    internal func remove(handle: UInt32) {
        self.lock.withLock { self.entries[handle] = nil }
    }

    /// `nil` when there is no such object, or none any more.
    package func object(handle: UInt32) -> Object? {
        self.lock.withLock { self.entries[handle]?.object }
    }
}

// SAFETY: the table is read and written under the lock only.
extension HandleTable: @unchecked Sendable {}
