/// A queue pair number: 24 bits, unique within one device.
package struct QPN: Hashable, Sendable {
    /// Always below 2^24.
    package let rawValue: UInt32

    /// Creates a QPN, or returns `nil` when `rawValue` does not fit in 24 bits.
    @inlinable
    package init?(_ rawValue: UInt32) {
        guard rawValue <= 0x00FF_FFFF else { return nil }
        self.rawValue = rawValue
    }

    /// Creates a QPN from the low 24 bits of `value`.
    @inlinable
    package init(truncating value: UInt32) {
        self.rawValue = value & 0x00FF_FFFF
    }

    /// Where management datagrams go to: the general services interface (IBTA Volume 1, section 13.5).
    @inlinable package static var generalServices: QPN { QPN(truncating: 1) }

    /// The destination of datagrams to a multicast group (IBTA Volume 1, section 3.5.3).
    @inlinable package static var multicast: QPN { QPN(truncating: 0x00FF_FFFF) }
}
