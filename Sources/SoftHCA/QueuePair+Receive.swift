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
        unsafe self.postReceives { append in unsafe append(workRequestID, elements, count) }
    }

    /// Posts receive requests.
    ///
    /// - Parameter body: Gets a function that appends one request, and returns why it was not taken, if it was not; the last
    ///   such answer is the result. As `postReceive` has it.
    @inline(always)
    package func postReceives(
        _ body: ((UInt64, UnsafePointer<ScatterElement>?, Int) -> Errno?) -> Errno?
    ) -> Errno? {
        guard ProcessGuard.isOwn(self.generation) else { return ProcessGuard.foreignObject }
        guard let ring = self.receiveRing, self.stateCode.load(ordering: .acquiring) != QueuePairState.reset.rawValue
        else {
            return .invalidArgument
        }
        var batch = ring.beginPosting()
        let refusal = unsafe body { workRequestID, elements, count in
            // SAFETY: the caller has `count` elements there.
            unsafe ring.append(&batch, workRequestID: workRequestID, elements: elements, count: count)
        }
        ring.endPosting(batch)
        if ring.takeWaiter() { self.engine.notifyWaiters(of: ring) }
        // The state may have changed to error in between; whoever comes later flushes.
        if self.stateCode.load(ordering: .sequentiallyConsistent) == QueuePairState.error.rawValue {
            self.engine.lock.withLock {
                self.flushReceives()
                self.engine.finishRound(now: Timestamp(nanoseconds: MonotonicClock.now))
            }
        }
        return refusal
    }
}
