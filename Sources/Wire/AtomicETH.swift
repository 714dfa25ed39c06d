/// The Atomic Extended Transport Header: the operands of CmpSwap and FetchAdd.
///
/// Specified in IBTA Volume 1, section 9.3.4.
///
/// | Bytes | Contents            |
/// |-------|---------------------|
/// | 0-7   | Virtual address     |
/// | 8-11  | R_Key               |
/// | 12-19 | Swap (or add) data  |
/// | 20-27 | Compare data        |
package struct AtomicETH: Hashable, Sendable {
    package var virtualAddress: UInt64
    package var rKey: UInt32
    /// What CmpSwap stores, or what FetchAdd adds.
    package var swapOrAdd: UInt64
    /// What CmpSwap expects; FetchAdd has no use for it.
    package var compare: UInt64

    package init(virtualAddress: UInt64 = 0, rKey: UInt32 = 0, swapOrAdd: UInt64 = 0, compare: UInt64 = 0) {
        self.virtualAddress = virtualAddress
        self.rKey = rKey
        self.swapOrAdd = swapOrAdd
        self.compare = compare
    }
}

// MARK: - Codec

extension AtomicETH {
    /// Encoded size in bytes.
    package static var byteCount: Int { 28 }

    private enum Offset {
        static var virtualAddress: Int { 0 }
        static var rKey: Int { 8 }
        static var swapOrAdd: Int { 12 }
        static var compare: Int { 20 }
    }

    /// Parses the header that begins at `offset`.
    package init(parsing bytes: RawSpan, at offset: Int = 0) throws(WireError) {
        try bytes.checkRoom(for: Self.byteCount, at: offset)
        self.virtualAddress = bytes.bigEndian(at: offset + Offset.virtualAddress)
        self.rKey = bytes.bigEndian(at: offset + Offset.rKey)
        self.swapOrAdd = bytes.bigEndian(at: offset + Offset.swapOrAdd)
        self.compare = bytes.bigEndian(at: offset + Offset.compare)
    }

    /// Writes the header at `offset`.
    ///
    /// - Precondition: `bytes` holds `byteCount` bytes from `offset` on.
    package func encode(into bytes: inout MutableRawSpan, at offset: Int = 0) {
        precondition(bytes.byteCount - offset >= Self.byteCount, "no room for an AtomicETH")
        bytes.store(bigEndian: self.virtualAddress, at: offset + Offset.virtualAddress)
        bytes.store(bigEndian: self.rKey, at: offset + Offset.rKey)
        bytes.store(bigEndian: self.swapOrAdd, at: offset + Offset.swapOrAdd)
        bytes.store(bigEndian: self.compare, at: offset + Offset.compare)
    }
}
