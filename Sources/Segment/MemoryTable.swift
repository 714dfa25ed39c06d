/// The memory regions and windows of one process, by key: what another process, or a packet, may touch.
///
/// A view over a segment, in whatever process; making and removing entries is `ProcessSegment`'s. `MemoryEntry` has the
/// layout of an entry.
@safe
public struct MemoryTable {
    // SAFETY: `count` entries in the segment's mapping, which outlives the view.
    @usableFromInline internal let entries: UnsafeMutableRawPointer
    @usableFromInline internal let indexMask: UInt32
    public let cipher: KeyCipher

    @unsafe
    internal init(entries: UnsafeMutableRawPointer, count: Int, cipher: KeyCipher) {
        unsafe self.entries = entries
        self.indexMask = UInt32(count - 1)
        self.cipher = cipher
    }

    @inlinable @inline(always)
    internal func entry(at index: UInt32) -> MemoryEntry {
        // SAFETY: the mask keeps the index inside the table.
        unsafe MemoryEntry(at: self.entries + Int(index & self.indexMask) * SegmentLayout.memoryEntryByteCount)
    }

    @inlinable @inline(always)
    public func entry(forKey key: UInt32) -> MemoryEntry {
        self.entry(at: self.cipher.decrypt(key: key))
    }

    /// The slot that a key names, whether or not the key is valid.
    internal func index(forKey key: UInt32) -> UInt32 {
        self.cipher.decrypt(key: key) & self.indexMask
    }
}

// SAFETY: everything in the table is reached through atomics.
extension MemoryTable: @unchecked Sendable {}

// MARK: - Looking up

extension MemoryTable {
    /// Where the bytes are that a work request names, or `nil` when it may not touch them.
    ///
    /// The answer holds only as long as the caller keeps the region from being deregistered. Who cannot do that uses
    /// `beginAccess`.
    ///
    /// - Parameters:
    ///   - key: As the request brings it; any number is safe.
    ///   - address: In the region's own terms (`iova`).
    ///   - byteCount: May be 0; the address must lie in the region, or at its end, all the same.
    ///   - access: All of these must be allowed; none means local reading.
    ///   - accessor: Who asks.
    @inlinable @inline(always)
    public func resolve(
        key: UInt32,
        address: UInt64,
        byteCount: UInt64,
        access: AccessFlags,
        by accessor: MemoryAccessor
    ) -> MemoryLocation? {
        Self.resolve(self.entry(forKey: key), key, address, byteCount, access, accessor)
    }

    /// As `resolve`, for who keeps a memo of the table.
    @inlinable @inline(always)
    public func resolve(
        key: UInt32,
        address: UInt64,
        byteCount: UInt64,
        access: AccessFlags,
        by accessor: MemoryAccessor,
        memo: inout KeyMemo
    ) -> MemoryLocation? {
        Self.resolve(self.entry(at: memo.index(of: key, self.cipher)), key, address, byteCount, access, accessor)
    }

    @inlinable @inline(always)
    internal static func resolve(
        _ entry: MemoryEntry,
        _ key: UInt32,
        _ address: UInt64,
        _ byteCount: UInt64,
        _ access: AccessFlags,
        _ accessor: MemoryAccessor
    ) -> MemoryLocation? {
        guard key != 0, entry.validKey == key else { return nil }
        let location = Self.locate(entry, address, byteCount, access, accessor)
        // A key is valid once in a generation: that it stands there again now means that it stood there all the time.
        // Not so the key of a window of type 2, which a program may use again; who is not inside must expect that.
        acquireFence()
        guard UInt32(truncatingIfNeeded: entry.state.relaxed >> 32) == key else { return nil }
        return location
    }

