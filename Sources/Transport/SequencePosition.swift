import Wire

/// A place in the endless sequence of packets of a connection, whose low 24 bits are the PSN.
///
/// Inside the state machines it replaces the PSN, because it never wraps: half a million years at a packet each
/// microsecond. Packets bring PSNs, which `first(_:)` and `nearest(_:)` put into their place.
struct SequencePosition: BitwiseCopyable, Comparable, Sendable {
    private let rawValue: UInt64

    private init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The place where a connection begins. There is room for a whole window before it.
    init(startingAt psn: PSN) {
        self.rawValue = UInt64(psn.rawValue) + 1 << 24
    }

    var psn: PSN { PSN(truncating: UInt32(truncatingIfNeeded: self.rawValue)) }

    func advanced(by count: UInt32) -> SequencePosition {
        SequencePosition(rawValue: self.rawValue + UInt64(count))
    }

    /// The position just before this one.
    var predecessor: SequencePosition { SequencePosition(rawValue: self.rawValue - 1) }

    /// Number of packets from `start` to here.
    ///
    /// - Precondition: `start` is not behind this position, and not 2^32 packets or more before it.
    func count(since start: SequencePosition) -> UInt32 {
        UInt32(self.rawValue - start.rawValue)
    }

    /// The first position from here on that has this PSN.
    func first(_ psn: PSN) -> SequencePosition {
        SequencePosition(rawValue: self.rawValue + UInt64((psn.rawValue &- self.psn.rawValue) & 0x00FF_FFFF))
    }

    /// The position with this PSN that is nearest to here: at most 2^23 before, less than 2^23 behind.
    func nearest(_ psn: PSN) -> SequencePosition {
        SequencePosition(rawValue: self.rawValue &+ UInt64(bitPattern: Int64(self.psn.distance(to: psn))))
    }

    static func < (left: SequencePosition, right: SequencePosition) -> Bool {
        left.rawValue < right.rawValue
    }
}
