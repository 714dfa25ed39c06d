internal import SystemIO

/// One side of a connection before it knows the other.
internal struct PreparedConnection: ~Copyable {
    let endpoint: Endpoint
    let options: ConnectionOptions
    let pair: QueuePair<RC, Initialized>
    let receiveRegion: SharedRegion

    init(_ endpoint: Endpoint, _ options: ConnectionOptions) throws(VerbsError) {
        try options.validate()
        let pair = try endpoint.completions.queuePair(
            RC.self,
            in: endpoint.domain,
            capacity: options.capacity,
            remoteAccess: options.remoteAccess,
            port: endpoint.port,
            gidIndex: endpoint.gidIndex
        )
        let receiveRegion = try endpoint.region(byteCount: options.capacity.receiveCount * options.bufferByteCount)
        self.endpoint = endpoint
        self.options = options
        self.pair = pair
        self.receiveRegion = receiveRegion
    }

    /// Exchanges addresses with the peer and connects. Blocks the thread.
    consuming func exchange(over socket: consuming StreamSocket) throws(VerbsError) -> EstablishedConnection {
        let own = Greeting(address: self.pair.address, options: self.options)
        do throws(Errno) {
            try socket.sendAll(own.encoded)
        } catch {
            throw .handshake(error)
        }
        let said: [UInt8]
        do throws(Errno) {
            said = try socket.receiveAll(byteCount: Greeting.byteCount)
        } catch {
            throw .handshake(error)
        }
        guard let peer = Greeting(said) else {
            throw VerbsError(
                .connectionFailed,
                operation: "Connection",
                detail: "the peer does not speak this protocol; is it another program's port?"
            )
        }
        let core = try ConnectionCore(self, peer: peer, socket: socket)
        try core.postReceives()
        do throws(Errno) {
            try core.socket.sendAll([Greeting.ready])
            guard try core.socket.receiveAll(byteCount: 1) == [Greeting.ready] else { throw .invalidArgument }
        } catch {
            core.abandon()
            throw .handshake(error)
        }
        core.endpoint.statistics.countOpened()
        core.endpoint.observer?.connectionOpened(core.pair.address, peer: peer.address)
        return EstablishedConnection(core: core, peerGreeting: peer.bytes)
    }
}

/// One side of a connection when addresses have been exchanged.
internal struct EstablishedConnection: Sendable {
    let core: ConnectionCore
    let peerGreeting: [UInt8]
}

extension VerbsError {
    fileprivate static func handshake(_ error: Errno) -> VerbsError {
        let reason =
            error == .wouldBlock ? "the peer did not answer in time" : "the peer ended the exchange of addresses"
        return VerbsError(.connectionFailed, operation: "Connection", detail: reason, errno: error.rawValue)
    }
}
