import Segment
import TestSupport
import Testing

@Suite("Key cipher")
struct KeyCipherTests {
    @Test(arguments: UInt64(0)..<8)
    func `deciphering undoes enciphering`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let cipher = KeyCipher(secret: (random.next(), random.next()))
        for _ in 0..<10_000 {
            let value = UInt32.random(in: .min ... .max, using: &random)
            guard cipher.decrypt(cipher.encrypt(value)) == value, cipher.encrypt(cipher.decrypt(value)) == value else {
                Issue.record("\(value) did not come back")
                return
            }
        }
    }

    @Test func `neighbours get numbers that have nothing in common`() {
        let cipher = KeyCipher(secret: (0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210))
        var flippedCount = 0
        let sampleCount = 4096
        for value in 0..<UInt32(sampleCount) {
            flippedCount += (cipher.encrypt(value) ^ cipher.encrypt(value + 1)).nonzeroBitCount
        }
        // 16 of 32 bits differ between independent numbers; a counter would differ in 2 on the average.
        let average = Double(flippedCount) / Double(sampleCount)
        #expect(average > 15 && average < 17)
    }

    @Test func `another secret gives other keys`() {
        let one = KeyCipher(secret: (1, 0))
        let other = KeyCipher(secret: (0, 1))
        let sameCount = (0..<UInt32(4096)).count { one.encrypt($0) == other.encrypt($0) }
        #expect(sameCount < 4)
    }
}
