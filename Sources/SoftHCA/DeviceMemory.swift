internal import Segment
internal import Synchronization
package import SystemIO

/// Memory of the adapter itself, which the program reaches by copies and work requests only. See ibv_alloc_dm(3).
///
/// It lies in the segment of the process, so that a peer on this host reaches it with plain copies.
package final class DeviceMemory {
    package let context: Context
    package let byteCount: UInt64
    /// Where the first byte lies in the segment.
    internal let segmentOffset: UInt64
    private let extent: Extent
    /// The regions in it.
    internal let users = UseCount()
    /// Unique in the process; never 0.
    package let handle: UInt32
    package let generation = ProcessGuard.generation

    private static let lastHandle = Atomic<UInt32>(0)

    /// What copies by the program must be multiples of, in offset and length, as with the adapters that have such memory.
    package static var alignment: UInt64 { 4 }

    /// - Parameters:
    ///   - byteCount: 1 … `DeviceAttributes.deviceMemoryByteCountMax`.
    ///   - alignmentShift: Logarithm of what the address shall be a multiple of.
    /// - Throws: `EINVAL` for a length out of bounds, or an alignment above that; `ENOMEM`; `EIO` in a forked child.
    package init(context: Context, byteCount: UInt64, alignmentShift: UInt32) throws(Errno) {
        try ProcessGuard.check(context.generation)
        let limit = UInt64(context.deviceAttributes.deviceMemoryByteCountMax)
        guard (1...limit).contains(byteCount), alignmentShift < 64, 1 << UInt64(alignmentShift) <= limit else {
            throw .invalidArgument
        }
        let alignment = UInt64(1) << UInt64(alignmentShift)
        // The extent begins with a page; beyond that, room to move.
        let slack = alignment > UInt64(SegmentLayout.pageByteCount) ? alignment : 0
        self.extent = try context.segment.allocateExtent(byteCount: Int(byteCount + slack))
        let base = unsafe UInt64(UInt(bitPattern: context.segment.mapping.base))
        let start = base + UInt64(self.extent.byteOffset)
        self.segmentOffset = (start + alignment - 1) / alignment * alignment - base
        self.context = context
        self.byteCount = byteCount
        self.handle = Self.lastHandle.wrappingAdd(1, ordering: .relaxed).newValue
        context.deviceMemories.insert(self, handle: self.handle)
    }

    /// - Throws: `EBUSY` while a region is in it, `EINVAL` when it is closed already, `EIO` in a forked child.
    package func close() throws(Errno) {
        try ProcessGuard.check(self.generation)
        try self.users.close()
        self.context.deviceMemories.remove(handle: self.handle)
        self.context.segment.freeExtent(self.extent)
    }
}

// MARK: - Copies

extension DeviceMemory {
    internal func holds(byteOffset: UInt64, byteCount: UInt64) -> Bool {
        byteOffset <= self.byteCount && byteCount <= self.byteCount - byteOffset
    }

    /// The bytes that a copy by the program is about.
    ///
    /// - Throws: `EINVAL` when they do not lie in the memory or are not aligned; `EIO` in a forked child.
    // SAFETY: the caller keeps the memory alive while it uses the bytes.
    @unsafe
    package func bytes(byteOffset: UInt64, byteCount: UInt64) throws(Errno) -> UnsafeMutableRawBufferPointer {
        try ProcessGuard.check(self.generation)
        guard self.holds(byteOffset: byteOffset, byteCount: byteCount),
            byteOffset % Self.alignment == 0, byteCount % Self.alignment == 0
        else { throw .invalidArgument }
        let start = unsafe self.context.segment.mapping.base + Int(self.segmentOffset + byteOffset)
        return unsafe UnsafeMutableRawBufferPointer(start: start, count: Int(byteCount))
    }
}

// SAFETY: nothing changes but the count, which is atomic, and the bytes, which are shared with peers anyway.
extension DeviceMemory: @unchecked Sendable {}
