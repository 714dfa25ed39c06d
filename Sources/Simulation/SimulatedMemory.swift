/// Bytes of a simulated host.
///
/// Contents are *patterns*: an endless sequence of bytes that a number determines. Messages and their places are filled
/// with, and compared to, a pattern from some offset on, so that nothing has to be kept to compare with.
@safe
struct SimulatedMemory: ~Copyable {
    let byteCount: Int
    // SAFETY: `byteCount` initialized bytes from init to deinit, aligned to 8, which never leave this type. Every method
    // checks its range.
    private let bytes: UnsafeMutableRawBufferPointer

    init(byteCount: Int) {
        self.byteCount = byteCount
        // SAFETY: freshly allocated, initialized over the whole length.
        unsafe self.bytes = .allocate(byteCount: max(8, byteCount), alignment: 8)
        unsafe self.bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit {
        // SAFETY: allocated in init.
        unsafe self.bytes.deallocate()
    }

    /// Whether the range lies inside.
    func contains(offset: Int, byteCount: Int) -> Bool {
        offset >= 0 && byteCount >= 0 && offset <= self.byteCount && byteCount <= self.byteCount - offset
    }

    private func check(offset: Int, byteCount: Int) {
        precondition(self.contains(offset: offset, byteCount: byteCount), "outside the simulated memory")
    }

    mutating func copy(_ source: RawSpan, to offset: Int) {
        self.check(offset: offset, byteCount: source.byteCount)
        // SAFETY: in range, checked above; a span is never part of this memory.
        unsafe source.withUnsafeBytes { source in
            let target = unsafe UnsafeMutableRawBufferPointer(rebasing: self.bytes[offset..<(offset + source.count)])
            unsafe target.copyMemory(from: source)
        }
    }

    func copy(offset: Int, byteCount: Int) -> [UInt8] {
        self.check(offset: offset, byteCount: byteCount)
        // SAFETY: in range, checked above.
        return unsafe [UInt8](self.bytes[offset..<(offset + byteCount)])
    }

    func word(at offset: Int) -> UInt64 {
        self.check(offset: offset, byteCount: 8)
        // SAFETY: in range, checked above; every bit pattern is a number.
        return unsafe self.bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }

    mutating func store(_ word: UInt64, at offset: Int) {
        self.check(offset: offset, byteCount: 8)
        // SAFETY: in range, checked above.
        unsafe self.bytes.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
    }

    /// The first offset at which the two differ.
    func firstDifference(from other: borrowing SimulatedMemory) -> Int? {
        precondition(self.byteCount == other.byteCount && self.byteCount & 7 == 0, "not comparable")
        for offset in stride(from: 0, to: self.byteCount, by: 8) where self.word(at: offset) != other.word(at: offset) {
            return offset
        }
        return nil
    }
}

// MARK: - Patterns

extension SimulatedMemory {
    /// Eight bytes of a pattern.
    private static func patternWord(_ pattern: UInt64, index: Int) -> UInt64 {
        SeededGenerator.mix(pattern &+ UInt64(index) &* 0x9E37_79B9_7F4A_7C15)
    }

    /// Fills a range with the pattern from `patternOffset` on, a multiple of 8.
    mutating func fill(pattern: UInt64, patternOffset: Int = 0, at offset: Int, byteCount: Int) {
        self.check(offset: offset, byteCount: byteCount)
        precondition(patternOffset & 7 == 0, "patterns are cut at words")
        var done = 0
        while byteCount - done >= 8 {
            self.store(Self.patternWord(pattern, index: (patternOffset + done) / 8), at: offset + done)
            done += 8
        }
        guard done < byteCount else { return }
        let word = Self.patternWord(pattern, index: (patternOffset + done) / 8)
        for index in 0..<(byteCount - done) {
            // SAFETY: in range, checked above.
            unsafe self.bytes[offset + done + index] = UInt8(truncatingIfNeeded: word >> UInt64(8 * index))
        }
    }

    /// Whether a range holds the pattern from `patternOffset` on, a multiple of 8.
    func matches(pattern: UInt64, patternOffset: Int = 0, at offset: Int, byteCount: Int) -> Bool {
        self.check(offset: offset, byteCount: byteCount)
        precondition(patternOffset & 7 == 0, "patterns are cut at words")
        var done = 0
        while byteCount - done >= 8 {
            let word = Self.patternWord(pattern, index: (patternOffset + done) / 8)
            guard self.word(at: offset + done) == word else { return false }
            done += 8
        }
        guard done < byteCount else { return true }
        let word = Self.patternWord(pattern, index: (patternOffset + done) / 8)
        for index in 0..<(byteCount - done) {
            // SAFETY: in range, checked above.
            let byte = unsafe self.bytes[offset + done + index]
            guard byte == UInt8(truncatingIfNeeded: word >> UInt64(8 * index)) else { return false }
        }
        return true
    }

    /// Part of a message as an array.
    static func patternBytes(_ pattern: UInt64, offset: Int, byteCount: Int) -> [UInt8] {
        var memory = SimulatedMemory(byteCount: byteCount)
        memory.fill(pattern: pattern, patternOffset: offset, at: 0, byteCount: byteCount)
        return memory.copy(offset: 0, byteCount: byteCount)
    }
}
