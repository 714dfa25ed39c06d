/// SplitMix64. The algorithm is fixed here so that a seed means the same run on every toolchain.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) {
        self.state = seed
    }

    package mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mix(self.state)
    }

    /// The finalizer alone: a fixed permutation of 64-bit numbers that looks random.
    static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// `true` in `percent` of 100 cases.
    package mutating func chance(_ percent: UInt64) -> Bool {
        self.number(in: 0...99) < percent
    }

    /// A number of the range. Modulo bias does not matter here, and speed does.
    package mutating func unsigned(in range: ClosedRange<UInt64>) -> UInt64 {
        range.lowerBound + self.next() % max(1, range.upperBound - range.lowerBound &+ 1)
    }

    package mutating func number(in range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(self.next() % UInt64(range.upperBound - range.lowerBound + 1))
    }

    package mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[self.number(in: 0...(elements.count - 1))]
    }
}
