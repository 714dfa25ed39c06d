/// What was done to packets, hosts and programs, by kind.
package struct FaultCounts: Hashable, Sendable {
    package var lost = 0
    package var copied = 0
    package var reordered = 0
    /// Damaged packets whose ICRC told.
    package var corrupted = 0
    /// Damaged where the ICRC does not look, which must not matter.
    package var corruptedUnnoticed = 0
    package var overflowed = 0
    package var marked = 0
    package var cutOff = 0
    package var cuts = 0
    package var pauses = 0
    package var deaths = 0
    /// Packets for hosts that were paused too long, or dead.
    package var unreceived = 0
    package var reconnections = 0
    /// Requests, memory and programs that failed on purpose.
    package var programFaults = 0

    package init() {}

    package mutating func add(_ other: FaultCounts) {
        self.lost += other.lost
        self.copied += other.copied
        self.reordered += other.reordered
        self.corrupted += other.corrupted
        self.corruptedUnnoticed += other.corruptedUnnoticed
        self.overflowed += other.overflowed
        self.marked += other.marked
        self.cutOff += other.cutOff
        self.cuts += other.cuts
        self.pauses += other.pauses
        self.deaths += other.deaths
        self.unreceived += other.unreceived
        self.reconnections += other.reconnections
        self.programFaults += other.programFaults
    }
}

extension FaultCounts: CustomStringConvertible {
    package var description: String {
        """
        packets: \(self.lost) lost, \(self.copied) copied, \(self.reordered) reordered, \
        \(self.corrupted + self.corruptedUnnoticed) corrupted (\(self.corruptedUnnoticed) outside the ICRC), \
        \(self.overflowed) dropped by full queues, \(self.marked) marked, \(self.cutOff) cut off, \
        \(self.unreceived) for hosts that did not listen
        others: \(self.cuts) cuts, \(self.pauses) pauses, \(self.deaths) deaths, \(self.reconnections) reconnections, \
        \(self.programFaults) program faults
        """
    }
}
