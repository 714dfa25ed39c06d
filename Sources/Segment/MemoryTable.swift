/// The memory regions of one process, by key: what another process, or a packet, may touch.
///
/// A view over a segment; making and removing entries is `ProcessSegment`'s. An entry is 64 bytes:
///
/// | Bytes | Contents                                                         |
/// |-------|------------------------------------------------------------------|
/// | 0-7   | the valid key (high half, 0 = none), accesses under way (low half) |
/// | 8-15  | address of the first byte in the owner's address space           |
/// | 16-23 | the address by which work requests name that byte                |
/// | 24-31 | length in bytes                                                  |
/// | 32-35 | access flags                                                     |
/// | 36-39 | protection domain                                                |
/// | 40-43 | generation of the slot                                           |
/// | 44-47 | next free slot + 1                                               |
///
/// The fields change only while no key is valid and no access is under way, so whoever has counted himself in and
/// still finds his key may read them.
@safe
package struct MemoryTable {
    // SAFETY: `count` entries in the segment's mapping, which outlives the view.
    private let entries: UnsafeMutableRawPointer
    private let indexMask: UInt32
    package let cipher: KeyCipher

    @unsafe
    internal init(entries: UnsafeMutableRawPointer, count: Int, cipher: KeyCipher) {
        unsafe self.entries = entries
        self.indexMask = UInt32(count - 1)
        self.cipher = cipher
    }

    internal struct Entry: Sendable {
        let state: SharedUInt64
        let address: SharedUInt64
        let virtualAddress: SharedUInt64
        let byteCount: SharedUInt64
        let access: SharedUInt32
        let domain: SharedUInt32
        let generation: SharedUInt32
        let nextFree: SharedUInt32

        @unsafe
        @inline(always)
        init(at base: UnsafeMutableRawPointer) {
            unsafe self.state = SharedUInt64(at: base)
            unsafe self.address = SharedUInt64(at: base + 8)
            unsafe self.virtualAddress = SharedUInt64(at: base + 16)
            unsafe self.byteCount = SharedUInt64(at: base + 24)
            unsafe self.access = SharedUInt32(at: base + 32)
            unsafe self.domain = SharedUInt32(at: base + 36)
            unsafe self.generation = SharedUInt32(at: base + 40)
            unsafe self.nextFree = SharedUInt32(at: base + 44)
        }
    }

    @inline(always)
    internal func entry(at index: UInt32) -> Entry {
        // SAFETY: the mask keeps the index inside the table.
        unsafe Entry(at: self.entries + Int(index & self.indexMask) * SegmentLayout.memoryEntryByteCount)
    }

    @inline(always)
    internal func entry(forKey key: UInt32) -> Entry {
        self.entry(at: self.cipher.decrypt(key))
    }

    /// The slot that a key names, whether or not the key is valid.
    internal func index(forKey key: UInt32) -> UInt32 {
        self.cipher.decrypt(key) & self.indexMask
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
    ///   - domain: Handle of the protection domain of who asks.
    @inline(always)
    package func resolve(
        key: UInt32,
        address: UInt64,
        byteCount: UInt64,
        access: AccessFlags,
        domain: UInt32
    ) -> UnsafeMutableRawPointer? {
        let entry = self.entry(forKey: key)
        guard key != 0, UInt32(truncatingIfNeeded: entry.state.acquired >> 32) == key else { return nil }
        let pointer = unsafe self.locate(entry, address, byteCount, access, domain)
        // A key is valid once in a generation: that it stands there again now means that it stood there all the time.
        acquireFence()
        guard UInt32(truncatingIfNeeded: entry.state.relaxed >> 32) == key else { return nil }
        return unsafe pointer
    }

    /// Like `resolve`, and keeps the region from going away until `endAccess(key:)`.
    ///
    /// Deregistration waits for whoever is inside: copy, and leave at once.
    @inline(always)
    package func beginAccess(
        key: UInt32,
        address: UInt64,
        byteCount: UInt64,
        access: AccessFlags,
        domain: UInt32
    ) -> UnsafeMutableRawPointer? {
        let entry = self.entry(forKey: key)
        // Looking first keeps a wrong key from writing to the table at all.
        guard key != 0, UInt32(truncatingIfNeeded: entry.state.relaxed >> 32) == key else { return nil }
        guard UInt32(truncatingIfNeeded: entry.state.add(1) >> 32) == key,
            let pointer = unsafe self.locate(entry, address, byteCount, access, domain)
        else {
            entry.state.subtract(1)
            return nil
        }
        return unsafe pointer
    }

    /// Ends what `beginAccess` with the same key began.
    @inline(always)
    package func endAccess(key: UInt32) {
        self.entry(forKey: key).state.subtract(1)
    }

    /// Whether the key is valid now, for whatever use.
    package func isValid(key: UInt32) -> Bool {
        key != 0 && UInt32(truncatingIfNeeded: self.entry(forKey: key).state.acquired >> 32) == key
    }

    @inline(always)
    private func locate(
        _ entry: Entry,
        _ address: UInt64,
        _ byteCount: UInt64,
        _ access: AccessFlags,
        _ domain: UInt32
    ) -> UnsafeMutableRawPointer? {
        let offset = address &- entry.virtualAddress.relaxed
        let length = entry.byteCount.relaxed
        // An address below the region gives an offset beyond its end, because a region does not wrap.
        guard offset <= length, byteCount <= length - offset,
            entry.access.relaxed & access.rawValue == access.rawValue,
            entry.domain.relaxed == domain
        else { return nil }
        return unsafe UnsafeMutableRawPointer(bitPattern: UInt(entry.address.relaxed &+ offset))
    }
}
