internal import Segment
internal import Synchronization
internal import SystemIO
internal import Transport

/// The bytes behind locations of this process's memory table: copies out of them and into them.
///
/// The caller has counted himself in, so the region stays registered; whether the program left its memory mapped is
/// another matter.
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
        // SAFETY: the table answers for the source, the caller for the target.
        unsafe target.copyMemory(from: source, byteCount: byteCount)
        return true
    }

    /// Writes a part of `payload`.
    ///
    /// - Returns: Whether the bytes were there.
    @inline(always)
    func write(_ payload: RawSpan, from offset: Int, byteCount: Int, to location: MemoryLocation) -> Bool {
        guard !location.place.isNowhere else { return true }
        guard let target = unsafe self.pointer(location) else { return byteCount == 0 }
        // SAFETY: the table answers for the target.
        if byteCount == 8, Int(bitPattern: target) % 8 == 0 {
            // An ATOMIC WRITE is seen whole or not at all (IBTA Volume 1, Annex A19); any other write may be, too.
            let word = unsafe target.assumingMemoryBound(to: Atomic<UInt64>.self)
            unsafe word.pointee.store(
                payload.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self),
                ordering: .releasing
            )
        } else {
            unsafe payload.copy(from: offset, byteCount: byteCount, to: target)
        }
        return true
    }

    /// Executes an atomic operation on 8 bytes.
    ///
    /// - Returns: What stood there before; `nil` when nothing is there, or the bytes are not aligned: a region may begin
    ///   anywhere, so an address that is aligned in its terms need not be so in memory.
    func atomic(_ operation: AtomicOperation, compareOrAdd: UInt64, swap: UInt64, at location: MemoryLocation)
        -> UInt64?
    {
        guard let target = unsafe self.pointer(location), Int(bitPattern: target) % 8 == 0 else { return nil }
        // SAFETY: eight aligned bytes that the table answers for.
        let word = unsafe target.assumingMemoryBound(to: Atomic<UInt64>.self)
        switch operation {
        case .compareAndSwap:
            return unsafe word.pointee.compareExchange(
                expected: compareOrAdd,
                desired: swap,
                ordering: .sequentiallyConsistent
            ).original
        case .fetchAndAdd:
            return unsafe word.pointee.wrappingAdd(compareOrAdd, ordering: .sequentiallyConsistent).oldValue
        }
    }
}
