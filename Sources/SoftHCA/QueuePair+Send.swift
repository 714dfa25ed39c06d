package import Segment
package import SystemIO
internal import Transport

// Posting send requests. A batch is one doorbell: `beginSend` takes the engine's lock, `commitSend` transmits what the
// window allows and gives it back.

extension QueuePair {
    /// Begins a batch, which ``commitSend()`` or ``abortSend()`` ends.
    ///
    /// - Returns: `nil`, or EIO in a child that was forked: it has neither the memory of the queue nor a lock that
    ///   anybody would give back, and nothing was begun.
    package func beginSend() -> Errno? {
        guard ProcessGuard.isOwn(self.generation) else { return ProcessGuard.foreignObject }
        self.engine.lock.lock()
        self.sendQueue.beginBatch()
        return nil
    }

    /// Transmits the batch as far as the window allows, and ends it.
    package func commitSend() {
        guard ProcessGuard.isOwn(self.generation) else { return }
        if let direct = unsafe self.directNow {
            // SAFETY: the queue pair keeps the connection as long as the lock is held.
            unsafe direct._withUnsafeGuaranteedRef { self.commitDirect($0) }
            return
        }
        let now = Timestamp(nanoseconds: MonotonicClock.now)
        self.startCommitted()
        self.serve(now: now)
        if self.isUnfinished { self.engine.touch(self) }
        self.engine.serveAttention(now: now)
        self.engine.finishRound(now: now)
        self.engine.lock.unlock()
    }

    /// Takes back what was appended since ``beginSend()``.
    package func abortSend() {
        guard ProcessGuard.isOwn(self.generation) else { return }
        self.sendQueue.abandonBatch()
        self.engine.lock.unlock()
    }

    /// Appends a request that gathers from, or scatters to, registered memory.
    ///
    /// - Returns: `nil`, or why it was not taken: EINVAL for a state or an opcode that cannot send or for too many
    ///   elements, ENOMEM when the queue is full. See ibv_post_send(3).
    package func appendSend(
        _ request: SendWorkRequest,
        elements: UnsafePointer<ScatterElement>?,
        count: Int
    ) -> Errno? {
        guard (0...self.sendQueue.elementsMax).contains(count) else { return .invalidArgument }
        guard let operation = self.operation(of: request.opcode) else { return .invalidArgument }
        if operation == .localInvalidate { return self.appendInvalidate(request) }
        if let refusal = self.refusal { return refusal }
        let slot = self.sendQueue.stagedSlot
        var byteCount: UInt64 = 0
        var status = CompletionStatus.success
        let access: AccessFlags = operation.writesLocally ? .localWrite : .localRead
        let isCheckedLater = self.checksMemoryLater(operation, opcode: request.opcode)
        let copies = unsafe self.sendQueue.elements(of: slot)
        for index in 0..<count {
            // SAFETY: the caller has `count` elements there, and a slot has room for as many.
            guard let element = unsafe elements?[index] else { return .invalidArgument }
            unsafe copies.advanced(by: index).initialize(to: element)
            byteCount += UInt64(element.byteCount)
            if !isCheckedLater, element.byteCount > 0, !self.isAccessible(element, access: access) {
                status = .localProtectionError
            }
        }
        if byteCount > UInt64(SendRequest.byteCountMax) { status = .localLengthError }
        if operation.isAtomic && byteCount != 8 { status = .localLengthError }
        // It could never be sent, and would stop the queue for good.
        if operation.isAnswered && self.attributes.readsMax == 0 { status = .localQPOperationError }
        let body = SendBody(
            byteCount: UInt32(min(byteCount, UInt64(SendRequest.byteCountMax))),
            elementCount: UInt32(count),
            isInline: false
        )
        return self.stage(request, operation: operation, body: body, status: status)
    }

    /// Whether whoever executes the request looks at this side's memory before it does anything that the peer can see, so that
    /// to look now would be once too often.
    @inline(always)
    private func checksMemoryLater(_ operation: SendRequest.Operation, opcode: UInt32) -> Bool {
        guard unsafe self.directNow != nil else { return false }
        return switch operation {
        // A WRITE with immediate takes a receive request first.
        case .write: opcode == 0
        case .read: true
        default: false
        }
    }

