import Registration
import SystemIO
import TestSupport
import Testing

/// The properties of the account on an address space of the test's own, where every page can be looked at after every
/// step and every call can be made to fail.
@Suite("Nocopy ranges on a model of the kernel")
struct NocopyRangesModelTests {
    typealias Account = NocopyRanges<ModelKernel>

    /// An account beside the array of counts that it must agree with.
    struct Rig {
        let kernel: ModelKernel
        let account: Account
        var counts: [Int32]

        init(kernel: ModelKernel, policy: ForkPolicy = .eager) {
            self.kernel = kernel
            self.account = Account(policy: policy, kernel: kernel)
            self.counts = [Int32](repeating: 0, count: kernel.pageCount)
        }

        /// What the array says must happen: nil, or the error.
        func expectedError(isMarking: Bool, _ first: Int, _ end: Int) -> Errno? {
            if isMarking {
                let needsKernel = self.counts[first..<end].contains(0)
                // Pages that have a mark already are not looked at: a hole among them is no obstacle.
                let zeroes = (first..<end).filter { self.counts[$0] == 0 }
                guard needsKernel, let low = zeroes.first, let high = zeroes.last else { return nil }
                return (low...high).contains { self.kernel.isHole($0) } ? .noMemory : nil
            }
            return self.counts[first..<end].contains(0) ? .invalidArgument : nil
        }

        func attempt(isMarking: Bool, _ first: Int, _ end: Int) -> Errno? {
            do throws(Errno) {
                let range = self.kernel.range(first, end)
                if isMarking { try self.account.mark(range) } else { try self.account.unmark(range) }
                return nil
            } catch {
                return error
            }
        }

        mutating func note(isMarking: Bool, _ first: Int, _ end: Int) {
            for page in first..<end { self.counts[page] += isMarking ? 1 : -1 }
        }

        /// What is wrong with the account or the flags, if anything.
        func discrepancy() -> String? {
            let flags = self.kernel.flags
            for page in self.counts.indices {
                let count = self.account.count(at: self.kernel.range(page, page + 1).lowerBound)
                if count != self.counts[page] { return "page \(page) counts \(count), not \(self.counts[page])" }
                if self.kernel.isHole(page) || self.account.policy != .eager { continue }
                let isMarked = self.kernel.kernelPage(of: page).contains { self.counts[$0] > 0 }
                if flags[page] != isMarked { return "page \(page) is flagged: \(flags[page]), not \(isMarked)" }
            }
            return nil
        }
    }

    static let smallPages = [(pageCount: 60, pageSize: 1)]
    static let mixedPages = [(16, 1), (16, 8), (16, 1), (16, 16), (8, 4), (5, 1), (3, 0), (16, 1)]
    static let withHoles = [(20, 1), (4, 0), (16, 8), (8, 0), (12, 1)]

    /// No change of the account makes more calls than this.
    static let callMax = 1000

    /// Draws a call: mostly one that should succeed, of any length.
    static func draw(_ rig: Rig, using generator: inout SeededGenerator) -> (Bool, Int, Int) {
        let pageCount = rig.counts.count
        let first = Int.random(in: 0..<pageCount, using: &generator)
        let lengthMax = Bool.random(using: &generator) ? 4 : pageCount
        let end = Int.random(in: first + 1...min(pageCount, first + lengthMax), using: &generator)
        let mayUnmark = !rig.counts[first..<end].contains(0) || Int.random(in: 0..<10, using: &generator) == 0
        return (!mayUnmark || Int.random(in: 0..<3, using: &generator) == 0, first, end)
    }

    @Test(arguments: [Self.smallPages, Self.mixedPages, Self.withHoles], Array(UInt64(1)...4))
    func `flags follow the counts on every page after every step`(
        mappings: [(Int, Int)],
        seed: UInt64
    ) {
        var generator = SeededGenerator(seed: seed)
        var rig = Rig(kernel: ModelKernel(mappings: mappings))
        for step in 0..<1000 {
            let (isMarking, first, end) = Self.draw(rig, using: &generator)
            let expected = rig.expectedError(isMarking: isMarking, first, end)
            let error = rig.attempt(isMarking: isMarking, first, end)
            if error == nil { rig.note(isMarking: isMarking, first, end) }
            if error != expected || rig.discrepancy() != nil {
                let call = "\(isMarking ? "mark" : "unmark") \(first)..<\(end)"
                let outcome = "\(error as Any), not \(expected as Any); \(rig.discrepancy() ?? "consistent")"
                Issue.record("step \(step), \(call): \(outcome)")
                return
            }
        }
    }

