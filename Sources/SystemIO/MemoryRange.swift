/// A range of addresses, of this process or of another one. The layout is that of `struct iovec`; see readv(2).
package struct MemoryRange: BitwiseCopyable, Sendable {
    package var address: UInt
    package var byteCount: Int

    @inline(always)
    package init(address: UInt, byteCount: Int) {
        self.address = address
        self.byteCount = byteCount
    }
}