    /// Like `resolve`, and keeps the region from going away until `endAccess(key:)`.
    ///
    /// Deregistration waits for whoever is inside: copy, and leave at once.
    @inlinable @inline(always)
    public func beginAccess(
        key: UInt32,
        address: UInt64,
        byteCount: UInt64,
        access: AccessFlags,
        by accessor: MemoryAccessor
    ) -> MemoryLocation? {
        let entry = self.entry(forKey: key)
        // Looking first keeps a wrong key from writing to the table at all.
        guard key != 0, UInt32(truncatingIfNeeded: entry.state.relaxed >> 32) == key else { return nil }
        guard UInt32(truncatingIfNeeded: entry.state.add(1) >> 32) == key,
            let location = Self.locate(entry, address, byteCount, access, accessor)
        else {
            entry.state.subtract(1)
            return nil
        }
        return location
    }

    /// Ends what `beginAccess` with the same key began.
    @inlinable @inline(always)
    public func endAccess(key: UInt32) {
        self.entry(forKey: key).state.subtract(1)
    }

    /// Whether the key is valid now, for whatever use.
    public func isValid(key: UInt32) -> Bool {
        key != 0 && self.entry(forKey: key).validKey == key
    }

    @inlinable @inline(always)
    internal static func locate(
        _ entry: MemoryEntry,
        _ address: UInt64,
        _ byteCount: UInt64,
        _ access: AccessFlags,
        _ accessor: MemoryAccessor
    ) -> MemoryLocation? {
        let offset = address &- entry.virtualAddress.relaxed
        let length = entry.byteCount.relaxed
        // An address below the region gives an offset beyond its end, because a region does not wrap.
        guard offset <= length, byteCount <= length - offset,
            entry.access.relaxed & access.rawValue == access.rawValue,
            entry.domain.relaxed == accessor.domain
        else { return nil }
        let kind = MemoryKind(rawValue: entry.kind.relaxed)
        guard kind.isRegion || Self.serves(entry, kind, accessor), let place = kind.place else { return nil }
        return MemoryLocation(place: place, position: entry.position.relaxed &+ offset)
    }

    /// Whether a window is there for who asks.
    @usableFromInline
    internal static func serves(_ entry: MemoryEntry, _ kind: MemoryKind, _ accessor: MemoryAccessor) -> Bool {
        switch kind.windowType {
        case .type1: accessor.queuePair != 0
        case .type2: accessor.queuePair != 0 && accessor.queuePair == entry.queuePair.relaxed
        case nil: false
        }
    }
}

// MARK: - Invalidating

extension MemoryTable {
    /// Invalidates the key of a window of type 2: a local invalidate, or a SEND with invalidate of the peer, whose
    /// process may call this too. Returns once nobody is inside the window any more.
    ///
    /// - Parameter accessor: `remote` in both cases: the queue pair is the one that the window is bound to.
    /// - Returns: Whether it was the key of a window that is bound to that queue pair; nothing is changed if not.
    public func invalidateWindow(key: UInt32, by accessor: MemoryAccessor) -> Bool {
        let entry = self.entry(forKey: key)
        guard key != 0, entry.validKey == key else { return false }
        // Who is inside may rely on what the entry says: the key might be bound anew at this moment.
        let isFound =
            UInt32(truncatingIfNeeded: entry.state.add(1) >> 32) == key
            && MemoryKind(rawValue: entry.kind.relaxed).windowType == .type2
            && entry.domain.relaxed == accessor.domain && entry.queuePair.relaxed == accessor.queuePair
            && entry.invalidate(key)
        entry.state.subtract(1)
        if isFound { entry.waitForAccesses() }
        return isFound
    }

    /// As `invalidateWindow`, for a process that works on another one's table and has said so there: it counts nowhere,
    /// because nobody would count for it if it died. Its own accesses were before this one, and other peers have none.
    public func invalidateWindowAsInitiator(key: UInt32, by accessor: MemoryAccessor) -> Bool {
        let entry = self.entry(forKey: key)
        return key != 0 && entry.validKey == key
            && MemoryKind(rawValue: entry.kind.relaxed).windowType == .type2
            && entry.domain.relaxed == accessor.domain && entry.queuePair.relaxed == accessor.queuePair
            && entry.invalidate(key)
    }
}
