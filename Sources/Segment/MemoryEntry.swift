internal import SystemIO

/// What any process may know of one region or window. A view over 64 bytes of a segment; `ProcessSegment` fills it in.
///
/// | Bytes | Contents                                                                       |
/// |-------|--------------------------------------------------------------------------------|
/// | 0-7   | the valid key (high half, 0 = none), accesses under way (low half)             |
/// | 8-15  | where the first byte is: an address of the owner, or an offset of his segment  |
/// | 16-23 | the address by which work requests name that byte                              |
/// | 24-31 | length in bytes                                                                |
/// | 32-35 | access flags                                                                   |
/// | 36-39 | protection domain                                                              |
/// | 40-43 | generation of the slot as a region or a window of type 1                       |
/// | 44-47 | next free slot + 1                                                             |
/// | 48-51 | kind, a `MemoryKind`                                                           |
/// | 52-55 | QPN that a window of type 2 is bound to, else 0                                |
/// | 56-59 | key of the region that a window is bound to, or was bound to last; else 0      |
/// | 60-63 | generation of the slot as a window of type 2                                   |
///
/// All but the first and the list change only while no key is valid and no access is under way, so whoever has counted
/// himself in and still finds his key may read them. A window is bound as long as its key is valid; binding copies into
/// its entry all that an access needs, so that none looks at the region.
@safe
public struct MemoryEntry {
    // SAFETY: 64 bytes in a mapping that outlives the view.
    @usableFromInline internal let base: UnsafeMutableRawPointer

    @unsafe
    @inlinable @inline(always)
    internal init(at base: UnsafeMutableRawPointer) {
        unsafe self.base = base
    }

    @inlinable @inline(always)
    internal func word32(_ offset: Int) -> SharedUInt32 {
        unsafe SharedUInt32(at: self.base + offset)
    }

    @inlinable @inline(always)
    internal func word64(_ offset: Int) -> SharedUInt64 {
        unsafe SharedUInt64(at: self.base + offset)
    }

    @inlinable @inline(always) public var state: SharedUInt64 { self.word64(0) }
    @inlinable @inline(always) public var position: SharedUInt64 { self.word64(8) }
    @inlinable @inline(always) public var virtualAddress: SharedUInt64 { self.word64(16) }
    @inlinable @inline(always) public var byteCount: SharedUInt64 { self.word64(24) }
    @inlinable @inline(always) public var access: SharedUInt32 { self.word32(32) }
    @inlinable @inline(always) public var domain: SharedUInt32 { self.word32(36) }
    internal var generation: SharedUInt32 { self.word32(40) }
    internal var nextFree: SharedUInt32 { self.word32(44) }
    @inlinable @inline(always) public var kind: SharedUInt32 { self.word32(48) }
    @inlinable @inline(always) public var queuePair: SharedUInt32 { self.word32(52) }
    @inlinable @inline(always) public var regionKey: SharedUInt32 { self.word32(56) }
    internal var windowGeneration: SharedUInt32 { self.word32(60) }
}

// SAFETY: everything in the entry is reached through atomics.
extension MemoryEntry: @unchecked Sendable {}

extension MemoryEntry {
    /// The key that is valid now; 0 for none.
    @inlinable @inline(always)
    public var validKey: UInt32 { UInt32(truncatingIfNeeded: self.state.acquired >> 32) }

    /// Makes a key valid. Added and not stored: a stale key may be counting itself in and out at this moment.
    internal func validate(_ key: UInt32) {
        self.state.add(UInt64(key) << 32)
    }

    /// Makes whatever key is valid invalid, and returns it. Whoever is inside stays there.
    @discardableResult
    internal func invalidate() -> UInt32 {
        UInt32(truncatingIfNeeded: self.state.keep(0xFFFF_FFFF) >> 32)
    }

    /// Makes `key` invalid if it is valid, and says whether it was.
    internal func invalidate(_ key: UInt32) -> Bool {
        var state = self.state.acquired
        while UInt32(truncatingIfNeeded: state >> 32) == key {
            if self.state.replace(state, with: state & 0xFFFF_FFFF) { return true }
            state = self.state.acquired
        }
        return false
    }

    /// Returns once nobody is inside. No key is valid, so nobody comes in for longer than a look.
    internal func waitForAccesses() {
        while self.state.acquired & 0xFFFF_FFFF != 0 { Scheduling.yield() }
    }
}
