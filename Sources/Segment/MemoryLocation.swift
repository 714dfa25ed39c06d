/// Where bytes are that a work request names. It says nothing that only the owner would understand.
package struct MemoryLocation: Hashable, Sendable, BitwiseCopyable {
    /// How to reach them.
    package let place: MemoryPlace
    /// An address of the owner's process, or an offset of his segment, as `place` says; without a meaning nowhere.
    package let position: UInt64

    @inline(always)
    package init(place: MemoryPlace, position: UInt64) {
        self.place = place
        self.position = position
    }
}

/// Who asks for an access: what the entry is compared with beside the rights.
package struct MemoryAccessor: Hashable, Sendable, BitwiseCopyable {
    /// Handle of the protection domain.
    package let domain: UInt32
    /// Number of the queue pair of the region's owner over which a peer asks; 0 when the owner himself does.
    package let queuePair: UInt32

    /// The owner's own work requests: keys of regions only.
    @inline(always)
    package static func local(domain: UInt32) -> MemoryAccessor {
        MemoryAccessor(domain: domain, queuePair: 0)
    }

    /// A peer, over a queue pair of the owner.
    @inline(always)
    package static func remote(domain: UInt32, queuePair: UInt32) -> MemoryAccessor {
        MemoryAccessor(domain: domain, queuePair: queuePair)
    }
}
