/// Bytes of which there is always the same number, such as the private data of a message: a value without allocation.
package struct FixedBytes<let byteCount: Int>: Sendable {
    private var storage: InlineArray<byteCount, UInt8>

    /// Creates zeros.
    package init() {
        self.storage = InlineArray(repeating: 0)
    }

    /// Creates `bytes`, and zeros behind them.
    ///
    /// - Precondition: there are at most `byteCount` bytes.
    package init(_ bytes: RawSpan) {
        self.init()
        self.replace(at: 0, with: bytes)
    }
}

extension FixedBytes {
    /// All of them.
    package var bytes: RawSpan {
        @_lifetime(borrow self)
        // SAFETY: every byte of the array is initialised.
        get { unsafe self.storage.span.bytes }
    }

    /// Puts `bytes` in the place of those from `offset` on.
    ///
    /// - Precondition: they fit.
    package mutating func replace(at offset: Int, with bytes: RawSpan) {
        precondition(offset >= 0 && bytes.byteCount <= byteCount - offset, "more bytes than the field holds")
        for index in 0..<bytes.byteCount { self.storage[offset + index] = bytes.bigEndian(at: index) }
    }
}

extension FixedBytes: Hashable {
    package static func == (left: FixedBytes, right: FixedBytes) -> Bool {
        for index in 0..<byteCount where left.storage[index] != right.storage[index] { return false }
        return true
    }

    package func hash(into hasher: inout Hasher) {
        for index in 0..<byteCount { hasher.combine(self.storage[index]) }
    }
}

// MARK: - Codec

extension FixedBytes {
    /// Takes the bytes at `offset`, whose room was checked.
    init(_ bytes: RawSpan, at offset: Int) {
        self.init(bytes.extracting(offset..<offset + byteCount))
    }

    func encode(into bytes: inout MutableRawSpan, at offset: Int) {
        for index in 0..<byteCount { bytes.store(bigEndian: self.storage[index], at: offset + index) }
    }
}
