/// Tells whether a range was asked about before, not long ago. It may say so wrongly, seldom, and forgets as it likes.
@safe
internal struct SeenRanges: ~Copyable {
    private static var capacity: Int { 256 }

    // SAFETY: `capacity` initialised words, from `init` until `deinit`. Each is a mixture of both bounds of a range; seven bits
    // of it say in which pair of words it is, the later one first.
    private let tags: UnsafeMutablePointer<UInt>

    internal init() {
        unsafe self.tags = .allocate(capacity: Self.capacity)
        unsafe self.tags.initialize(repeating: 0, count: Self.capacity)
    }

    deinit {
        unsafe self.tags.deallocate()
    }

    /// Whether `range` was seen before; it is seen from now on.
    internal mutating func isSeenAgain(_ range: PageRange) -> Bool {
        let mixed = (range.lowerBound ^ range.upperBound &* 0x9E37_79B9_7F4A_7C15) &* 0xD6E8_FEB8_6659_FD93
        let pair = unsafe self.tags + Int(mixed >> 57) * 2
        if unsafe pair[0] == mixed || pair[1] == mixed { return true }
        unsafe pair[1] = pair[0]
        unsafe pair[0] = mixed
        return false
    }
}
