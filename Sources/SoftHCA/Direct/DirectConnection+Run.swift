internal import Segment
internal import SystemIO
internal import Transport

// Short WRITEs, or READs, that stand one behind the other in the send queue: several in one system call, whose fixed cost is many
// times that of copying a few bytes.

extension DirectConnection {
    /// Longer requests go by themselves: copying them takes longer than a system call.
    private static var runRequestByteCountMax: UInt32 { 16 << 10 }

    /// Executes what can share one call, of the requests at the head of the queue. What is at fault, and what is alone, is left
    /// to `execute`.
    ///
    /// - Parameter budget: As for `execute`; each request counts `requestByteCount` besides.
    /// - Returns: How many requests are done, which are not completed yet; `nil` when nothing stands in the way of later ones but
    ///   the one at the head is alone, or of a kind that goes by itself.
    @inline(always)
    func executeRun(of queuePair: QueuePair, budget: inout Int) -> Int? {
        guard queuePair.sendQueue.committedCount > 1, !self.peer.isSelf, !self.hasBegun else { return nil }
        let request = queuePair.sendQueue.request(at: queuePair.sendQueue.headSlot)
        guard request.operation == .write || request.operation == .read,
            request.byteCount <= Self.runRequestByteCountMax
        else { return nil }
        return self.executeRun(of: queuePair, isRead: request.operation == .read, budget: &budget)
    }

    @inline(never)
    private func executeRun(of queuePair: QueuePair, isRead: Bool, budget: inout Int) -> Int? {
        self.peer.enter()
        defer { self.peer.leave() }
        guard self.examine() == .none else { return 0 }
        let run = self.gatherRun(of: queuePair, isRead: isRead, budget: budget)
        guard run.requestCount > 1 else { return run.requestCount == 0 ? 0 : nil }
        self.noteCommunication()
        let scratch = unsafe (queuePair.engine.scratch.local, queuePair.engine.scratch.remote)
        var copiedCount = unsafe self.peer.copySome(
            UnsafeBufferPointer(start: scratch.0, count: run.localCount),
            UnsafeBufferPointer(start: scratch.1, count: run.requestCount),
            isRead: isRead
        )
        var doneCount = 0
        while doneCount < run.requestCount {
            let byteCount = unsafe scratch.1[doneCount].byteCount
            guard copiedCount >= byteCount else { break }
            copiedCount -= byteCount
            budget -= byteCount + Self.requestByteCount
            doneCount += 1
        }
        return doneCount
    }

    /// Lists the ranges of this process and of the peer, in the engine's scratch lists.
    private func gatherRun(
        of queuePair: QueuePair,
        isRead: Bool,
        budget: Int
    ) -> (requestCount: Int, localCount: Int) {
        guard self.access.contains(isRead ? .remoteRead : .remoteWrite), !isRead || self.readsMax > 0 else {
            return (0, 0)
        }
        let committedCount = queuePair.sendQueue.committedCount
        var budget = budget
        var slot = queuePair.sendQueue.headSlot
        var requestCount = 0
        var localCount = 0
        while requestCount < min(committedCount, Limits.scatterElements) {
            let request = queuePair.sendQueue.request(at: slot)
            let elementCount = Int(queuePair.sendQueue[slot].elementCount)
            guard request.operation == (isRead ? .read : .write), !request.hasImmediate,
                request.localStatus == .success,
                (1...Self.runRequestByteCountMax).contains(request.byteCount),
                localCount + max(elementCount, 1) <= Limits.scatterElements
            else { break }
            let byteCount = Int(request.byteCount)
            budget -= byteCount + Self.requestByteCount
            guard budget >= 0,
                let location = self.locate(request, isRead ? .remoteRead : .remoteWrite, at: 0, byteCount),
                location.place.isProcess, unsafe self.peer.mapped(location, byteCount: byteCount) == nil,
                let count = queuePair.gatherRanges(
                    slot: slot,
                    messageOffset: 0,
                    byteCount: byteCount,
                    access: isRead ? .localWrite : .localRead,
                    at: localCount
                )
            else { break }
            unsafe queuePair.engine.scratch.remote[requestCount] = MemoryRange(
                address: UInt(location.position),
                byteCount: byteCount
            )
            localCount += count
            requestCount += 1
            slot = queuePair.sendQueue.place(after: slot)
        }
        return (requestCount, localCount)
    }
}
