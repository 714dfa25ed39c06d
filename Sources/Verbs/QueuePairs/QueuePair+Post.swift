// Posting is inlined into the program: it costs the adapter's call and a few stores, and allocates nothing unless it fails.

extension QueuePair where Stage == ReadyToSend {
    /// Posts one send request. See ibv_post_send(3).
    ///
    /// The memory belongs to the adapter until the completion has come.
    ///
    /// - Parameters:
    ///   - request: What to do.
    ///   - id: Comes back with the completion.
    ///   - options: Signalled, unless it says otherwise.
    /// - Throws: ``VerbsError/Code/queueFull``; ``VerbsError/Code/wrongState`` after a failure.
    @inlinable
    @inline(always)
    public func post(
        _ request: SendRequest<Service>,
        id: UInt64 = 0,
        options: SendOptions = .signaled
    ) throws(VerbsError) {
        var element = request.element
        var raw = unsafe RawSendRequest()
        unsafe request.store(into: &raw, id: id, options: options)
        // SAFETY: the adapter copies the request and its element before it returns.
        let result = unsafe withUnsafeMutablePointer(to: &element) { element in
            unsafe raw.elements = unsafe element
            return unsafe self.rawPost(&raw)
        }
        guard result == 0 else { throw self.sendFailure(result) }
    }

    /// Posts all requests of a batch, in order. The batch keeps them.
    ///
    /// - Throws: With ``VerbsError/requestIndex``, the first request that was refused; those before it are posted.
    @inlinable
    @inline(always)
    public func post(_ batch: borrowing SendBatch<Service>) throws(VerbsError) {
        guard batch.count > 0 else { return }
        var failed: UnsafeMutableRawPointer?
        let result = unsafe self.rawPostSend(self.raw, batch.requests, &failed)
        guard result == 0 else {
            throw self.sendFailure(result, requestIndex: unsafe Self.index(of: failed, in: batch.requests))
        }
    }

    @inlinable
    @inline(always)
    @unsafe
    internal func rawPost(_ request: UnsafeMutablePointer<RawSendRequest>) -> CInt {
        var failed: UnsafeMutableRawPointer?
        return unsafe self.rawPostSend(self.raw, request, &failed)
    }
}

extension QueuePair where Stage: QueuePairStage {
    /// Posts room for one message, at most as long as `slice`. See ibv_post_recv(3).
    ///
    /// For a datagram, 40 bytes more are needed: its global route header comes first.
    ///
    /// - Parameters:
    ///   - slice: Belongs to the adapter until the completion has come.
    ///   - id: Comes back with the completion.
    /// - Throws: ``VerbsError/Code/queueFull``; ``VerbsError/Code/invalidArgument`` when receive requests come from a shared
    ///   queue.
    @inlinable
    @inline(always)
    public func postReceive(into slice: RegionSlice<ReadWrite>, id: UInt64 = 0) throws(VerbsError) {
        // SAFETY: the adapter copies the request and its element before it returns.
        let result = unsafe RawReceiveRequest.withOne(slice.element, id: id) { request in
            var failed: UnsafeMutableRawPointer?
            return unsafe self.rawPostReceive(self.raw, request, &failed)
        }
        guard result == 0 else { throw self.receiveFailure(result) }
    }

    /// Posts all requests of a batch, in order. The batch keeps them.
    ///
    /// - Throws: With ``VerbsError/requestIndex``, the first request that was refused; those before it are posted.
    @inlinable
    @inline(always)
    public func postReceive(_ batch: borrowing ReceiveBatch) throws(VerbsError) {
        guard batch.count > 0 else { return }
        var failed: UnsafeMutableRawPointer?
        let result = unsafe self.rawPostReceive(self.raw, batch.requests, &failed)
        guard result == 0 else {
            throw self.receiveFailure(result, requestIndex: unsafe Self.index(of: failed, in: batch.requests))
        }
    }
}

// MARK: - Refusals

extension QueuePair where Stage: QueuePairStage {
    @inline(never)
    @usableFromInline
    internal func sendFailure(_ result: CInt, requestIndex: Int = 0) -> VerbsError {
        self.handle.postFailure("ibv_post_send", result, requestIndex: requestIndex)
    }

    @inline(never)
    @usableFromInline
    internal func receiveFailure(_ result: CInt, requestIndex: Int = 0) -> VerbsError {
        self.handle.postFailure("ibv_post_recv", result, requestIndex: requestIndex)
    }

    /// The place of a request that was refused.
    @unsafe
    @usableFromInline
    internal static func index<Request>(
        of failed: UnsafeMutableRawPointer?,
        in requests: UnsafeMutablePointer<Request>
    ) -> Int {
        guard let failed = unsafe failed else { return 0 }
        return unsafe (failed - UnsafeMutableRawPointer(requests)) / MemoryLayout<Request>.stride
    }
}
