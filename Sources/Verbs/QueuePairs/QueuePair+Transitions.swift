// Each transition consumes the queue pair and gives it back with another type. When one fails, the queue pair is destroyed:
// no type would describe what is left of it.

extension QueuePair where Service: ConnectedService, Stage == Initialized {
    /// INIT to RTR: messages of the peer arrive.
    public consuming func readyToReceive(
        from peer: QueuePairAddress,
        _ options: PathOptions = PathOptions()
    ) throws(VerbsError) -> QueuePair<Service, ReadyToReceive> {
        try self.handle.becomeReadyToReceive(from: peer, options)
        return QueuePair<Service, ReadyToReceive>(self.handle)
    }

    /// INIT to RTS by way of RTR: messages arrive and leave.
    ///
    /// A peer that is not there yet is no error here; what is sent to it is tried again as `options` say.
    public consuming func connect(
        to peer: QueuePairAddress,
        _ options: PathOptions = PathOptions()
    ) throws(VerbsError) -> QueuePair<Service, ReadyToSend> {
        try self.readyToReceive(from: peer, options).readyToSend(options)
    }
}

extension QueuePair where Service: ConnectedService, Stage == ReadyToReceive {
    /// RTR to RTS: messages also leave.
    public consuming func readyToSend(
        _ options: PathOptions = PathOptions()
    ) throws(VerbsError) -> QueuePair<Service, ReadyToSend> {
        try self.handle.becomeReadyToSend(options)
        return QueuePair<Service, ReadyToSend>(self.handle)
    }
}

extension QueuePair where Service == UD, Stage == Initialized {
    /// INIT to RTS by way of RTR: datagrams arrive and leave.
    public consuming func activate() throws(VerbsError) -> QueuePair<UD, ReadyToSend> {
        try self.handle.becomeReadyToReceive(from: nil, PathOptions())
        try self.handle.becomeReadyToSend(PathOptions())
        return QueuePair<UD, ReadyToSend>(self.handle)
    }
}
