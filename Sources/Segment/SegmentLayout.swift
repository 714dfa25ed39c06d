/// Where the parts of a segment lie, in bytes from its start, and how many entries its tables have.
///
/// | Part           | Entry                          | Bytes an entry |
/// |----------------|--------------------------------|----------------|
/// | header         | `SegmentHeader`                | 4096           |
/// | initiators     | `InitiatorLine`                | 64             |
/// | memory table   | `MemoryTable`                  | 64             |
/// | queue pairs    | `QueuePairEntry`               | 256            |
/// | completions    | head of a `CompletionRing`     | 512            |
/// | receives       | head of a `ReceiveRing`        | 512            |
/// | extents        | rings and device memory, in pages | -              |
///
/// The mapping is sparse: a page takes memory once it is touched.
public struct SegmentLayout: Sendable, Hashable {
    /// Size of the whole segment.
    public let byteCount: Int
    /// Entries of the memory table, a power of two.
    public let memoryCount: Int
    public let completionCount: Int
    public let receiveCount: Int

    @inlinable public static var headerByteCount: Int { 4096 }
    @inlinable public static var initiatorByteCount: Int { 64 }
    @inlinable public static var memoryEntryByteCount: Int { 64 }
    @inlinable public static var queuePairEntryByteCount: Int { 256 }
    @inlinable public static var completionEntryByteCount: Int { 512 }
    @inlinable public static var receiveEntryByteCount: Int { 512 }
    @inlinable public static var pageByteCount: Int { 4096 }

    /// One entry for each number of a block of QPNs: the low 14 bits of a QPN are the index of its entry.
    @inlinable public static var queuePairCount: Int { 1 << 14 }

    /// One line for each process that a host can have: the upper 10 bits of its QPNs are the index.
    @inlinable public static var initiatorCount: Int { 1 << 10 }

    /// The layouts that are tried, the largest first: where the address space is limited, a smaller one has to do.
    public static let candidates: [SegmentLayout] = [
        SegmentLayout(byteCount: 16 << 30, memoryCount: 1 << 20, completionCount: 1 << 14, receiveCount: 20 << 10),
        SegmentLayout(byteCount: 4 << 30, memoryCount: 1 << 20, completionCount: 1 << 14, receiveCount: 20 << 10),
        SegmentLayout(byteCount: 1 << 30, memoryCount: 1 << 20, completionCount: 1 << 14, receiveCount: 20 << 10),
        SegmentLayout(byteCount: 256 << 20, memoryCount: 1 << 18, completionCount: 1 << 13, receiveCount: 10 << 10),
        SegmentLayout(byteCount: 64 << 20, memoryCount: 1 << 16, completionCount: 1 << 11, receiveCount: 4 << 10),
    ]

    public init(byteCount: Int, memoryCount: Int, completionCount: Int, receiveCount: Int) {
        precondition(memoryCount.nonzeroBitCount == 1, "the memory table is indexed by a mask")
        self.init(
            unchecked: byteCount,
            memoryCount: memoryCount,
            completionCount: completionCount,
            receiveCount: receiveCount
        )
        precondition(self.extentsOffset < byteCount, "no room for the rings")
    }

    /// As another process says; the caller checks that it can be.
    internal init(unchecked byteCount: Int, memoryCount: Int, completionCount: Int, receiveCount: Int) {
        self.byteCount = byteCount
        self.memoryCount = memoryCount
        self.completionCount = completionCount
        self.receiveCount = receiveCount
    }
}

extension SegmentLayout {
    public static var initiatorsOffset: Int { Self.headerByteCount }
    public var memoryOffset: Int { Self.initiatorsOffset + Self.initiatorCount * Self.initiatorByteCount }
    public var queuePairsOffset: Int { self.memoryOffset + self.memoryCount * Self.memoryEntryByteCount }
    public var completionsOffset: Int { self.queuePairsOffset + Self.queuePairCount * Self.queuePairEntryByteCount }
    public var receivesOffset: Int { self.completionsOffset + self.completionCount * Self.completionEntryByteCount }
    public var extentsOffset: Int { self.receivesOffset + self.receiveCount * Self.receiveEntryByteCount }
}
