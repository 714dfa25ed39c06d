/// A range of addresses, of this process or of another one. The layout is that of `struct iovec`; see readv(2).
public struct MemoryRange: BitwiseCopyable, Sendable {
    public var address: UInt
    public var byteCount: Int

    @inlinable @inline(always)
    public init(address: UInt, byteCount: Int) {
        self.address = address
        self.byteCount = byteCount
    }
}
