/// A view of the first page of a segment: what it is, whose, and how large its parts are.
///
/// | Bytes   | Contents                                              |
/// |---------|-------------------------------------------------------|
/// | 0-7     | magic, written last                                   |
/// | 8-11    | version of the layout                                 |
/// | 12-15   | process id of the owner                               |
/// | 16-23   | byte count of the segment                             |
/// | 24-27   | entries of the memory table                           |
/// | 28-31   | entries of the completion table                       |
/// | 32-35   | entries of the receive table                          |
/// | 40-55   | secret of the keys                                    |
/// | 256-767 | counters, 8 bytes each, in the order of `SegmentCounter` |
@safe
package struct SegmentHeader {
    // SAFETY: the first page of a mapping that outlives the view.
    private let base: UnsafeMutableRawPointer

    /// "VERBENA" and a zero, as a little-endian number.
    package static var magic: UInt64 { 0x0041_4E45_4252_4556 }
    /// Raised with every change of the layout: processes of different versions do not touch each other's segments.
    package static var version: UInt32 { 2 }

    @unsafe
    internal init(at base: UnsafeMutableRawPointer) {
        unsafe self.base = base
    }

    @inline(always)
    private func word32(_ offset: Int) -> SharedUInt32 {
        unsafe SharedUInt32(at: self.base + offset)
    }

    @inline(always)
    private func word64(_ offset: Int) -> SharedUInt64 {
        unsafe SharedUInt64(at: self.base + offset)
    }

    /// Fills the header in. Whoever sees the magic sees everything else too.
    internal func initialize(_ layout: SegmentLayout, processID: UInt32, secret: (UInt64, UInt64)) {
        self.word32(8).storeRelaxed(Self.version)
        self.word32(12).storeRelaxed(processID)
        self.word64(16).storeRelaxed(UInt64(layout.byteCount))
        self.word32(24).storeRelaxed(UInt32(layout.memoryCount))
        self.word32(28).storeRelaxed(UInt32(layout.completionCount))
        self.word32(32).storeRelaxed(UInt32(layout.receiveCount))
        self.word64(40).storeRelaxed(secret.0)
        self.word64(48).storeRelaxed(secret.1)
        self.word64(0).storeReleasing(Self.magic)
    }

    /// Whether this is a complete segment of the version that we understand.
    package var isSound: Bool { self.word64(0).acquired == Self.magic && self.word32(8).relaxed == Self.version }
    package var processID: UInt32 { self.word32(12).relaxed }
    package var byteCount: UInt64 { self.word64(16).relaxed }
    package var memoryCount: UInt32 { self.word32(24).relaxed }
    package var completionCount: UInt32 { self.word32(28).relaxed }
    package var receiveCount: UInt32 { self.word32(32).relaxed }
    internal var secret: (UInt64, UInt64) { (self.word64(40).relaxed, self.word64(48).relaxed) }

    /// A statistic that only grows.
    @inline(always)
    package func counter(_ counter: SegmentCounter) -> SharedUInt64 {
        self.word64(256 + counter.rawValue * 8)
    }
}

// SAFETY: everything in the header is reached through atomics.
extension SegmentHeader: @unchecked Sendable {}
