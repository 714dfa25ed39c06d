internal import Segment
internal import Synchronization
package import SystemIO

// A program that sleeps asks for an event, polls what came before that, and waits. What comes in between has its event, too;
// were it polled at once, the event would come without a completion. ibv_get_cq_event(3) warns of such events, adapters give
// one when a packet arrives in those microseconds, and there are programs that fail at it. Here they would be the rule: the
// poll itself receives, and a request between two processes of a host completes while it is posted. So what came after the
// asking is not there for the first look.

extension CompletionQueue {
    /// For a program that asks and then looks only now and then: what came so long ago is there in any case.
    private static var withholdingNanoseconds: UInt64 { 100_000_000 }

    /// Asks for one event on the channel at the next completion. See ibv_req_notify_cq(3).
    ///
    /// - Parameter solicitedOnly: Only for completions of messages that were sent as solicited, and for errors.
    /// - Throws: `EIO` in a forked child.
    package func requestNotification(solicitedOnly: Bool) throws(Errno) {
        try ProcessGuard.check(self.generation)
        guard self.channel != nil else { return }
        guard let asking = self.ring.arm(solicitedOnly: solicitedOnly) else { return }
        if asking.isFirst { self.context.segment.header.armedCount.add(1) }
        // Only what surely has an event of its own.
        if solicitedOnly || self.ring.isModerated {
            self.showAll()
        } else {
            self.withheldUntil.store(MonotonicClock.now + Self.withholdingNanoseconds, ordering: .relaxed)
            self.firstWithheld.store(asking.firstDue, ordering: .relaxed)
        }
        self.context.engine.willBlock()
    }

    /// Whether the next completion, or none, came after the program had asked for an event, and is not there yet.
    @inline(always)
    internal var isWithholding: Bool {
        self.firstWithheld.load(ordering: .relaxed) != .max && self.isPastWithheld
    }

    private var isPastWithheld: Bool {
        self.ring.consumedCount >= self.firstWithheld.load(ordering: .relaxed)
            && MonotonicClock.now < self.withheldUntil.load(ordering: .relaxed)
    }

    /// The program was told, or has looked.
    internal func showAll() {
        self.firstWithheld.store(.max, ordering: .relaxed)
    }

    /// Notes that the program is done with `count` completion events.
    package func acknowledgeEvents(_ count: Int) {
        guard ProcessGuard.isOwn(self.generation) else { return }
        self.completionAccount.acknowledge(count)
    }
}
