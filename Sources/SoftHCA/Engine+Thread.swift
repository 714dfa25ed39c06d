internal import HostRegistry
internal import Segment
internal import Synchronization
internal import SystemIO

// The background thread. It sleeps in the kernel, and wakes for packets only while no application thread polls: on a
// machine with few cores a second thread at the same socket costs more than it gives.

extension Engine {
    /// How often the thread looks whether the application still polls.
    private static var pollingCheckNanoseconds: UInt64 { 1_000_000 }

    /// How long the thread leaves a long copy to the thread that posted it, which probably polls now: at first, and where it is
    /// known to poll. Waking costs as much as copying half a share, and once awake the two are in each other's way.
    internal static var copyPatienceMin: UInt64 { 200_000 }
    private static var copyPatienceMax: UInt64 { pollingCheckNanoseconds }
    /// A part of a long copy is worth so many polls: it takes that much longer.
    private static var pollsPerPart: UInt64 { 20 }

    internal func startThread() throws(Errno) {
        self.thread = try BackgroundThread(name: "verbena") { [unowned self] in self.run() }
    }

    /// The caller is about to sleep until a completion comes, so the background thread must listen to the socket.
    package func willBlock() {
        self.isSleeping.store(true, ordering: .relaxed)
        try? self.poller.arm(self.membership.socket.rawDescriptor, token: Token.socket)
    }

    /// Wakes the thread when a timer was set that ends before its sleep does. The caller holds the lock.
    internal func wakeThreadIfNeeded() {
        let deadline = min(self.nextDeadline, self.copyDeadline)
        if deadline < self.sleepsUntil {
            self.sleepsUntil = deadline
            self.wake.signal()
        }
    }

    /// Leaves what is left of a long copy to whoever polls, from now on. The caller holds the lock.
    internal func leaveCopyToPollers() {
        self.copyDeadline = MonotonicClock.now + self.copyPatience
        self.pollCount.wrappingAdd(Self.pollsPerPart, ordering: .relaxed)
    }

    /// Learns whether the threads that post long copies poll. The caller holds the lock.
    ///
    /// - Parameter last: What the deadline was when the thread looked last.
    private func adaptCopyPatience(now: UInt64, since last: UInt64) {
        guard self.copyDeadline < .max else { return }
        if now >= self.copyDeadline {
            self.copyPatience = Self.copyPatienceMin
        } else if last < .max, last != self.copyDeadline {
            // Only a poll has moved it.
            self.copyPatience = min(2 * self.copyPatience, Self.copyPatienceMax)
        }
    }

    private func run() {
        // Held until the thread, and with it the process, has ended: this is how peers see that it lives.
        _ = try? self.segment.header.lifeLock.lock()
        var isListening = true
        var lastLook = Look(at: MonotonicClock.now, pollCount: 0)
        var lastCopyDeadline = UInt64.max
        var timeout = self.lock.withLock { self.sleepNanoseconds(isListening: isListening) }
        while !self.isStopping.load(ordering: .acquiring) {
            var eventCount = 0
            var endedCount = 0
            var hasChangedRoutes = false
            _ = try? self.poller.wait(timeoutNanoseconds: timeout) { token in
                eventCount += 1
                if token == Token.wake { _ = try? self.wake.wait() }
                if token >= Token.firstProcess { endedCount += 1 }
                if token == Token.routes { hasChangedRoutes = true }
            }
            self.membership.refreshIfNeeded()
            if hasChangedRoutes {
                self.routeMonitor?.drain()
                self.portWatch.refresh()
            }
            if eventCount == 0, self.isBeingCopied {
                timeout = Self.pollingCheckNanoseconds
                continue
            }
            self.lock.lock()
            if self.isStopping.load(ordering: .acquiring) {
                self.lock.unlock()
                return
            }
            let look = Look(at: MonotonicClock.now, pollCount: self.pollCount.load(ordering: .relaxed))
            isListening = self.mustListen(look, since: lastLook)
            lastLook = look
            self.adaptCopyPatience(now: look.at, since: lastCopyDeadline)
            lastCopyDeadline = self.copyDeadline
            if isListening {
                self.progress(isThread: true)
            } else {
                self.serveTimersIfDue()
            }
            self.receiveForwarded()
            if endedCount > 0 { self.noteDeaths() }
            timeout = self.sleepNanoseconds(isListening: isListening)
            self.lock.unlock()
            self.arm(listening: isListening)
        }
    }

    /// Whether another thread works on a long copy just now. It does all that this one would do; to sleep on the lock would cost it
    /// a system call at each part.
    private var isBeingCopied: Bool {
        guard self.isUnfinished.load(ordering: .relaxed) else { return false }
        guard self.lock.tryLock() else { return true }
        self.lock.unlock()
        return false
    }

    /// How often application threads had polled at some time.
    private struct Look {
        let at: UInt64
        let pollCount: UInt64
    }

    /// An application that polls more seldom than this, on average, does something else: it may wait for a peer's write
    /// to arrive in its memory.
    private static var pollIntervalMax: UInt64 { 10_000 }

    /// Whether packets are for this thread to receive: unless an application thread does nothing but poll.
    private func mustListen(_ look: Look, since last: Look) -> Bool {
        if self.isSleeping.exchange(false, ordering: .relaxed) || self.segment.header.armedCount.relaxed > 0 {
            return true
        }
        let (nanoseconds, polls) = (look.at &- last.at, look.pollCount &- last.pollCount)
        return polls &* Self.pollIntervalMax < nanoseconds
    }

    private func arm(listening isListening: Bool) {
        if isListening { try? self.poller.arm(self.membership.socket.rawDescriptor, token: Token.socket) }
        try? self.poller.arm(self.membership.forwardDescriptor, token: Token.forwarded)
        try? self.poller.arm(self.wake.rawDescriptor, token: Token.wake)
        if let rawDescriptor = self.routeMonitor?.rawDescriptor {
            try? self.poller.arm(rawDescriptor, token: Token.routes)
        }
    }

    /// Until the next timer; while the thread does not listen, no longer than until the next look at the application. The caller
    /// holds the lock.
    private func sleepNanoseconds(isListening: Bool) -> UInt64? {
        let now = MonotonicClock.now
        let mustLook = !isListening || self.isBlocked
        let check = mustLook ? now + Self.pollingCheckNanoseconds : UInt64.max
        self.sleepsUntil = min(
            self.nextDeadline,
            self.copyDeadline,
            check,
            self.membership.nextRefreshNanoseconds ?? .max
        )
        guard self.sleepsUntil < .max else { return nil }
        return self.sleepsUntil > now ? self.sleepsUntil - now : 0
    }
}
