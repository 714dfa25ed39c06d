internal import Segment
internal import Transport

// Reading and writing the memory that work requests name. Every access looks its key up anew and keeps the region from
// going away while it copies.

extension QueuePair {
    internal var memory: MemoryTable { self.engine.segment.memory }

    /// Whether a scatter element may be used so. For checks at posting; the copy itself checks again.
    internal func isAccessible(_ element: ScatterElement, access: AccessFlags) -> Bool {
        unsafe self.memory.resolve(
            key: element.lKey,
            address: element.address,
            byteCount: UInt64(element.byteCount),
            access: access,
            domain: self.domain.handle
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
            guard
                let source = unsafe self.memory.beginAccess(
                    key: piece.lKey,
                    address: piece.address,
                    byteCount: UInt64(piece.byteCount),
                    access: [],
                    domain: self.domain.handle
                )
            else { return false }
            // SAFETY: the table answers for the source until `endAccess`; the pieces add up to `byteCount`.
            unsafe (target + done).copyMemory(from: source, byteCount: Int(piece.byteCount))
            self.memory.endAccess(key: piece.lKey)
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
        return unsafe self.scatter(payload, to: elements, offset: UInt64(messageOffset), domain: self.domain.handle)
    }

    /// - Returns: `nil`; `.localLengthError` when the elements are too short, `.localProtectionError` when one of them is
    ///   not writable.
    @unsafe
    internal func scatter(
        _ payload: RawSpan,
        to elements: UnsafeBufferPointer<ScatterElement>,
        offset: UInt64,
        domain: UInt32
    ) -> CompletionStatus? {
        var walk = unsafe ElementWalk(elements, offset: offset, byteCount: payload.byteCount)
        var done = 0
        while let piece = walk.next() {
            guard
                let target = unsafe self.memory.beginAccess(
                    key: piece.lKey,
                    address: piece.address,
                    byteCount: UInt64(piece.byteCount),
                    access: .localWrite,
                    domain: domain
                )
            else { return .localProtectionError }
            // SAFETY: the table answers for the target until `endAccess`.
            unsafe payload.copy(from: done, byteCount: Int(piece.byteCount), to: target)
            self.memory.endAccess(key: piece.lKey)
            done += Int(piece.byteCount)
        }
        return done == payload.byteCount ? nil : .localLengthError
    }

    /// Copies memory that the peer READs to `target`.
    ///
    /// - Returns: false when the region is gone.
    @unsafe
    internal func load(rKey: UInt32, address: UInt64, byteCount: Int, into target: UnsafeMutableRawPointer) -> Bool {
        guard byteCount > 0 else { return true }
        guard
            let source = unsafe self.memory.beginAccess(
                key: rKey,
                address: address,
                byteCount: UInt64(byteCount),
                access: .remoteRead,
                domain: self.domain.handle
            )
        else { return false }
        // SAFETY: the table answers for the source until `endAccess`, the caller for the target.
        unsafe target.copyMemory(from: source, byteCount: byteCount)
        self.memory.endAccess(key: rKey)
        return true
    }
}

extension RawSpan {
    /// Copies a part of the span out of it.
    ///
    /// - Precondition: The part lies in the span. `target` has room for it.
    @unsafe
    internal func copy(from offset: Int, byteCount: Int, to target: UnsafeMutableRawPointer) {
        guard byteCount > 0 else { return }
        // SAFETY: `extracting` checks the bounds; the caller answers for the target.
        unsafe self.extracting(offset..<offset + byteCount).withUnsafeBytes { bytes in
            unsafe UnsafeMutableRawBufferPointer(start: target, count: byteCount).copyMemory(from: bytes)
        }
    }
}
