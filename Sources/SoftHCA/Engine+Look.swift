internal import Synchronization

// How often polls of empty queues look at the socket.

extension Engine {
    /// How often polls look at the socket, after a look. While a connection goes over the wire, always; for datagrams, which
    /// may come either way, always until some came directly, and rarer with each vain look; else seldom, because a peer may
    /// have chosen the wire for its direction. The caller holds the lock.
    internal func chooseLookInterval(hasReceived: Bool) {
        let now = self.lookInterval.load(ordering: .relaxed)
        let longer = now << 1 | 1
        let next: UInt64
        if self.socketUsers > 0 || hasReceived && self.datagramUsers > 0 {
            next = 0
        } else if self.datagramUsers > 0 {
            next = self.hasDirectArrivals.load(ordering: .relaxed) ? min(longer, Self.datagramLookIntervalMax) : now
        } else {
            next =
                hasReceived
                ? Self.quietLookIntervalMin : min(max(longer, Self.quietLookIntervalMin), Self.quietLookIntervalMax)
        }
        self.hasDirectArrivals.store(false, ordering: .relaxed)
        self.lookInterval.store(next, ordering: .relaxed)
    }

    // One less than powers of two.
    private static var datagramLookIntervalMax: UInt64 { 63 }
    private static var quietLookIntervalMin: UInt64 { 63 }
    private static var quietLookIntervalMax: UInt64 { 2047 }

    /// A poll put a payload in place that a process of this host had left.
    @inline(always)
    internal func noteDirectArrival() {
        if !self.hasDirectArrivals.load(ordering: .relaxed) { self.hasDirectArrivals.store(true, ordering: .relaxed) }
    }

    /// Counts a queue pair among those that need the socket, or no longer. The caller holds the lock.
    internal func countSocketUser(_ difference: Int, isDatagram: Bool) {
        if isDatagram { self.datagramUsers += difference } else { self.socketUsers += difference }
        // From the beginning: whoever is new shall not have to wait.
        self.lookInterval.store(0, ordering: .relaxed)
    }
}
