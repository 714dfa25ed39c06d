import Registration
import SystemIO
import TestSupport
import Testing

@Suite("Page counts")
struct PageCountsTests {
    static let pageCount = 200
    static let base: UInt = 1 << 32

    static func range(_ first: Int, _ end: Int) -> PageRange {
        let size = PageRange.pageByteCount
        return PageRange(lowerBound: Self.base + UInt(first) * size, upperBound: Self.base + UInt(end) * size)
    }

    @Test(arguments: UInt64(1)...8)
    func `the tree agrees with an array of counts`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let kernel = LinuxMemoryKernel()
        var counts = PageCounts()
        defer { counts.discardAll(to: kernel) }
        var model = [Int32](repeating: 0, count: Self.pageCount)
        for step in 0..<3000 {
            let first = Int.random(in: 0..<Self.pageCount, using: &generator)
            let end = Int.random(in: first + 1...min(Self.pageCount, first + 40), using: &generator)
            let isMarking = model[first..<end].contains(0) || Bool.random(using: &generator)
            let isRoomy = counts.reserve(stepCountMax: counts.stepCount + 2, from: kernel)
            guard isRoomy else {
                Issue.record("no memory")
                return
            }
            counts.add(isMarking ? 1 : -1, to: Self.range(first, end))
            for page in first..<end { model[page] += isMarking ? 1 : -1 }
            counts.checkInvariants()
            if let difference = Self.difference(between: counts, and: model, using: &generator) {
                Issue.record("step \(step): \(difference)")
                return
            }
        }
        let highestCount = counts.highestCount
        #expect(highestCount == model.max())
    }

    @Test func `ranges that adjoin leave one step at each end`() {
        let kernel = LinuxMemoryKernel()
        var counts = PageCounts()
        defer { counts.discardAll(to: kernel) }
        let isRoomy = counts.reserve(stepCountMax: 20_000, from: kernel)
        #expect(isRoomy)
        for page in 0..<10_000 { counts.add(1, to: Self.range(page, page + 1)) }
        let (stepCount, run) = (counts.stepCount, counts.firstMarkedRun(endingAfter: 0))
        #expect(stepCount == 2)
        #expect(run == Self.range(0, 10_000))
        counts.add(-1, to: Self.range(0, 10_000))
        let isEmpty = counts.isEmpty
        #expect(isEmpty)
    }

    /// Compares every page, and every question about one random range.
    private static func difference(
        between counts: borrowing PageCounts,
        and model: [Int32],
        using generator: inout SeededGenerator
    ) -> String? {
        let size = PageRange.pageByteCount
        for (page, expected) in model.enumerated() {
            let count = counts.count(at: Self.base + UInt(page) * size)
            if count != expected { return "page \(page) has \(count), not \(expected)" }
        }
        let first = Int.random(in: 0..<model.count, using: &generator)
        let end = Int.random(in: first + 1...model.count, using: &generator)
        let range = Self.range(first, end)
        for limit in Int32(0)...2 {
            let expected = (first..<end).first { model[$0] <= limit }.map { Self.base + UInt($0) * size }
            let found = counts.firstPage(of: range, withCountAtMost: limit)
            if found != expected { return "first page with \(limit): \(found as Any), not \(expected as Any)" }
        }
        let lowest = model[first..<end].min() ?? 0
        for limit in lowest - 1...lowest + 2 {
            let start = (first..<end).first { model[$0] <= limit }
            let stop = start.map { start in (start..<end).first { model[$0] != model[start] } ?? end }
            let run = counts.firstRun(of: range, withCountAtMost: limit)
            let isRight =
                if let start, let stop {
                    run?.range == Self.range(start, stop) && run?.count == model[start]
                } else {
                    run == nil
                }
            if !isRight { return "first run with \(limit): \(run as Any)" }
        }
        let hasMark = model[first..<end].contains { $0 > 0 }
        if counts.hasMark(from: range.lowerBound, to: range.upperBound) != hasMark { return "hasMark" }
        return nil
    }
}
