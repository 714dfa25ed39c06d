package import Segment
internal import Synchronization
package import SystemIO
internal import Transport

extension QueuePair {
    /// Posts a receive request.
    ///
    /// - Returns: `nil`, or why it was not taken: EINVAL in the RESET state, with a shared receive queue, or for too many
    ///   elements; ENOMEM when the queue is full; EIO in a forked child. See ibv_post_recv(3).
    package func postReceive(
        workRequestID: UInt64,
        elements: UnsafePointer<ScatterElement>?,
        count: Int
    ) -> Errno? {
        if let refusal = self.receiveRefusal { return refusal }
        guard let ring = self.receiveRing else { return .invalidArgument }
        let refusal = unsafe ring.post(workRequestID: workRequestID, elements: elements, count: count)
        self.didPostReceives(to: ring)
        return refusal
    }

    /// Why no receive request can be posted now to `receiveRing`, if so.
    package var receiveRefusal: Errno? {
        guard ProcessGuard.isOwn(self.generation) else { return ProcessGuard.foreignObject }
        return self.stateCode.load(ordering: .acquiring) == QueuePairState.reset.rawValue ? .invalidArgument : nil
    }

    /// Sees to those who wait for what was just posted.
    package func didPostReceives(to ring: ReceiveRing) {
        if ring.takeWaiter() { self.engine.notifyWaiters(of: ring) }
        // The state may have changed to error in between; whoever comes later flushes.
        if self.stateCode.load(ordering: .sequentiallyConsistent) == QueuePairState.error.rawValue {
            self.engine.lock.withLock {
                self.flushReceives()
                self.engine.finishRound(now: Timestamp(nanoseconds: MonotonicClock.now))
            }
        }
    }
}