    /// Appends a request whose payload is copied now.
    ///
    /// - Returns: As ``appendSend(_:elements:count:)``; EINVAL also when the payload exceeds the inline limit.
    package func appendInline(
        _ request: SendWorkRequest,
        byteCount: Int,
        gather: (UnsafeMutableRawBufferPointer) -> Void
    ) -> Errno? {
        guard let operation = self.operation(of: request.opcode), !operation.writesLocally, !operation.isLocal else {
            return .invalidArgument
        }
        // `ibv_wr_atomic_write` brings its eight bytes along, for which every slot has room.
        let byteCountMax =
            operation == .atomicWrite ? max(8, self.sendQueue.inlineByteCount) : self.sendQueue.inlineByteCount
        guard byteCount <= byteCountMax else { return .invalidArgument }
        if let refusal = self.refusal { return refusal }
        // SAFETY: a slot has room for as many bytes as the inline limit.
        unsafe gather(
            UnsafeMutableRawBufferPointer(start: self.sendQueue.body(of: self.sendQueue.stagedSlot), count: byteCount)
        )
        let body = SendBody(byteCount: UInt32(byteCount), elementCount: 0, isInline: true)
        var status = CompletionStatus.success
        if operation.isAtomic && byteCount != 8 { status = .localLengthError }
        if operation.isAnswered && self.attributes.readsMax == 0 { status = .localQPOperationError }
        return self.stage(request, operation: operation, body: body, status: status)
    }
}

// MARK: - Staging

extension QueuePair {
    internal struct SendBody {
        var byteCount: UInt32 = 0
        var elementCount: UInt32 = 0
        var isInline = false
        /// Of a local operation.
        var windowKey: UInt32 = 0
    }

    private enum SendFlag {
        static var fence: UInt32 { 1 }
        static var signaled: UInt32 { 2 }
        static var solicited: UInt32 { 4 }
    }

    /// Why nothing can be posted now.
    @inline(always)
    internal var refusal: Errno? {
        guard ProcessGuard.isOwn(self.generation) else { return ProcessGuard.foreignObject }
        return switch self.state {
        case .reset, .initialized, .readyToReceive: .invalidArgument
        case .readyToSend, .sendDrained, .sendError, .error: self.hasRoom ? nil : .noMemory
        }
    }

    @inline(always)
    private var hasRoom: Bool {
        if self.sendQueue.freeCount == 0 {
            self.sendQueue.free(polledCount: self.sendCompletions.ring.consumedCount)
        }
        return self.sendQueue.freeCount > 0
    }

    /// What an `ibv_wr_opcode` does on this service, or `nil` when the service does not have it. Binds have a way of
    /// their own.
    @inline(always)
    private func operation(of opcode: UInt32) -> SendRequest.Operation? {
        // What nearly all are, without the table of jumps below.
        if self.type == .reliable, opcode <= 3 { return opcode <= 1 ? .write : .send }
        return self.rareOperation(of: opcode)
    }

    private func rareOperation(of opcode: UInt32) -> SendRequest.Operation? {
        // What an initiator asks for is what any reliable connection can ask for, but for ATOMIC WRITE.
        let type = self.type == .extendedSend && opcode <= 6 ? .reliable : self.type
        return switch (opcode, type) {
        case (0, .reliable), (1, .reliable), (0, .unreliableConnected), (1, .unreliableConnected): .write
        case (2, .reliable), (3, .reliable), (2, .unreliableConnected), (3, .unreliableConnected): .send
        case (2, .datagram), (3, .datagram): .send
        case (4, .reliable): .read
        case (5, .reliable): .compareAndSwap
        case (6, .reliable): .fetchAndAdd
        case (7, .reliable), (7, .unreliableConnected): .localInvalidate
        case (9, .reliable): .sendWithInvalidate
        case (15, .reliable): .atomicWrite
        default: nil
        }
    }

