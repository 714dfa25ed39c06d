import TestSupport
import Testing

@testable import Wire

extension [UInt8] {
    /// Bytes from hexadecimal digits; blanks between them mean nothing.
    init(hex text: String) {
        let digits = text.compactMap(\.hexDigitValue)
        self = stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    /// Bytes of which no two that are near are the same.
    init(pattern count: Int, from first: UInt8 = 1) {
        self = (0..<count).map { first &+ UInt8(truncatingIfNeeded: $0) }
    }
}

extension FixedBytes {
    init(_ bytes: [UInt8]) {
        self.init(bytes.span.bytes)
    }

    static func random(using random: inout SeededGenerator) -> FixedBytes {
        FixedBytes(random.bytes(count: byteCount))
    }

    var array: [UInt8] { (0..<byteCount).map { self.bytes.bigEndian(at: $0) } }
}

extension HeaderCodec {
    /// Parses `golden` with each reserved bit set, which must change nothing.
    ///
    /// - Parameter reserved: The reserved bits of the byte at each offset.
    static func expectReservedBitsAreIgnored(
        _ golden: [UInt8],
        _ reserved: [Int: UInt8],
        location: SourceLocation = #_sourceLocation
    ) throws {
        let expected = try Self(parsing: golden.span.bytes, at: 0)
        for (offset, mask) in reserved {
            for bit in 0..<8 where mask >> UInt8(bit) & 1 != 0 {
                var bytes = golden
                bytes[offset] |= 1 << UInt8(bit)
                #expect(bytes != golden, "byte \(offset), bit \(bit)", sourceLocation: location)
                #expect(
                    try Self(parsing: bytes.span.bytes, at: 0) == expected,
                    "byte \(offset), bit \(bit)",
                    sourceLocation: location
                )
            }
        }
    }

    /// Every bit that is not reserved makes another value, which encodes to that bit again.
    static func expectEveryOtherBitCounts(
        _ golden: [UInt8],
        _ reserved: [Int: UInt8],
        location: SourceLocation = #_sourceLocation
    ) throws {
        let expected = try Self(parsing: golden.span.bytes, at: 0)
        for offset in golden.indices {
            for bit in 0..<8 where (reserved[offset] ?? 0) >> UInt8(bit) & 1 == 0 {
                var bytes = golden
                bytes[offset] ^= 1 << UInt8(bit)
                let changed = try Self(parsing: bytes.span.bytes, at: 0)
                guard changed != expected, changed.encoded() == bytes else {
                    Issue.record("byte \(offset), bit \(bit) does not count", sourceLocation: location)
                    return
                }
            }
        }
    }
}
