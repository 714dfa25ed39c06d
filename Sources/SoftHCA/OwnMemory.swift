internal import Segment
internal import SystemIO
internal import Transport

/// The bytes behind locations of this process's memory table: copies out of them and into them.
///
/// The caller has counted himself in, so the region stays registered. Whether the program left its memory mapped is
/// another matter: bytes that are not there are refused.
@safe
internal struct OwnMemory {
    // SAFETY: the segment's mapping, which lives as long as the process.
    private let segmentBase: UnsafeMutableRawPointer

    init(_ segment: ProcessSegment) {
        unsafe self.segmentBase = segment.mapping.base
    }

    private func pointer(_ location: MemoryLocation) -> UnsafeMutableRawPointer? {
        switch location.place {
        case .process: unsafe UnsafeMutableRawPointer(bitPattern: UInt(location.position))
        case .segment: unsafe self.segmentBase + Int(location.position)
        case .nowhere: nil
        }
    }

    /// - Returns: Whether the bytes were there.
    @unsafe
    @inline(always)
    func read(_ location: MemoryLocation, byteCount: Int, into target: UnsafeMutableRawPointer) -> Bool {
        guard !location.place.isNowhere else {
            unsafe target.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
            return true
        }
        guard let source = unsafe self.pointer(location) else { return byteCount == 0 }
        // SAFETY: the caller answers for the target.
        return unsafe FaultGuard.copy(byteCount, from: source, to: target)
    }

    /// Writes a part of `payload`.
    ///
    /// - Precondition: The part lies in the payload.
    /// - Returns: Whether the bytes were there. If not, some may have been written.
    @inline(always)
    func write(_ payload: RawSpan, from offset: Int, byteCount: Int, to location: MemoryLocation) -> Bool {
        guard byteCount > 0 else { return true }
        // SAFETY: `extracting` checks the bounds.
        return unsafe payload.extracting(offset..<offset + byteCount).withUnsafeBytes { bytes in
            guard let source = bytes.baseAddress else { return false }
            return unsafe self.write(source, byteCount: byteCount, to: location)
        }
    }

    /// Writes `byteCount` bytes.
    ///
    /// - Returns: As above.
    @unsafe
    @inline(always)
    func write(_ source: UnsafeRawPointer, byteCount: Int, to location: MemoryLocation) -> Bool {
        guard !location.place.isNowhere else { return true }
        guard let target = unsafe self.pointer(location) else { return false }
        // An ATOMIC WRITE is seen whole (IBTA Volume 1, Annex A19): eight bytes are copied as one word.
        // SAFETY: the caller answers for the source, and the table for the target.
        return unsafe FaultGuard.copy(byteCount, from: source, to: target)
    }

    /// Executes an atomic operation on 8 bytes.
    ///
    /// - Returns: What stood there before; `nil` when nothing is there, or the bytes are not aligned: a region may begin
    ///   anywhere, so an address that is aligned in its terms need not be so in memory.
    func atomic(_ operation: AtomicOperation, compareOrAdd: UInt64, swap: UInt64, at location: MemoryLocation)
        -> UInt64?
    {
        guard let word = unsafe self.pointer(location), Int(bitPattern: word) % 8 == 0 else { return nil }
        // SAFETY: eight aligned bytes that the table answers for.
        return switch operation {
        case .compareAndSwap: unsafe FaultGuard.compareExchange(word, expected: compareOrAdd, desired: swap)
        case .fetchAndAdd: unsafe FaultGuard.fetchAdd(word, compareOrAdd)
        }
    }
}
