internal import SystemIO

/// The events of one object that the program has fetched and not yet acknowledged. The object goes only when there is none.
///
/// See ibv_get_cq_event(3) and ibv_get_async_event(3).
package final class EventAccount {
    // SAFETY: the counts are read and written under `lock` only.
    private let lock = Lock()
    private let changed = ConditionVariable()
    private var delivered: UInt64 = 0
    private var acknowledged: UInt64 = 0

    package init() {}

    /// Notes that the program was given an event.
    package func deliver() {
        self.lock.withLock { self.delivered &+= 1 }
    }

    /// Notes that the program is done with `count` events.
    package func acknowledge(_ count: Int = 1) {
        self.lock.lock()
        self.acknowledged &+= UInt64(clamping: count)
        self.lock.unlock()
        self.changed.broadcast()
    }

    /// Returns once every event that was delivered is acknowledged.
    package func waitUntilAcknowledged() {
        self.lock.lock()
        defer { self.lock.unlock() }
        // More acknowledged than delivered is the program's mistake, and no reason to wait for ever.
        while self.acknowledged < self.delivered { self.changed.wait(for: self.lock) }
    }

    package var unacknowledgedCount: Int {
        self.lock.withLock { Int(clamping: self.delivered) - Int(clamping: self.acknowledged) }
    }
}

// SAFETY: see the stored properties.
extension EventAccount: @unchecked Sendable {}
