/// Fletcher's sum of 32-bit words, 64 bits wide: finds what a transfer would do to a file, such as parts that are lost or
/// exchanged. No protection from people.
struct Checksum: Equatable {
    private var low: UInt64 = 0
    private var high: UInt64 = 0
    private var pending: [UInt8] = []

    mutating func add(_ bytes: [UInt8]) {
        // Words may lie across the parts.
        let all = self.pending.isEmpty ? bytes : self.pending + bytes
        let wordsEnd = all.count & ~3
        all.withUnsafeBytes { buffer in
            for offset in stride(from: 0, to: wordsEnd, by: 4) {
                self.low =
                    (self.low &+ UInt64(buffer.loadUnaligned(fromByteOffset: offset, as: UInt32.self))) % 0xFFFF_FFFF
                self.high = (self.high &+ self.low) % 0xFFFF_FFFF
            }
        }
        self.pending = Array(all[wordsEnd...])
    }

    var value: UInt64 {
        var copy = self
        if !copy.pending.isEmpty { copy.add([UInt8](repeating: 0, count: 4 - copy.pending.count)) }
        return copy.high << 32 | copy.low
    }
}
