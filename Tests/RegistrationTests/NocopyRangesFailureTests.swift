import Registration
import Synchronization
import SystemIO
import TestSupport
import Testing

/// A call changes the counts before it asks the kernel, and takes the change back when the kernel refuses. What it does so
/// must be seen by nobody.
@Suite("Nocopy ranges when calls fail")
struct NocopyRangesFailureTests {
    private typealias Model = NocopyRangesModelTests

    /// What one thread has marked.
    private struct Marks {
        private var generator: SeededGenerator
        private(set) var live: [(first: Int, end: Int)] = []

        init(seed: UInt64) { self.generator = SeededGenerator(seed: seed) }

        /// Marks a range, or takes a mark away; notes it when that succeeds.
        mutating func makeCall(of rig: Model.Rig) {
            if self.live.count > 20 || !self.live.isEmpty && Bool.random(using: &self.generator) {
                let index = self.live.indices.randomElement(using: &self.generator) ?? 0
                let (first, end) = self.live[index]
                if Int.random(in: 0..<4, using: &self.generator) == 0 {
                    rig.account.unmarkForcibly(rig.kernel.range(first, end))
                } else if rig.attempt(isMarking: false, first, end) != nil {
                    return
                }
                self.live.remove(at: index)
            } else {
                let first = Int.random(in: 0..<rig.counts.count, using: &self.generator)
                let end = Int.random(in: first + 1...min(first + 12, rig.counts.count), using: &self.generator)
                if rig.attempt(isMarking: true, first, end) == nil { self.live.append((first, end)) }
            }
        }

        mutating func end(with rig: Model.Rig) {
            for (first, end) in self.live { rig.account.unmarkForcibly(rig.kernel.range(first, end)) }
            self.live = []
        }
    }

    @Test(arguments: [Model.smallPages, Model.mixedPages, Model.withHoles], [2, 3, 7])
    func `threads whose calls fail now and then leave what the others marked`(
        mappings: [(Int, Int)],
        failurePeriod: Int
    ) {
        var rig = Model.Rig(kernel: ModelKernel(mappings: mappings))
        let threadCount = 4
        let all = Mutex((0..<threadCount).map { Marks(seed: UInt64(10 * failurePeriod + $0)) })
        for round in 0..<20 {
            rig.kernel.failurePeriod = failurePeriod
            Threads.run(threadCount) { [rig] thread in
                var marks = all.withLock { $0[thread] }
                for _ in 0..<200 { marks.makeCall(of: rig) }
                all.withLock { $0[thread] = marks }
            }
            rig.kernel.failurePeriod = nil
            rig.counts = [Int32](repeating: 0, count: rig.counts.count)
            let live = all.withLock { threads in threads.flatMap { $0.live } }
            for mark in live { rig.note(isMarking: true, mark.first, mark.end) }
            // A call heals what could not be undone; this one changes nothing.
            _ = rig.attempt(isMarking: true, 0, 1)
            _ = rig.attempt(isMarking: false, 0, 1)
            if let discrepancy = rig.discrepancy() {
                Issue.record("round \(round): \(discrepancy)")
                return
            }
            rig.account.checkInvariants()
        }
        all.withLock { marks in
            for thread in marks.indices { marks[thread].end(with: rig) }
        }
        #expect(rig.account.isEmpty)
        #expect(rig.kernel.flags.allSatisfy { !$0 })
    }

    @Test func `much memory is given back with the last mark, but not before the kernel has agreed`() {
        let rig = Model.Rig(kernel: ModelKernel(mappings: Model.smallPages))
        let markCount = 100_000
        for _ in 0..<markCount { #expect(rig.attempt(isMarking: true, 3, 9) == nil) }
        // To look moves the marks into the tree; the next one makes room for the end of each, some 10 MiB.
        #expect(rig.account.count(at: rig.kernel.range(3, 4).lowerBound) == markCount)
        #expect(rig.attempt(isMarking: true, 20, 21) == nil)
        #expect(rig.attempt(isMarking: false, 20, 21) == nil)
        for _ in 1..<markCount { #expect(rig.attempt(isMarking: false, 3, 9) == nil) }
        rig.kernel.failCall(1, onwards: true)
        #expect(rig.attempt(isMarking: false, 3, 9) == .noMemory)
        rig.kernel.failCall(nil)
        #expect(rig.account.count(at: rig.kernel.range(3, 4).lowerBound) == 1)
        #expect(rig.attempt(isMarking: false, 3, 9) == nil)
        #expect(rig.account.isEmpty)
        #expect(rig.kernel.flags.allSatisfy { !$0 })
    }
}
