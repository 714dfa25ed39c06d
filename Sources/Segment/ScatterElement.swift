/// One piece of registered memory that a work request gathers from or scatters to. The layout is that of `ibv_sge`.
public struct ScatterElement: BitwiseCopyable, Sendable {
    public var address: UInt64
    public var byteCount: UInt32
    public var lKey: UInt32

    @inlinable @inline(always)
    public init(address: UInt64, byteCount: UInt32, lKey: UInt32) {
        self.address = address
        self.byteCount = byteCount
        self.lKey = lKey
    }

    /// The second of the two words that an element is.
    @inlinable @inline(always) internal var lengthAndKey: UInt64 { UInt64(self.byteCount) | UInt64(self.lKey) << 32 }

    /// An element from its two words.
    @inlinable @inline(always)
    internal init(_ address: UInt64, lengthAndKey: UInt64) {
        self.address = address
        self.byteCount = UInt32(truncatingIfNeeded: lengthAndKey)
        self.lKey = UInt32(truncatingIfNeeded: lengthAndKey >> 32)
    }
}
