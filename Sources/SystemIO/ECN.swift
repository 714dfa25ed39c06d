/// The lowest two bits of a TOS field or traffic class: explicit congestion notification (RFC 3168, section 5).
package enum ECN: UInt8, BitwiseCopyable, Sendable {
    /// The sender would not notice a mark: a congested queue drops the packet.
    case notCapable = 0
    /// ECT(1).
    case capable1 = 1
    /// ECT(0): a congested queue may mark the packet.
    case capable = 2
    /// A congested queue marked it.
    case experienced = 3

    @inlinable @inline(always)
    package init(trafficClass: UInt8) {
        self = ECN(rawValue: trafficClass & 3) ?? .notCapable
    }

    /// `trafficClass` with this in the lowest two bits.
    @inlinable @inline(always)
    package func replacing(in trafficClass: UInt8) -> UInt8 { trafficClass & ~3 | self.rawValue }
}
