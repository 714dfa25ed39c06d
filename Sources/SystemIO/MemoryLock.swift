import Glibc

/// Locks pages of the own process into memory. See mlock(2). Locks do not nest: one `unlock` undoes any number of `lock`s.
package enum MemoryLock {
    /// Brings the pages from `lowerBound` to `upperBound` into memory and keeps them there.
    ///
    /// - Returns: nil, or why it failed: `ENOMEM` (over the limit, not mapped, or no mapping to split), `EPERM` (the limit
    ///   is 0), `EAGAIN` (some pages could not be brought in). A part may be locked then.
    package static func lock(from lowerBound: UInt, to upperBound: UInt) -> Errno? {
        // SAFETY: the call changes where pages live, never their bytes; the kernel checks the range.
        let result = unsafe mlock(UnsafeRawPointer(bitPattern: lowerBound), Int(upperBound - lowerBound))
        return result == 0 ? nil : .last
    }

    /// Lets the pages go. At a hole the kernel stops, and answers `ENOMEM`.
    package static func unlock(from lowerBound: UInt, to upperBound: UInt) -> Errno? {
        // SAFETY: as above.
        let result = unsafe munlock(UnsafeRawPointer(bitPattern: lowerBound), Int(upperBound - lowerBound))
        return result == 0 ? nil : .last
    }
}
