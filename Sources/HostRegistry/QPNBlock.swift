package import Wire

/// 16,384 queue pair numbers with the same upper ten bits, which belong to one process.
///
/// Block 0 holds the numbers with a meaning of their own (0 and 1) and belongs to nobody.
package struct QPNBlock: Hashable, Sendable {
    /// From 1 to 1023.
    package let rawValue: UInt32

    /// The block, or `nil` when `rawValue` is 0 or needs more than ten bits.
    package init?(_ rawValue: UInt32) {
        guard rawValue >= 1, rawValue <= Self.countMax else { return nil }
        self.rawValue = rawValue
    }

    /// The block that `qpn` lies in, or `nil` for block 0.
    package init?(containing qpn: QPN) {
        self.init(qpn.rawValue >> UInt32(Self.numberBitCount))
    }

    /// Every block.
    package static var all: some Sequence<QPNBlock> { (1...Self.countMax).lazy.compactMap { QPNBlock($0) } }

    /// How many blocks there are.
    package static var countMax: UInt32 { 1023 }
    /// Bits that tell the numbers of one block apart.
    package static var numberBitCount: Int { 14 }
    /// Numbers of one block, the reserved ones of the last block included.
    package static var numberCount: Int { 1 << self.numberBitCount }

    /// The number with the given lower bits.
    internal func qpn(_ lowBits: UInt16) -> QPN {
        QPN(truncating: self.rawValue << UInt32(Self.numberBitCount) | UInt32(lowBits))
    }
}
