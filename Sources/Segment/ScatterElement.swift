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
}