    @Test(arguments: [Self.smallPages, Self.mixedPages, Self.withHoles], Array(UInt64(1)...4))
    func `a failure of any one call leaves everything as it was`(mappings: [(Int, Int)], seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var rig = Rig(kernel: ModelKernel(mappings: mappings))
        for step in 0..<150 {
            let (isMarking, first, end) = Self.draw(rig, using: &generator)
            guard rig.expectedError(isMarking: isMarking, first, end) == nil else { continue }
            for call in 1...Self.callMax {
                rig.kernel.failCall(call)
                let error = rig.attempt(isMarking: isMarking, first, end)
                let isUntouched = rig.kernel.callCount < call
                rig.kernel.failCall(nil)
                if error == nil { rig.note(isMarking: isMarking, first, end) }
                let isExpected = error == nil || error == .noMemory
                if !isExpected || isUntouched && error != nil || rig.discrepancy() != nil {
                    let outcome = "\(error as Any); \(rig.discrepancy() ?? "consistent")"
                    Issue.record("step \(step), call \(call), marking \(isMarking) \(first)..<\(end): \(outcome)")
                    return
                }
                if error == nil { break }
                if call == Self.callMax { Issue.record("step \(step): \(error as Any) without a failing call") }
            }
        }
    }

    @Test(arguments: [ForkPolicy.atFork, .off], Array(UInt64(1)...4))
    func `without memory for the account, other policies change nothing either`(policy: ForkPolicy, seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var rig = Rig(kernel: ModelKernel(mappings: [(600, 1)]), policy: policy)
        for step in 0..<1500 {
            let (isMarking, first, end) = Self.draw(rig, using: &generator)
            guard rig.expectedError(isMarking: isMarking, first, end) == nil else { continue }
            rig.kernel.failCall(1, onwards: true)
            let error = rig.attempt(isMarking: isMarking, first, end)
            let isUntouched = rig.kernel.callCount == 0
            rig.kernel.failCall(nil)
            // Now and then: to look moves all marks into the tree.
            let isLooking = error != nil || step.isMultiple(of: 200)
            if error != nil, isUntouched || error != .noMemory || rig.attempt(isMarking: isMarking, first, end) != nil {
                Issue.record("step \(step), marking \(isMarking) \(first)..<\(end): \(error as Any)")
                return
            }
            rig.note(isMarking: isMarking, first, end)
            if isLooking, let discrepancy = rig.discrepancy() {
                Issue.record("step \(step): \(discrepancy)")
                return
            }
        }
    }

    @Test(arguments: [Self.smallPages, Self.mixedPages, Self.withHoles], Array(UInt64(1)...4))
    func `when even the undoing fails, the next call heals the flags`(mappings: [(Int, Int)], seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var rig = Rig(kernel: ModelKernel(mappings: mappings))
        for step in 0..<150 {
            let (isMarking, first, end) = Self.draw(rig, using: &generator)
            guard rig.expectedError(isMarking: isMarking, first, end) == nil else { continue }
            for call in 1...Self.callMax {
                rig.kernel.failCall(call, onwards: true)
                let error = rig.attempt(isMarking: isMarking, first, end)
                rig.kernel.failCall(nil)
                if error == nil {
                    rig.note(isMarking: isMarking, first, end)
                    break
                }
                if call == Self.callMax { Issue.record("step \(step): \(error as Any) without a failing call") }
                // Any call heals first; this one changes nothing by itself.
                _ = rig.attempt(isMarking: false, 0, rig.counts.count)
                if rig.counts.allSatisfy({ $0 > 0 }) { return }
                if let discrepancy = rig.discrepancy() {
                    Issue.record("step \(step), call \(call), marking \(isMarking) \(first)..<\(end): \(discrepancy)")
                    return
                }
            }
        }
    }

    @Test func `a forced end of a registration counts down even when the kernel refuses`() {
        let rig = Rig(kernel: ModelKernel(mappings: Self.smallPages))
        #expect(rig.attempt(isMarking: true, 0, 10) == nil)
        rig.kernel.failCall(1, onwards: true)
        rig.account.unmarkForcibly(rig.kernel.range(2, 4))
        rig.kernel.failCall(nil)
        #expect(rig.account.count(at: rig.kernel.range(2, 3).lowerBound) == 0)
        #expect(rig.attempt(isMarking: true, 20, 21) == nil)
        #expect(rig.kernel.flags[2] == false)
        #expect(rig.kernel.flags[1] == true)
    }

