import Glibc

/// Tells whether this process is a child that was made by `fork`, or by a bare `clone` that runs no fork handlers, since
/// the sentinel was made. Costs one load.
///
/// It is a page that the kernel hands to children filled with zeros (`MADV_WIPEONFORK`, Linux 4.14). Where there is no
/// such page it never tells of a child, and the fork handlers have to do.
///
/// `public` so that it is inlined, see `WordLock`.
@safe
public struct ForkSentinel: ~Copyable {
    // SAFETY: one mapped page for the life of the sentinel, or nil. A word of it is written before the process can be
    // shared by threads that read it, or in a child with one thread.
    @usableFromInline internal let page: UnsafeMutablePointer<UInt64>?

    private static let byteCount = sysconf(CInt(_SC_PAGESIZE))

    package init() {
        let page = unsafe AnonymousMemory.allocate(byteCount: Self.byteCount)
        guard let page = unsafe page, unsafe madvise(page, Self.byteCount, MADV_WIPEONFORK) == 0 else {
            if let page = unsafe page { unsafe AnonymousMemory.free(page, byteCount: Self.byteCount) }
            unsafe self.page = nil
            return
        }
        unsafe self.page = unsafe page.bindMemory(to: UInt64.self, capacity: 1)
        unsafe self.page?.pointee = 1
    }

    deinit {
        if let page = unsafe self.page { unsafe AnonymousMemory.free(page, byteCount: Self.byteCount) }
    }

    /// Whether the process is a child that has not called `acknowledge` yet.
    @inlinable @inline(always)
    public var isInChild: Bool {
        guard let page = unsafe self.page else { return false }
        return unsafe page.pointee == 0
    }

    /// Makes `isInChild` false in this process, until the next fork.
    package func acknowledge() {
        unsafe self.page?.pointee = 1
    }
}

// SAFETY: see the stored property.
extension ForkSentinel: @unchecked Sendable {}