    @inline(always)
    internal func stage(
        _ request: SendWorkRequest,
        operation: SendRequest.Operation,
        body: SendBody,
        status: CompletionStatus
    ) -> Errno? {
        let slotIndex = self.sendQueue.stagedSlot
        if self.type == .datagram {
            guard let handle = unsafe request.addressHandle else { return .invalidArgument }
            // SAFETY: the caller keeps the handle alive during the call.
            self.sendQueue.setPath(unsafe handle._withUnsafeGuaranteedRef { $0.path }, of: slotIndex)
        }
        self.sendQueue[slotIndex] = SendSlot(
            workRequestID: request.workRequestID,
            byteCount: body.byteCount,
            flags: request.flags,
            completionOpcode: operation.completionOpcode,
            elementCount: body.elementCount,
            isInline: body.isInline,
            isSignaled: self.signalsAll || request.flags & SendFlag.signaled != 0,
            windowKey: body.windowKey,
            remoteQP: request.remoteQP,
            remoteQKey: request.remoteQKey
        )
        var send = SendRequest(operation: operation, byteCount: body.byteCount)
        send.hasImmediate = request.opcode == 1 || request.opcode == 3
        if operation == .sendWithInvalidate {
            send.invalidateRKey = request.immediateOrKey
        } else {
            send.immediate = UInt32(bigEndian: request.immediateOrKey)
        }
        send.remoteAddress = request.remoteAddress
        send.rKey = request.rKey
        send.compareOrAdd = request.compareAdd
        send.swap = request.swap
        send.isSolicited = request.flags & SendFlag.solicited != 0
        send.isFenced = request.flags & SendFlag.fence != 0
        send.localStatus = status
        self.sendQueue.stage(send)
        return nil
    }
}

// MARK: - Starting

extension QueuePair {
    /// Hands what was posted to the protocol. Datagrams, behind which there is no other queue, wait while the send queue
    /// is drained.
    internal func startCommitted() {
        if self.type == .datagram && self.state == .sendDrained { return }
        while let (slot, request) = self.sendQueue.commitNext() {
            self.start(request, slot: slot)
        }
    }

    /// Hands a committed request to the protocol.
    private func start(_ request: SendRequest, slot: Int) {
        // The direct path works on the queue itself.
        if self.direct != nil { return }
        switch self.type {
        case .reliable, .extendedSend: self.post(self.rcRequester?.post(request), slot: slot)
        case .extendedReceive: preconditionFailure("a target posts nothing")
        case .unreliableConnected: self.post(self.ucRequester?.post(request), slot: slot)
        case .datagram: self.sendDatagram(request, slot: slot)
        }
    }

    /// The protocol numbers its slots as the send queue does. A queue pair in error has none, or one that flushes.
    private func post(_ action: RCRequester.PostAction?, slot: Int) {
        switch action {
        case .queued(let index): precondition(index == slot, "both rings number requests alike")
        case .full: preconditionFailure("both rings have the same size")
        case nil: self.complete(slot: slot, status: .flushed)
        }
    }
}

extension SendRequest.Operation {
    /// Whether the answer is written to the request's own memory.
    internal var writesLocally: Bool {
        switch self {
        case .read, .compareAndSwap, .fetchAndAdd: true
        case .send, .sendWithInvalidate, .write, .atomicWrite, .localInvalidate, .bindMemoryWindow: false
        }
    }

    internal var isAtomic: Bool {
        switch self {
        case .compareAndSwap, .fetchAndAdd, .atomicWrite: true
        case .send, .sendWithInvalidate, .write, .read, .localInvalidate, .bindMemoryWindow: false
        }
    }

    internal var completionOpcode: UInt32 {
        switch self {
        case .send, .sendWithInvalidate: WorkCompletion.Opcode.send
        case .write: WorkCompletion.Opcode.rdmaWrite
        case .read: WorkCompletion.Opcode.rdmaRead
        case .compareAndSwap: WorkCompletion.Opcode.compareSwap
        case .fetchAndAdd: WorkCompletion.Opcode.fetchAdd
        case .atomicWrite: WorkCompletion.Opcode.atomicWrite
        case .localInvalidate: WorkCompletion.Opcode.localInvalidate
        case .bindMemoryWindow: WorkCompletion.Opcode.bindWindow
        }
    }
}
