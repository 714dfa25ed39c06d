extension QueuePair where Service: ConnectedService, Stage == ReadyToSend {
    /// Posts the bind of a window to a part of a region. See ibv_bind_mw(3) for type 1, ibv_post_send(3) for type 2.
    ///
    /// What is posted afterwards, such as the message that tells the peer, finds it bound. The completion fails with
    /// ``CompletionStatus/memoryWindowBindError`` when a window of type 2 is bound already: unbind it first.
    ///
    /// - Parameters:
    ///   - window: A window of type 1 loses its former key.
    ///   - region: Of the same domain, registered with ``RemoteAccess/windows``.
    ///   - range: Byte offsets in the region: at least one byte.
    ///   - remoteAccess: What peers may do: ``RemoteAccess/read``, ``RemoteAccess/write``, ``RemoteAccess/atomic``.
    ///   - id: Comes back with the completion.
    ///   - options: Signalled, unless it says otherwise.
    /// - Returns: What a peer needs to reach the memory, when the bind has ended. A window of type 2 is good for the peer of this
    ///   queue pair alone.
    /// - Throws: ``VerbsError/Code/invalidArgument``, which says what does not fit; ``VerbsError/Code/queueFull``.
    public func bind<Kind>(
        _ window: borrowing MemoryWindow<Kind>,
        to region: borrowing MemoryRegion,
        _ range: Range<Int>,
        remoteAccess: RemoteAccess,
        id: UInt64 = 0,
        options: SendOptions = .signaled
    ) throws(VerbsError) -> RemoteRegion {
        let range = try WindowRange(window.handle, region.handle, range, remoteAccess)
        return try self.bind(window.handle, range, id: id, options: options)
    }

    /// Posts that a window's key is taken away, so that no peer can use it any more. It can be bound anew afterwards.
    ///
    /// Of a window of type 2 that is not bound, or that the peer has taken away already, the completion fails.
    ///
    /// - Throws: ``VerbsError/Code/queueFull``; ``VerbsError/Code/wrongState`` after a failure.
    public func unbind<Kind>(
        _ window: borrowing MemoryWindow<Kind>,
        id: UInt64 = 0,
        options: SendOptions = .signaled
    ) throws(VerbsError) {
        try self.unbind(window.handle, id: id, options: options)
    }

    internal func bind(
        _ window: WindowHandle,
        _ range: WindowRange,
        id: UInt64,
        options: SendOptions
    ) throws(VerbsError) -> RemoteRegion {
        guard window.isType2 else {
            return range.remote(try window.bindType1(self.handle, range, id: id, options: options))
        }
        var request = unsafe RawSendRequest(id: id, options: options)
        let key = unsafe window.fillBind(&request, range)
        unsafe try self.post(&request)
        return range.remote(key)
    }

    internal func unbind(_ window: WindowHandle, id: UInt64, options: SendOptions) throws(VerbsError) {
        guard window.isType2 else {
            _ = try window.bindType1(self.handle, nil, id: id, options: options)
            return
        }
        var request = unsafe RawSendRequest(id: id, options: options)
        unsafe window.fillInvalidate(&request)
        unsafe try self.post(&request)
    }

    private func post(_ request: inout RawSendRequest) throws(VerbsError) {
        let result = unsafe self.rawPost(&request)
        guard result == 0 else { throw self.sendFailure(result) }
    }
}

extension SendBatch where Service: ConnectedService {
    /// Adds the bind of a window. The batch must not be full. See
    /// ``QueuePair/bind(_:to:_:remoteAccess:id:options:)``.
    ///
    /// Post the batch once: the key is that of one bind.
    ///
    /// - Returns: What a peer needs to reach the memory, when the bind has ended.
    /// - Throws: ``VerbsError/Code/invalidArgument``, which says what does not fit.
    public mutating func bind(
        _ window: borrowing MemoryWindow<WindowType2>,
        to region: borrowing MemoryRegion,
        _ range: Range<Int>,
        remoteAccess: RemoteAccess,
        id: UInt64 = 0,
        options: SendOptions = .signaled
    ) throws(VerbsError) -> RemoteRegion {
        let range = try WindowRange(window.handle, region.handle, range, remoteAccess)
        let request = unsafe self.next()
        unsafe request.pointee.start(id: id, options: options)
        return range.remote(unsafe window.handle.fillBind(request, range))
    }

    /// Adds that a window's key is taken away. The batch must not be full. See ``QueuePair/unbind(_:id:options:)``.
    public mutating func unbind(
        _ window: borrowing MemoryWindow<WindowType2>,
        id: UInt64 = 0,
        options: SendOptions = .signaled
    ) {
        let request = unsafe self.next()
        unsafe request.pointee.start(id: id, options: options)
        unsafe window.handle.fillInvalidate(request)
    }
}

extension RawSendRequest {
    /// A request without memory of its own.
    fileprivate init(id: UInt64, options: SendOptions) {
        unsafe self.init()
        unsafe self.start(id: id, options: options)
    }

    fileprivate mutating func start(id: UInt64, options: SendOptions) {
        unsafe self.id = id
        unsafe self.flags = options.rawValue
        unsafe self.elementCount = 0
    }
}
