/// Who works on a segment, in a number that is never 0: the owner, or a process that attached itself, of which the number means one
/// attachment and no later one.
public struct SegmentHolder: Hashable, Sendable, BitwiseCopyable {
    @usableFromInline internal let rawValue: UInt32

    /// The process whose segment it is.
    internal static var owner: SegmentHolder { SegmentHolder(rawValue: 1) }

    internal init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// - Parameters:
    ///   - block: Of QPNs, below `SegmentLayout.initiatorCount`.
    ///   - attachment: How often a process with this block has attached itself; the count begins anew after a million times.
    internal init(block: UInt32, attachment: UInt32) {
        self.rawValue = 2 + (attachment % Self.attachmentCount) * UInt32(SegmentLayout.initiatorCount) + block
    }

    private static var attachmentCount: UInt32 { 1 << 20 }

    internal var block: UInt32 { (self.rawValue - 2) % UInt32(SegmentLayout.initiatorCount) }
}
