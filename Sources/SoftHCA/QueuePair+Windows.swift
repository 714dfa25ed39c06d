package import Segment
package import SystemIO
internal import Transport

// Work requests that run on this side and send no packet: binding and invalidating memory windows.

extension QueuePair {
    /// Appends a bind of a window, after which peers may use it under `key`.
    ///
    /// - Parameter binding: Its domain and queue pair are set here.
    /// - Returns: As ``appendSend(_:elements:count:)``; EINVAL also on a service without windows.
    package func appendBind(_ request: SendWorkRequest, key: UInt32, to binding: MemoryBinding) -> Errno? {
        guard self.type != .datagram else { return .invalidArgument }
        if let refusal = self.refusal { return refusal }
        var binding = binding
        binding.domain = self.domain.handle
        binding.queuePair = self.number
        // SAFETY: every slot has room for a binding.
        unsafe self.sendQueue.body(of: self.sendQueue.stagedSlot).initializeMemory(as: MemoryBinding.self, to: binding)
        return self.stage(request, operation: .bindMemoryWindow, body: SendBody(windowKey: key), status: .success)
    }

    /// Appends the invalidation of the key in `immediateOrKey`.
    internal func appendInvalidate(_ request: SendWorkRequest) -> Errno? {
        if let refusal = self.refusal { return refusal }
        let body = SendBody(windowKey: request.immediateOrKey)
        return self.stage(request, operation: .localInvalidate, body: body, status: .success)
    }

    /// Runs the local operation whose turn it is on a reliable connection, if there is one, and says whether.
    internal func runLocalOperationReliable() -> Bool {
        guard let slot = self.rcRequester?.pendingLocalOperation else { return false }
        self.rcRequester?.completeLocal(slot: slot, status: self.runLocalOperation(slot))
        return true
    }

    internal func runLocalOperationUnreliable() -> Bool {
        guard let slot = self.ucRequester?.pendingLocalOperation else { return false }
        self.ucRequester?.completeLocal(slot: slot, status: self.runLocalOperation(slot))
        return true
    }

    /// Runs a bind or an invalidate, which may wait for processes that are at work here.
    internal func runLocalOperation(_ slot: Int) -> CompletionStatus {
        let key = self.sendQueue[slot].windowKey
        guard self.sendQueue[slot].completionOpcode == WorkCompletion.Opcode.bindWindow else {
            return self.memory.invalidateWindow(key: key, by: self.peerAccessor) ? .success : .memoryWindowBindError
        }
        // SAFETY: `appendBind` put it there.
        let binding = unsafe self.sendQueue.body(of: slot).load(as: MemoryBinding.self)
        self.hasBoundWindows = true
        let segment = self.engine.segment
        let isDone =
            binding.byteCount == 0
            ? segment.unbindWindow(key: key, domain: binding.domain)
            : segment.bindWindow(key: key, to: binding)
        return isDone ? .success : .memoryWindowBindError
    }
}
