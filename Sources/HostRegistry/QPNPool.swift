package import Wire

/// Hands out the queue pair numbers of one block: each once at a time, in an order that nobody can foresee, and none
/// again soon after it came back, so that a late packet for its former owner finds nobody.
///
/// It knows no lock and no randomness of its own.
package struct QPNPool {
    private let block: QPNBlock
    /// Lower bits of numbers that may be handed out now, in no order.
    private var ready: [UInt16]
    /// Lower bits of numbers that came back, in the order of their return, from `coolingStart` on.
    private var cooling: [UInt16] = []
    private var coolingStart = 0
    private var isAllocated: [Bool]

    /// A number that came back waits until so many others have come back after it, while fresh ones last.
    package static var coolingCountMax: Int { 8192 }

    package init(block: QPNBlock) {
        self.block = block
        self.isAllocated = Array(repeating: false, count: QPNBlock.numberCount)
        self.ready = (0..<QPNBlock.numberCount).map { UInt16($0) }.filter { !Self.isReserved(block.qpn($0)) }
    }

    /// 0xFFFFFF is the destination of multicast, and 0xFFFFFE of the registry's probes.
    private static func isReserved(_ qpn: QPN) -> Bool {
        qpn == .multicast || qpn == IndexProbe.destQP
    }

    /// How many numbers can still be handed out.
    package var availableCount: Int { self.ready.count + self.cooling.count - self.coolingStart }

    /// Takes a number, chosen by `generator`, or `nil` when all are in use.
    package mutating func allocate(using generator: inout some RandomNumberGenerator) -> QPN? {
        if self.ready.isEmpty { self.cool(to: 0, countMax: 1) }
        guard !self.ready.isEmpty else { return nil }
        let position = Int(generator.next(upperBound: UInt32(self.ready.count)))
        self.ready.swapAt(position, self.ready.count - 1)
        let number = self.ready.removeLast()
        assert(!self.isAllocated[Int(number)])
        self.isAllocated[Int(number)] = true
        return self.block.qpn(number)
    }

    /// Gives a number back.
    ///
    /// - Precondition: `qpn` was handed out by this pool and has not come back since.
    package mutating func release(_ qpn: QPN) {
        precondition(QPNBlock(containing: qpn) == self.block, "the number belongs to another process")
        let number = Int(qpn.rawValue) & (QPNBlock.numberCount - 1)
        precondition(self.isAllocated[number], "the number is not in use")
        self.isAllocated[number] = false
        self.cooling.append(UInt16(number))
        self.cool(to: Self.coolingCountMax, countMax: .max)
    }

    /// Moves the numbers that waited longest to the ready ones, until only `remaining` wait.
    private mutating func cool(to remaining: Int, countMax: Int) {
        var count = min(self.cooling.count - self.coolingStart - remaining, countMax)
        while count > 0 {
            self.ready.append(self.cooling[self.coolingStart])
            self.coolingStart += 1
            count -= 1
        }
        // Cut the used front off now and then, so that the array stays bounded and each release cheap.
        if self.coolingStart > Self.coolingCountMax {
            self.cooling.removeFirst(self.coolingStart)
            self.coolingStart = 0
        }
    }
}