    @Test func `a process near its limit of mappings is refused before it suffocates`() {
        let kernel = ModelKernel(mappings: [(4000, 1)])
        kernel.mappingLimit = 1000
        let rig = Rig(kernel: kernel)
        var marked: [Int] = []
        var error: Errno?
        for page in stride(from: 1, to: 4000, by: 2) {
            error = rig.attempt(isMarking: true, page, page + 1)
            if error != nil { break }
            marked.append(page)
        }
        #expect(error == .noMemory)
        #expect(marked.count > 400)
        #expect(kernel.mappingCount < 1000 - 60)
        for page in marked { #expect(rig.attempt(isMarking: false, page, page + 1) == nil) }
        #expect(kernel.mappingCount == 1)
        #expect(rig.attempt(isMarking: true, 1, 2) == nil)
    }

    @Test func `a refused mark does not count the mappings each time`() {
        let kernel = ModelKernel(mappings: [(4000, 1)])
        kernel.mappingLimit = 60
        let rig = Rig(kernel: kernel)
        for _ in 0..<640 { #expect(rig.attempt(isMarking: true, 1, 2) == .noMemory) }
        #expect(kernel.countedMappings <= 11)
    }

    @Test(arguments: [ForkPolicy.atFork, .off])
    func `other policies count, look for holes, and set no flag`(policy: ForkPolicy) {
        let rig = Rig(kernel: ModelKernel(mappings: Self.withHoles), policy: policy)
        #expect(rig.attempt(isMarking: true, 0, 20) == nil)
        #expect(rig.attempt(isMarking: true, 10, 30) == .noMemory)
        #expect(rig.kernel.flags.allSatisfy { !$0 })
        #expect(rig.attempt(isMarking: false, 0, 21) == .invalidArgument)
        rig.account.prepareForFork()
        #expect(rig.kernel.flags.prefix(20).allSatisfy { $0 == (policy == .atFork) })
        rig.account.parentAfterFork()
        #expect(rig.kernel.flags.allSatisfy { !$0 })
        #expect(rig.attempt(isMarking: false, 0, 20) == nil)
        #expect(rig.account.isEmpty)
    }

    @Test func `at fork, a huge page is left out when any part of it has a mark`() {
        let rig = Rig(kernel: ModelKernel(mappings: Self.mixedPages), policy: .atFork)
        #expect(rig.attempt(isMarking: true, 20, 21) == nil)
        rig.account.prepareForFork()
        #expect(rig.kernel.flags.enumerated().allSatisfy { $1 == (16..<24).contains($0) })
        rig.account.parentAfterFork()
        #expect(rig.kernel.flags.allSatisfy { !$0 })
    }

    @Test func `at fork without mappings for all ranges, the report says what the child inherits`() {
        let kernel = ModelKernel(mappings: [(4000, 1)])
        kernel.mappingLimit = 1000
        let rig = Rig(kernel: kernel, policy: .atFork)
        for page in stride(from: 1, to: 4000, by: 2) { #expect(rig.attempt(isMarking: true, page, page + 1) == nil) }
        let report = rig.account.prepareForFork()
        #expect(report.shieldedRangeCount > 400)
        #expect(report.shieldedRangeCount + report.exposedRangeCount == 2000)
        #expect(report.exposedByteCount == UInt(report.exposedRangeCount) * PageRange.pageByteCount)
        #expect(kernel.mappingCount < 1000 - 60)
        rig.account.parentAfterFork()
        #expect(kernel.mappingCount == 1)
        #expect(kernel.flags.allSatisfy { !$0 })
    }

    @Test func `a child starts with an empty account in which everything works`() {
        let rig = Rig(kernel: ModelKernel(mappings: Self.smallPages))
        #expect(rig.attempt(isMarking: true, 0, 10) == nil)
        let epoch = rig.account.epoch
        rig.account.prepareForFork()
        rig.account.childAfterFork()
        #expect(rig.account.isEmpty)
        #expect(rig.account.epoch != epoch)
        #expect(rig.attempt(isMarking: false, 0, 10) == .invalidArgument)
        #expect(rig.attempt(isMarking: true, 0, 10) == nil)
    }

    @Test func `a page of 1 GiB is left out whole when a range cuts it, and comes back with the last mark`() {
        let smallPerHuge = (1 << 30) / Int(PageRange.pageByteCount)
        let kernel = ModelKernel(mappings: [(smallPerHuge, smallPerHuge), (8, 1)])
        let rig = Rig(kernel: kernel)
        #expect(rig.attempt(isMarking: true, smallPerHuge - 5, smallPerHuge + 2) == nil)
        #expect(rig.attempt(isMarking: true, 7, 8) == nil)
        #expect(kernel.flags.prefix(smallPerHuge + 2).allSatisfy { $0 })
        #expect(kernel.flags.suffix(6).allSatisfy { !$0 })
        #expect(rig.attempt(isMarking: false, smallPerHuge - 5, smallPerHuge + 2) == nil)
        #expect(kernel.flags.prefix(smallPerHuge).allSatisfy { $0 })
        #expect(kernel.flags.suffix(8).allSatisfy { !$0 })
        #expect(rig.attempt(isMarking: false, 7, 8) == nil)
        #expect(kernel.flags.allSatisfy { !$0 })
    }

    @Test func `without memory for the account a mark fails, nothing changes, and later ones work`() {
        let kernel = ModelKernel(mappings: Self.smallPages)
        let rig = Rig(kernel: kernel)
        kernel.failCall(1)
        #expect(rig.attempt(isMarking: true, 3, 9) == .noMemory)
        kernel.failCall(nil)
        #expect(rig.discrepancy() == nil)
        #expect(rig.attempt(isMarking: true, 3, 9) == nil)
        #expect(kernel.flags.enumerated().allSatisfy { $1 == (3..<9).contains($0) })
    }
}
