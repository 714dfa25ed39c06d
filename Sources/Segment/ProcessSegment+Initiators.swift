internal import SystemIO

extension ProcessSegment {
    /// Looks between two questions whether the process that is waited for still lives.
    private static var looksPerQuestion: Int { 64 }

    /// Returns once every process that is working on this segment now has left it, or has died. What was changed before
    /// the call is what every one of them finds that comes later.
    ///
    /// A process is inside for as long as it copies, at most some tens of microseconds; one that is stopped there is
    /// waited for, because its copy may go on when it continues.
    ///
    /// - Parameter patienceNanoseconds: Gives up on a process after so long.
    package func waitForInitiators(patienceNanoseconds: UInt64 = .max) {
        fullFence()
        for wordIndex in 0..<SegmentLayout.initiatorCount / 64 {
            var bits = self.header.initiators(wordIndex).acquired
            while bits != 0 {
                let bit = bits.trailingZeroBitCount
                bits &= bits &- 1
                self.waitForInitiator(UInt32(wordIndex * 64 + bit), patienceNanoseconds)
            }
        }
    }

    private func waitForInitiator(_ block: UInt32, _ patienceNanoseconds: UInt64) {
        let line = self.view.initiator(block)
        let sequence = line.sequence.acquired
        guard sequence & 1 != 0 else { return }
        let incarnation = line.incarnation.acquired
        var lookCount = 0
        let deadline = MonotonicClock.now.addingReportingOverflow(patienceNanoseconds)
        while line.sequence.acquired == sequence, line.incarnation.acquired == incarnation {
            lookCount += 1
            if !deadline.overflow, MonotonicClock.now > deadline.partialValue { return }
            if lookCount % Self.looksPerQuestion == 0, self.liveness.isAlive?(block, incarnation) == false {
                // The line stays as it is until somebody else gets the block, and sets it up anew: clearing it here could
                // hit that one.
                return
            }
            Scheduling.yield()
        }
    }
}
