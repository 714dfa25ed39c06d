import Segment
import TestSupport
import Testing

@Suite("Key cipher")
struct KeyCipherTests {
    @Test(arguments: UInt64(0)..<8)
    func `deciphering undoes enciphering, whatever the tag`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let cipher = KeyCipher(secret: (random.next(), random.next()))
        for _ in 0..<10_000 {
            let value = UInt32.random(in: 0..<1 << 24, using: &random)
            let prefix = cipher.encrypt(value)
            let tag = UInt32.random(in: 0..<256, using: &random)
            guard prefix < 1 << 24, cipher.decrypt(key: prefix << 8 | tag) == value else {
                Issue.record("\(value) did not come back")
                return
            }
        }
    }

    @Test func `every number has a tag of its own under each prefix, and another under another`() {
        let cipher = KeyCipher(secret: (0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210))
        var orders = Set<[UInt32]>()
        for prefix in UInt32(0)..<64 {
            let tags = (UInt32(0)..<256).map { cipher.tag($0, under: prefix) }
            #expect(Set(tags) == Set(0..<256))
            orders.insert(tags)
        }
        #expect(orders.count == 64)
    }

    @Test func `neighbours get prefixes that have nothing in common`() {
        let cipher = KeyCipher(secret: (0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210))
        var flippedCount = 0
        let sampleCount = 4096
        for value in 0..<UInt32(sampleCount) {
            flippedCount += (cipher.encrypt(value) ^ cipher.encrypt(value + 1)).nonzeroBitCount
        }
        // 12 of 24 bits differ between independent numbers; a counter would differ in 2 on the average.
        let average = Double(flippedCount) / Double(sampleCount)
        #expect(average > 11 && average < 13)
    }

    @Test func `another secret gives other prefixes`() {
        let one = KeyCipher(secret: (1, 0))
        let other = KeyCipher(secret: (0, 1))
        let sameCount = (0..<UInt32(4096)).count { one.encrypt($0) == other.encrypt($0) }
        #expect(sameCount < 4)
    }
}
