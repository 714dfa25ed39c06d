/// A packet sequence number: a 24-bit counter that wraps.
///
/// Order is defined on a half-window, so two PSNs compare only relative to each other.
/// `PSN` is therefore not `Comparable`; use ``distance(to:)``.
package struct PSN: Hashable, Sendable {
    /// Always below 2^24.
    package let rawValue: UInt32

    /// Creates a PSN from the low 24 bits of `value`.
    @inlinable
    package init(truncating value: UInt32) {
        self.rawValue = value & 0x00FF_FFFF
    }

    /// The PSN `count` packets after this one.
    @inlinable
    package func advanced(by count: UInt32) -> PSN {
        PSN(truncating: self.rawValue &+ count)
    }

    /// Signed number of packets from this PSN to `other`, in `-2^23 ..< 2^23`.
    @inlinable
    package func distance(to other: PSN) -> Int32 {
        // Move the 24-bit difference to the top of the word, then let the
        // arithmetic shift extend its sign.
        Int32(bitPattern: (other.rawValue &- self.rawValue) << 8) >> 8
    }
}
