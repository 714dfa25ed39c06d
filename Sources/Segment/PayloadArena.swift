internal import SystemIO

/// A ring of bytes in the segment through which the payloads of SENDs to one queue pair travel that are too long for the
/// completion entry and too short to be worth a system call.
///
/// A view over the ring and two indices in the queue pair's entry, which only grow. Writers put a message in under the
/// producers' lock of the queue pair's completion ring, so messages lie in the order of their completions; the poller gives
/// the room back as it takes these. A message is in one piece: its scatter elements, then its bytes. When there is no room
/// the message takes another way; nobody ever waits.
@safe
public struct PayloadArena {
    // SAFETY: `byteCount` bytes, a power of two, in a mapping that outlives the view.
    @usableFromInline internal let bytes: UnsafeMutableRawPointer
    @usableFromInline internal let byteCount: Int
    @usableFromInline internal let entry: QueuePairEntry

    /// Room for each queue pair, in bytes.
    public static var byteCountDefault: Int { 64 << 10 }

    @unsafe
    internal init(bytes: UnsafeMutableRawPointer, byteCount: Int, entry: QueuePairEntry) {
        unsafe self.bytes = bytes
        self.byteCount = byteCount
        self.entry = entry
    }

    @inlinable @inline(always)
    internal static func size(elementCount: Int, payloadByteCount: Int) -> Int {
        // Whole cache lines, so that writer and reader do not share one.
        (elementCount * MemoryLayout<ScatterElement>.stride + payloadByteCount + 63) & ~63
    }

    /// Puts a message in. The caller holds the lock of the completion ring.
    ///
    /// - Parameter gather: Writes the payload; `false` when that cannot be read.
    /// - Returns: Its position, or `nil` when there is no room, or nothing to gather.
    @unsafe
    public func append(
        _ elements: UnsafeBufferPointer<ScatterElement>,
        payloadByteCount: Int,
        gather: (UnsafeMutableRawPointer) -> Bool
    ) -> UInt64? {
        let size = Self.size(elementCount: elements.count, payloadByteCount: payloadByteCount)
        guard size <= self.byteCount else { return nil }
        var start = self.entry.arenaHead.relaxed
        let place = Int(start & UInt64(self.byteCount - 1))
        if place + size > self.byteCount { start &+= UInt64(self.byteCount - place) }
        let end = start &+ UInt64(size)
        guard self.hasRoom(until: end) else { return nil }
        // SAFETY: the message lies inside the ring in one piece, and nobody reads there before its completion is written.
        let target = unsafe self.bytes + Int(start & UInt64(self.byteCount - 1))
        let elementsByteCount = elements.count * MemoryLayout<ScatterElement>.stride
        if let first = elements.baseAddress {
            unsafe target.copyMemory(from: first, byteCount: elementsByteCount)
        }
        guard unsafe gather(target + elementsByteCount) else { return nil }
        self.entry.arenaHead.storeRelaxed(end)
        self.prefetch(from: end)
        return start
    }

    /// Asks for the lines of the next message: their last reader is another core, and who writes them would have to wait.
    private func prefetch(from position: UInt64) {
        for line in 0..<Self.linesAhead {
            let place = Int((position &+ UInt64(line * 64)) & UInt64(self.byteCount - 1))
            unsafe Prefetch.toWrite(self.bytes + place)
        }
    }

    private static var linesAhead: Int { 2 }

    @inlinable @inline(always)
    internal func hasRoom(until end: UInt64) -> Bool {
        if end &- self.entry.arenaKnownTail.relaxed <= UInt64(self.byteCount) { return true }
        // Acquired: the poller has read the message before it gave the room back.
        let tail = self.entry.arenaTail.acquired
        self.entry.arenaKnownTail.storeRelaxed(tail)
        return end &- tail <= UInt64(self.byteCount)
    }

    /// Gives the message at `position` to `body`, its elements and its bytes, and then its room back.
    @unsafe
    public func take(
        at position: UInt64,
        elementCount: Int,
        payloadByteCount: Int,
        _ body: (UnsafeBufferPointer<ScatterElement>, UnsafeRawPointer) -> Void
    ) {
        guard elementCount <= 1 << 10, payloadByteCount <= self.byteCount else { return }
        let size = Self.size(elementCount: elementCount, payloadByteCount: payloadByteCount)
        let place = Int(position & UInt64(self.byteCount - 1))
        guard size <= self.byteCount - place else { return }
        // SAFETY: checked above: the message lies inside the ring.
        let source = unsafe self.bytes + place
        let elements = unsafe UnsafeBufferPointer(
            start: UnsafePointer(source.assumingMemoryBound(to: ScatterElement.self)),
            count: elementCount
        )
        unsafe body(elements, UnsafeRawPointer(source) + elementCount * MemoryLayout<ScatterElement>.stride)
        // Partner of the acquiring load in `hasRoom`.
        self.entry.arenaTail.storeReleasing(position &+ UInt64(size))
    }
}
