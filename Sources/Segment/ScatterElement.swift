/// One piece of registered memory that a work request gathers from or scatters to. The layout is that of `ibv_sge`.
package struct ScatterElement: BitwiseCopyable, Sendable {
    package var address: UInt64
    package var byteCount: UInt32
    package var lKey: UInt32

    package init(address: UInt64, byteCount: UInt32, lKey: UInt32) {
        self.address = address
        self.byteCount = byteCount
        self.lKey = lKey
    }
}
