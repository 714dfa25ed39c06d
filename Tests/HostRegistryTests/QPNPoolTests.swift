import HostRegistry
import TestSupport
import Testing
import Wire

@Suite("QPN pool")
struct QPNPoolTests {
    @Test func `all numbers of a block are handed out once, and no others`() throws {
        for (number, count) in [(1, 16_384), (1023, 16_382)] as [(UInt32, Int)] {
            let block = try #require(QPNBlock(number))
            var generator = SeededGenerator(seed: 1)
            var pool = QPNPool(block: block)
            var seen: Set<UInt32> = []
            while let qpn = pool.allocate(using: &generator) {
                seen.insert(qpn.rawValue)
                if QPNBlock(containing: qpn) != block { Issue.record("\(qpn) lies outside the block") }
            }
            #expect(seen.count == count)
            #expect(!seen.contains(0xFF_FFFF) && !seen.contains(0xFF_FFFE))
            #expect(pool.availableCount == 0)
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `no number is in use twice, and none comes back soon`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var pool = QPNPool(block: try #require(QPNBlock(5)))
        var inUse: [QPN] = []
        var releasedAt: [QPN: Int] = [:]
        var releaseCount = 0
        var soonest = Int.max
        for _ in 0..<60_000 {
            if inUse.count < 100 || (inUse.count < 2000 && Bool.random(using: &generator)) {
                let taken = pool.allocate(using: &generator)
                let qpn = try #require(taken)
                if let released = releasedAt[qpn] { soonest = min(soonest, releaseCount - released) }
                inUse.append(qpn)
            } else {
                inUse.swapAt(Int.random(in: 0..<inUse.count, using: &generator), inUse.count - 1)
                let qpn = inUse.removeLast()
                releaseCount += 1
                releasedAt[qpn] = releaseCount
                pool.release(qpn)
            }
        }
        #expect(Set(inUse).count == inUse.count)
        #expect(releaseCount > 20_000)
        #expect(soonest >= QPNPool.coolingCountMax)
    }

    @Test func `the last number that came back is used when there is no other`() throws {
        var generator = SeededGenerator(seed: 1)
        var pool = QPNPool(block: try #require(QPNBlock(5)))
        var last: QPN?
        while let qpn = pool.allocate(using: &generator) { last = qpn }
        pool.release(try #require(last))
        let again = pool.allocate(using: &generator)
        #expect(again == last)
        let none = pool.allocate(using: &generator)
        #expect(none == nil)
    }

    @Test func `a number that came back twice is a programmer error`() async {
        await #expect(processExitsWith: .failure) {
            var generator = SeededGenerator(seed: 1)
            guard let block = QPNBlock(5) else { return }
            var pool = QPNPool(block: block)
            guard let qpn = pool.allocate(using: &generator) else { return }
            pool.release(qpn)
            pool.release(qpn)
        }
    }
}
