/// A range of registered memory, for a work request. It cannot outlive the region that it is a part of.
///
/// - Note: An adapter goes on using the memory after the request was posted: keep the region until its completion has come.
public struct RegionSlice<Access: LocalAccess>: ~Escapable, Sendable {
    @usableFromInline internal let address: UInt64
    /// How many bytes it is long.
    public let byteCount: Int
    @usableFromInline internal let lKey: UInt32

    /// The caller ties the slice to the life of what holds `region`.
    @_lifetime(immortal)
    @unsafe
    @inlinable
    internal init(_ region: RawRegion, range: Range<Int>) {
        region.check(range)
        self.address = region.address &+ UInt64(range.lowerBound)
        self.byteCount = range.count
        self.lKey = region.lKey
    }

    @inlinable
    internal var element: RawElement {
        RawElement(address: self.address, byteCount: UInt32(truncatingIfNeeded: self.byteCount), lKey: self.lKey)
    }
}
