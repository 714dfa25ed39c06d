internal import SystemIO

// What the consumer waits for. Asking for an event and appending exclude each other by the producers' lock, so whoever asks
// knows exactly which completions have an event, and which have none and are there to be polled.

extension CompletionRing {
    /// What the consumer wants to be woken for.
    @usableFromInline
    internal enum Arming: UInt32 {
        case none = 0
        case solicited = 1
        case any = 2
    }

    /// What came of asking for an event.
    public struct Asking {
        /// Nothing had been asked for before.
        public let isFirst: Bool
        /// Where the next completion will stand, counted from the beginning: what stands before it raises no event any more.
        public let firstDue: UInt64
    }

    /// A raw `Arming`, changed under the producers' lock.
    @inlinable @inline(always) internal var arming: SharedUInt32 { unsafe SharedUInt32(at: self.head + 256) }

    /// Whether what was just appended is what the consumer armed the ring for; disarms it then, and an event is due. Under the
    /// producers' lock.
    @inlinable @inline(always)
    internal func disarmIfDue(isSolicited: Bool) -> Bool {
        // Without a channel nobody arms, and most rings are not armed while they are polled.
        let arming = self.arming.relaxed
        guard arming != Arming.none.rawValue, arming == Arming.any.rawValue || isSolicited else { return false }
        self.arming.storeRelaxed(Arming.none.rawValue)
        self.dueEvents.add(1)
        return true
    }

    /// Asks for one event at the next completion. Asking for any completion outweighs asking for solicited ones. For the owner.
    ///
    /// - Returns: `nil` when the owner has died.
    @discardableResult
    public func arm(solicitedOnly: Bool) -> Asking? {
        guard self.acquireProducing() else { return nil }
        defer { self.producerLock.unlock() }
        let before = self.arming.raise(to: solicitedOnly ? Arming.solicited.rawValue : Arming.any.rawValue)
        return Asking(isFirst: before == Arming.none.rawValue, firstDue: self.produced.relaxed)
    }

    /// Takes back what `arm` asked for. For the owner.
    ///
    /// - Returns: Whether it was armed.
    public func disarm() -> Bool {
        guard self.acquireProducing() else { return false }
        defer { self.producerLock.unlock() }
        return self.arming.exchange(Arming.none.rawValue) != Arming.none.rawValue
    }

    /// Raises an event if the ring is armed, as for a solicited completion. For the owner.
    ///
    /// - Returns: Whether an event is due now.
    public func raiseIfArmed() -> Bool {
        guard self.acquireProducing() else { return false }
        defer { self.producerLock.unlock() }
        return self.disarmIfDue(isSolicited: true)
    }
}
