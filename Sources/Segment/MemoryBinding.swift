/// What a window is bound to: the fields of a bind work request. See ibv_bind_mw(3).
package struct MemoryBinding: Sendable, BitwiseCopyable {
    /// Key of the region.
    package var regionKey: UInt32
    /// First byte, in the terms of the region.
    package var address: UInt64
    package var byteCount: UInt64
    /// Remote rights, and `AccessFlags.zeroBased`.
    package var access: AccessFlags
    /// Handle of the protection domain that the window, the region and the queue pair must be in.
    package var domain: UInt32
    /// QPN of the queue pair whose work request it is.
    package var queuePair: UInt32

    package init(
        regionKey: UInt32,
        address: UInt64,
        byteCount: UInt64,
        access: AccessFlags,
        domain: UInt32,
        queuePair: UInt32
    ) {
        self.regionKey = regionKey
        self.address = address
        self.byteCount = byteCount
        self.access = access
        self.domain = domain
        self.queuePair = queuePair
    }
}
