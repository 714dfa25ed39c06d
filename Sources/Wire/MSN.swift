/// A message sequence number: a 24-bit counter that wraps, of the requests that a responder has completed.
///
/// Specified in IBTA Volume 1, section 9.7.7.1. Like `PSN` it is ordered on a half-window only.
package struct MSN: Hashable, Sendable {
    /// Always below 2^24.
    package let rawValue: UInt32

    /// Creates an MSN from the low 24 bits of `value`.
    @inlinable
    package init(truncating value: UInt32) {
        self.rawValue = value & 0x00FF_FFFF
    }

    /// The MSN `count` messages after this one.
    @inlinable
    package func advanced(by count: UInt32) -> MSN {
        MSN(truncating: self.rawValue &+ count)
    }

    /// Signed number of messages from this MSN to `other`, in `-2^23 ..< 2^23`.
    @inlinable
    package func distance(to other: MSN) -> Int32 {
        Int32(bitPattern: (other.rawValue &- self.rawValue) << 8) >> 8
    }
}
