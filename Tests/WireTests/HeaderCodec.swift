import TestSupport
import Testing

@testable import Wire

/// What the extension headers have in common, so that their tests can be written once.
protocol HeaderCodec: Hashable, Sendable {
    static var byteCount: Int { get }
    init(parsing bytes: RawSpan, at offset: Int) throws(WireError)
    func encode(into bytes: inout MutableRawSpan, at offset: Int)
    static func random(using random: inout SeededGenerator) -> Self
}

extension HeaderCodec {
    /// The header encoded at `offset` of a buffer full of other bytes, which are 0xA5.
    func encoded(at offset: Int = 0, tail: Int = 0) -> [UInt8] {
        var bytes = [UInt8](repeating: 0xA5, count: offset + Self.byteCount + tail)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        self.encode(into: &raw, at: offset)
        return bytes
    }

    /// Parses and encodes `golden`, at the start of a buffer and inside a larger dirty one.
    static func expectGolden(_ golden: [UInt8], _ header: Self, location: SourceLocation = #_sourceLocation) throws {
        #expect(golden.count == Self.byteCount, sourceLocation: location)
        #expect(try Self(parsing: golden.span.bytes, at: 0) == header, sourceLocation: location)
        #expect(header.encoded() == golden, sourceLocation: location)

        let around = [UInt8](repeating: 0xA5, count: 5)
        #expect(header.encoded(at: 5, tail: 5) == around + golden + around, sourceLocation: location)
        #expect(try Self(parsing: (around + golden + around).span.bytes, at: 5) == header, sourceLocation: location)
    }

    /// Every shorter buffer is refused with the size that would do.
    static func expectTruncationIsRefused(location: SourceLocation = #_sourceLocation) {
        for offset in [0, 12] {
            for byteCount in 0..<(offset + Self.byteCount) {
                let bytes = [UInt8](repeating: 0, count: byteCount)
                #expect(
                    throws: WireError.truncated(needed: offset + Self.byteCount, available: byteCount),
                    sourceLocation: location
                ) {
                    try Self(parsing: bytes.span.bytes, at: offset)
                }
            }
        }
    }

    /// Random headers come back as they were.
    static func expectRoundTrips(seed: UInt64, location: SourceLocation = #_sourceLocation) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<256 {
            let header = Self.random(using: &random)
            let parsed = try Self(parsing: header.encoded().span.bytes, at: 0)
            guard parsed == header else {
                Issue.record("\(header) came back as \(parsed)", sourceLocation: location)
                return
            }
        }
    }
}

extension SeededGenerator {
    /// The next number of any width.
    mutating func number<T: FixedWidthInteger & UnsignedInteger>(_ type: T.Type = T.self) -> T {
        T(truncatingIfNeeded: self.next())
    }

    mutating func bytes(count: Int) -> [UInt8] {
        (0..<count).map { _ in self.number() }
    }
}
