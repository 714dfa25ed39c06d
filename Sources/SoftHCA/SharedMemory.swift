internal import Segment
package import SystemIO

/// Memory of the segment that the program asked for: peers of this host, which have the segment mapped, reach it with plain
/// copies.
package final class SharedMemory {
    private static let shared = SharedMemory()

    // SAFETY: everything below is read and written under `lock` only.
    private let lock = Lock()
    private var extents: [UInt: Extent] = [:]
    private var generation: UInt32 = 0

    private init() {}

    /// Zero-filled memory that begins on a page.
    ///
    /// - Throws: `EINVAL` for no bytes, `ENOMEM`, `EMFILE`.
    package static func allocate(byteCount: Int) throws(Errno) -> UnsafeMutableRawPointer {
        guard byteCount > 0 else { throw .invalidArgument }
        let segment = try LocalSegment.open()
        let extent = try segment.allocateExtent(byteCount: byteCount)
        // SAFETY: the extent lies inside the mapping, which stays until the process ends.
        let pointer = unsafe segment.mapping.base + extent.byteOffset
        self.shared.lock.withLock { self.shared.note(extent, at: UInt(bitPattern: pointer)) }
        return unsafe pointer
    }

    /// Gives memory back.
    ///
    /// - Throws: `EINVAL` for an address that `allocate` did not return to this process.
    package static func free(_ pointer: UnsafeMutableRawPointer) throws(Errno) {
        let address = UInt(bitPattern: pointer)
        guard let extent = self.shared.lock.withLock({ self.shared.forget(address) }) else { throw .invalidArgument }
        let segment = try LocalSegment.open()
        segment.waitForInitiators()
        segment.freeExtent(extent)
    }

    /// A forked child has nothing of it.
    private func letGoOfParent() {
        guard self.generation != ProcessGuard.generation else { return }
        self.generation = ProcessGuard.generation
        self.extents = [:]
    }

    private func note(_ extent: Extent, at address: UInt) {
        self.letGoOfParent()
        self.extents[address] = extent
    }

    private func forget(_ address: UInt) -> Extent? {
        self.letGoOfParent()
        return self.extents.removeValue(forKey: address)
    }
}

// SAFETY: see the stored properties.
extension SharedMemory: @unchecked Sendable {}
