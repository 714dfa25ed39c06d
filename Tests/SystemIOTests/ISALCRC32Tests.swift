import SystemIO
import TestSupport
import Testing

@Suite("CRC-32 of ISA-L")
struct ISALCRC32Tests {
    /// The check value that every description of this CRC gives.
    @Test func `gives the check value`() {
        let digits = Array("123456789".utf8)
        #expect(ISALCRC32.update(0, digits.span.bytes) == 0xCBF4_3926)
        #expect(ISALCRC32.update(0, [UInt8]().span.bytes) == 0)
        #expect(ISALCRC32.update(7, [UInt8]().span.bytes) == 7)
    }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func `goes on where it stopped, at any alignment`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let bytes = (0..<Int.random(in: 1...6000, using: &random)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        // One bit at a time, from the definition.
        var register: UInt32 = .max
        for byte in bytes {
            register ^= UInt32(byte)
            for _ in 0..<8 { register = (register >> 1) ^ (register & 1 == 0 ? 0 : 0xEDB8_8320) }
        }
        let whole = bytes.span.bytes
        for _ in 0..<32 {
            let cut = Int.random(in: 0...bytes.count, using: &random)
            let first = ISALCRC32.update(0, whole.extracting(first: cut))
            #expect(ISALCRC32.update(first, whole.extracting(droppingFirst: cut)) == ~register)
        }
    }
}
