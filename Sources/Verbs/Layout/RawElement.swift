/// A piece of registered memory, laid out as `ibv_sge`.
@usableFromInline
internal struct RawElement: BitwiseCopyable, Sendable {
    @usableFromInline internal var address: UInt64
    @usableFromInline internal var byteCount: UInt32
    @usableFromInline internal var lKey: UInt32

    @inlinable
    internal init(address: UInt64 = 0, byteCount: UInt32 = 0, lKey: UInt32 = 0) {
        self.address = address
        self.byteCount = byteCount
        self.lKey = lKey
    }
}
