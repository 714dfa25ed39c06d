internal import Segment
internal import Transport

// Reading and writing the memory that work requests name. Every access looks its key up anew and keeps the region from
// going away while it copies.

extension QueuePair {
    internal var memory: MemoryTable { self.engine.segment.memory }
    internal var ownMemory: OwnMemory { self.engine.ownMemory }

    /// Who asks when the queue pair uses its own keys.
    internal var localAccessor: MemoryAccessor { .local(domain: self.domain.handle) }
    /// Who asks when the peer uses keys of ours. On an extended connection the domain is that of the queue which the
    /// request names.
    internal var peerAccessor: MemoryAccessor {
        .remote(domain: (self.target?.domain ?? self.domain).handle, queuePair: self.number)
    }

    /// Whether a scatter element may be used so. For checks at posting; the copy itself checks again.
    @inline(always)
    internal func isAccessible(_ element: ScatterElement, access: AccessFlags) -> Bool {
        self.memory.resolve(
            key: element.lKey,
            address: element.address,
            byteCount: UInt64(element.byteCount),
            access: access,
            by: self.localAccessor,
            memo: &self.localKey
        ) != nil
    }

    /// Copies a part of a send request's message to `target`.
    ///
    /// - Returns: false when an element is not accessible.
    @unsafe
    internal func gather(slot: Int, messageOffset: UInt32, byteCount: Int, into target: UnsafeMutableRawPointer) -> Bool
    {
        guard byteCount > 0 else { return true }
        if self.sendQueue[slot].isInline {
            // SAFETY: the slot holds the whole message, and `target` has room for the part.
            unsafe target.copyMemory(from: self.sendQueue.body(of: slot) + Int(messageOffset), byteCount: byteCount)
            return true
        }
        let elements = unsafe UnsafeBufferPointer(
            start: self.sendQueue.elements(of: slot),
            count: Int(self.sendQueue[slot].elementCount)
        )
        var walk = unsafe ElementWalk(elements, offset: UInt64(messageOffset), byteCount: byteCount)
        var done = 0
        while let piece = walk.next() {
            let source = self.memory.beginAccess(
                key: piece.lKey,
                address: piece.address,
                byteCount: UInt64(piece.byteCount),
                access: .localRead,
                by: self.localAccessor
            )
            guard let source else { return false }
            defer { self.memory.endAccess(key: piece.lKey) }
            // SAFETY: the pieces add up to `byteCount`, for which the target has room.
            guard unsafe self.ownMemory.read(source, byteCount: Int(piece.byteCount), into: target + done) else {
                return false
            }
            done += Int(piece.byteCount)
        }
        return done == byteCount
    }

    /// Copies an answer (READ data, or what an atomic found) to the memory of the request that asked for it.
    ///
    /// - Returns: `nil`, or with what status the request failed.
    internal func scatter(_ payload: RawSpan, slot: Int, messageOffset: UInt32) -> CompletionStatus? {
        let elements = unsafe UnsafeBufferPointer(
            start: self.sendQueue.elements(of: slot),
            count: Int(self.sendQueue[slot].elementCount)
        )
        return unsafe self.scatter(payload, to: elements, offset: UInt64(messageOffset), by: self.localAccessor)
    }

    /// - Returns: `nil`; `.localLengthError` when the elements are too short, `.localProtectionError` when one of them is
    ///   not writable.
    @unsafe
    internal func scatter(
        _ payload: RawSpan,
        to elements: UnsafeBufferPointer<ScatterElement>,
        offset: UInt64,
        by accessor: MemoryAccessor
    ) -> CompletionStatus? {
        var walk = unsafe ElementWalk(elements, offset: offset, byteCount: payload.byteCount)
        var done = 0
        while let piece = walk.next() {
            let target = self.memory.beginAccess(
                key: piece.lKey,
                address: piece.address,
                byteCount: UInt64(piece.byteCount),
                access: .localWrite,
                by: accessor
            )
            guard let target else { return .localProtectionError }
            defer { self.memory.endAccess(key: piece.lKey) }
            guard self.ownMemory.write(payload, from: done, byteCount: Int(piece.byteCount), to: target) else {
                return .localProtectionError
            }
            done += Int(piece.byteCount)
        }
        return done == payload.byteCount ? nil : .localLengthError
    }

    /// Copies memory that the peer READs to `target`.
    ///
    /// - Returns: false when the region is gone.
    @unsafe
    internal func load(
        rKey: UInt32,
        address: UInt64,
        byteCount: Int,
        by accessor: MemoryAccessor,
        into target: UnsafeMutableRawPointer
    ) -> Bool {
        guard byteCount > 0 else { return true }
        let source = self.memory.beginAccess(
            key: rKey,
            address: address,
            byteCount: UInt64(byteCount),
            access: .remoteRead,
            by: accessor
        )
        guard let source else { return false }
        defer { self.memory.endAccess(key: rKey) }
        // SAFETY: the caller answers for the target.
        return unsafe self.ownMemory.read(source, byteCount: byteCount, into: target)
    }
}
