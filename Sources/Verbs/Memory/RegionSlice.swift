internal import CVerbs

/// A range of registered memory, for a work request. It cannot outlive the region that it is a part of.
///
/// - Note: An adapter goes on using the memory after the request was posted: keep the region until its completion has come.
@safe
public struct RegionSlice<Access: LocalAccess>: ~Escapable, Sendable {
    internal let address: UInt64
    /// How many bytes it is long.
    public let byteCount: Int
    internal let lKey: UInt32

    /// The caller ties the slice to the life of what holds `region`.
    @_lifetime(immortal)
    @unsafe
    internal init(_ region: RegionHandle, range: Range<Int>) {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= region.byteCount,
            "the range reaches beyond the region"
        )
        self.address = UInt64(UInt(bitPattern: unsafe region.base)) &+ UInt64(range.lowerBound)
        self.byteCount = range.count
        self.lKey = unsafe region.raw.pointee.lkey
    }

    internal var element: ibv_sge {
        @inline(always) get {
            ibv_sge(addr: self.address, length: UInt32(truncatingIfNeeded: self.byteCount), lkey: self.lKey)
        }
    }
}
