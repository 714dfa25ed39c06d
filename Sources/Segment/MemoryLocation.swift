/// Where bytes are that a work request names. It says nothing that only the owner would understand.
public struct MemoryLocation: Hashable, Sendable, BitwiseCopyable {
    /// How to reach them.
    public let place: MemoryPlace
    /// An address of the owner's process, or an offset of his segment, as `place` says; without a meaning nowhere.
    public let position: UInt64

    @inlinable @inline(always)
    public init(place: MemoryPlace, position: UInt64) {
        self.place = place
        self.position = position
    }
}

/// Who asks for an access: what the entry is compared with beside the rights.
public struct MemoryAccessor: Hashable, Sendable, BitwiseCopyable {
    /// Handle of the protection domain.
    public let domain: UInt32
    /// Number of the queue pair of the region's owner over which a peer asks; 0 when the owner himself does.
    public let queuePair: UInt32

    @inlinable @inline(always)
    internal init(domain: UInt32, queuePair: UInt32) {
        self.domain = domain
        self.queuePair = queuePair
    }

    /// The owner's own work requests: keys of regions only.
    @inlinable @inline(always)
    public static func local(domain: UInt32) -> MemoryAccessor {
        MemoryAccessor(domain: domain, queuePair: 0)
    }

    /// A peer, over a queue pair of the owner.
    @inlinable @inline(always)
    public static func remote(domain: UInt32, queuePair: UInt32) -> MemoryAccessor {
        MemoryAccessor(domain: domain, queuePair: queuePair)
    }
}
