internal import CVerbs

// Posting costs the adapter's call and a few stores. It allocates nothing unless it fails.

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
    public func post(
        _ request: SendRequest<Service>,
        id: UInt64 = 0,
        options: SendOptions = .signaled
    ) throws(VerbsError) {
        var element = request.element
        var raw = unsafe ibv_send_wr()
        var failed: UnsafeMutablePointer<ibv_send_wr>?
        // SAFETY: the adapter copies the request and its element before it returns.
        let result = unsafe withUnsafeMutablePointer(to: &raw) { pointer in
            unsafe withUnsafeMutablePointer(to: &element) { element in
                unsafe request.store(into: pointer, id: id, options: options)
                unsafe pointer.pointee.sg_list = unsafe element
                return unsafe self.rawPostSend(self.raw, pointer, &failed)
            }
        }
        guard result == 0 else { throw self.handle.postFailure("ibv_post_send", result, requestIndex: 0) }
    }

    /// Posts all requests of a batch, in order. The batch keeps them.
    ///
    /// - Throws: With ``VerbsError/requestIndex``, the first request that was refused; those before it are posted.
    public func post(_ batch: borrowing SendBatch<Service>) throws(VerbsError) {
        guard batch.count > 0 else { return }
        var failed: UnsafeMutablePointer<ibv_send_wr>?
        let result = unsafe self.rawPostSend(self.raw, batch.requests, &failed)
        guard result == 0 else {
            let index = unsafe failed.map { unsafe $0 - batch.requests } ?? 0
            throw self.handle.postFailure("ibv_post_send", result, requestIndex: index)
        }
    }
}

extension QueuePair where Stage: QueuePairStage {
    /// Posts room for one message, at most as long as `slice`. See ibv_post_recv(3).
    ///
    /// For a datagram, 40 bytes more are needed: its global route header comes first.
    ///
    /// - Throws: ``VerbsError/Code/queueFull``; ``VerbsError/Code/invalidArgument`` when receive requests come from a shared
    ///   queue.
    public func postReceive(into slice: RegionSlice<ReadWrite>, id: UInt64 = 0) throws(VerbsError) {
        var element = slice.element
        var raw = unsafe ibv_recv_wr()
        var failed: UnsafeMutablePointer<ibv_recv_wr>?
        // SAFETY: the adapter copies the request and its element before it returns.
        let result = unsafe withUnsafeMutablePointer(to: &raw) { pointer in
            unsafe withUnsafeMutablePointer(to: &element) { element in
                unsafe pointer.pointee.wr_id = id
                unsafe pointer.pointee.sg_list = unsafe element
                unsafe pointer.pointee.num_sge = 1
                return unsafe self.rawPostReceive(self.raw, pointer, &failed)
            }
        }
        guard result == 0 else { throw self.handle.postFailure("ibv_post_recv", result, requestIndex: 0) }
    }

    /// Posts all requests of a batch, in order. The batch keeps them.
    ///
    /// - Throws: With ``VerbsError/requestIndex``, the first request that was refused; those before it are posted.
    public func postReceive(_ batch: borrowing ReceiveBatch) throws(VerbsError) {
        guard batch.count > 0 else { return }
        var failed: UnsafeMutablePointer<ibv_recv_wr>?
        let result = unsafe self.rawPostReceive(self.raw, batch.requests, &failed)
        guard result == 0 else {
            let index = unsafe failed.map { unsafe $0 - batch.requests } ?? 0
            throw self.handle.postFailure("ibv_post_recv", result, requestIndex: index)
        }
    }
}
