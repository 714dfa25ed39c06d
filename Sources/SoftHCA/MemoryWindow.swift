package import Segment
package import SystemIO

/// A part of a region that peers may use until it is taken back. See ibv_alloc_mw(3).
@safe
package final class MemoryWindow {
    package let domain: ProtectionDomain
    package let type: MemoryWindowType
    // SAFETY: changed by a bind of type 1 only, which the program may not do at once with another use.
    /// Names the window, and peers' requests once it is bound under it. The lowest 8 bits of a type 2 window's are the
    /// program's to change.
    package private(set) var key: UInt32
    package let generation = ProcessGuard.generation

    /// - Throws: `EINVAL` when the domain is closed, `ENOMEM`, `EIO` in a forked child.
    package init(domain: ProtectionDomain, type: MemoryWindowType) throws(Errno) {
        try ProcessGuard.check(domain.generation)
        try domain.users.begin()
        do throws(Errno) {
            self.key = try domain.context.segment.makeWindow(type, domain: domain.handle)
        } catch {
            domain.users.end()
            throw error
        }
        self.domain = domain
        self.type = type
    }

    /// Takes a fresh key for the next bind of a window of type 1.
    package func takeNextKey() -> UInt32 {
        self.key = self.domain.context.segment.nextWindowKey(after: self.key)
        return self.key
    }

    /// Whether a bind of this window, which is of type 2, may choose that key.
    package func owns(_ key: UInt32) -> Bool { (key ^ self.key) >> 8 == 0 }

    /// Unbinds it if it is bound. Returns when nobody is inside any more.
    ///
    /// - Throws: `EINVAL` when it is closed already, `EIO` in a forked child.
    package func close() throws(Errno) {
        try ProcessGuard.check(self.generation)
        try self.domain.context.segment.removeWindow(key: self.key)
        self.domain.users.end()
    }
}

// SAFETY: see `key`.
extension MemoryWindow: @unchecked Sendable {}
