internal import HostRegistry
internal import Segment
internal import Synchronization
internal import SystemIO

// The background thread. It sleeps in the kernel, and wakes for packets only while no application thread polls: on a
// machine with few cores a second thread at the same socket costs more than it gives.

extension Engine {
    /// How often the thread looks whether the application still polls.
    private static var pollingCheckNanoseconds: UInt64 { 1_000_000 }

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

    private func run() {
        // Held until the thread, and with it the process, has ended: this is how peers see that it lives.
        _ = try? self.segment.header.lifeLock.lock()
        var isListening = true
        var lastLook = Look(at: MonotonicClock.now, pollCount: 0)
        while !self.isStopping.load(ordering: .acquiring) {
            let timeout = self.sleepNanoseconds(isListening: isListening)
            var endedCount = 0
            var hasChangedRoutes = false
            _ = try? self.poller.wait(timeoutNanoseconds: timeout) { token in
                if token == Token.wake { _ = try? self.wake.wait() }
                if token >= Token.firstProcess { endedCount += 1 }
                if token == Token.routes { hasChangedRoutes = true }
            }
            self.lock.lock()
            if self.isStopping.load(ordering: .acquiring) {
                self.lock.unlock()
                return
            }
            let look = Look(at: MonotonicClock.now, pollCount: self.pollCount.load(ordering: .relaxed))
            isListening = self.mustListen(look, since: lastLook)
            lastLook = look
            if isListening {
                self.progress(isThread: true)
            } else {
                self.serveTimersIfDue()
            }
            self.receiveForwarded()
            if endedCount > 0 { self.noteDeaths() }
            self.lock.unlock()
            self.membership.refreshIfNeeded()
            if hasChangedRoutes {
                self.routeMonitor?.drain()
                self.portWatch.refresh()
            }
            self.arm(listening: isListening)
        }
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

    /// Until the next timer; while the thread does not listen, no longer than until the next look at the application.
    private func sleepNanoseconds(isListening: Bool) -> UInt64? {
        self.lock.withLock {
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
}
