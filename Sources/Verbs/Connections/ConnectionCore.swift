internal import Synchronization
internal import SystemIO

/// What of a ``Connection`` the adapter and the poller refer to.
internal final class ConnectionCore: Sendable {
    let endpoint: Endpoint
    let pair: AsyncQueuePair<RC>
    let inbox: MessageInbox
    let options: ConnectionOptions
    private let receiveRegion: SharedRegion
    private let sendRegion: SharedRegion
    /// Buffers of the peer that may be sent to.
    let peerPlaces: CreditPool
    /// Own buffers to send from.
    private let bufferPlaces: CreditPool
    private let bufferIndices: IndexPool
    /// Own buffers that were freed and not yet told.
    private let freedCount = Atomic<Int>(0)
    private let isOver = Atomic<Bool>(false)
    let socket: StreamSocket
    let peerBufferByteCount: Int

    init(_ prepared: consuming PreparedConnection, peer: Greeting, socket: consuming StreamSocket) throws(VerbsError) {
        let receiveRegion = prepared.receiveRegion
        let options = prepared.options
        let endpoint = prepared.endpoint
        let connected = try prepared.pair.connect(to: peer.address, options.path)
        self.pair = try AsyncQueuePair(connected, endpoint.completions, sendPlaceCount: options.operationCount)
        self.endpoint = endpoint
        self.options = options
        self.receiveRegion = receiveRegion
        // A part is as long as the peer's buffers at most.
        self.peerBufferByteCount = min(peer.bufferByteCount, options.bufferByteCount)
        self.sendRegion = try endpoint.region(byteCount: options.bufferCount * options.bufferByteCount)
        self.peerPlaces = CreditPool(count: peer.bufferCount)
        self.bufferPlaces = CreditPool(count: options.bufferCount)
        self.bufferIndices = IndexPool(count: options.bufferCount)
        self.inbox = MessageInbox(region: receiveRegion, bufferByteCount: options.bufferByteCount)
        self.socket = socket
    }

    /// Posts all buffers. Before the peer is told that this side is ready.
    func postReceives() throws(VerbsError) {
        for index in 0..<self.options.capacity.receiveCount { try self.postReceive(index) }
    }
}

// MARK: - Sending

extension ConnectionCore {
    /// A buffer of this side, and the leave to fill one of the peer's.
    func takePlaces(isCancellable: Bool) async throws {
        let hasPlace = self.peerPlaces.tryTake()
        if !hasPlace {
            self.endpoint.statistics.countWait()
            if isCancellable { try await self.peerPlaces.take() } else { try await self.peerPlaces.takeToTheEnd() }
        }
        do {
            // A buffer is free again when the peer has it, which does not depend on anybody's program.
            if isCancellable { try await self.bufferPlaces.take() } else { try await self.bufferPlaces.takeToTheEnd() }
        } catch {
            self.peerPlaces.give()
            throw error
        }
    }

    /// Copies bytes into a buffer and posts it. The caller has taken the places.
    func postPart(_ bytes: ArraySlice<UInt8>, isLast: Bool) throws(VerbsError) {
        let index = self.bufferIndices.take()
        let start = index * self.options.bufferByteCount
        unsafe self.sendRegion.copy(bytes.span.bytes, at: start)
        let slice = self.sendRegion[start..<start + bytes.count]
        try self.post(isLast ? .last : .part, slice) { [bufferIndices, bufferPlaces] in
            bufferIndices.give(index)
            bufferPlaces.give()
        }
        self.endpoint.statistics.countSent(byteCount: bytes.count, endsMessage: isLast)
    }

    /// Says that no more messages come, and waits until the peer's adapter knows.
    func sendEnd() async throws {
        // Buffers come back in order, so the last one tells that all have arrived.
        for _ in 0..<self.options.bufferCount { try await self.bufferPlaces.takeToTheEnd() }
        let arrived = Outcome<Void>()
        try self.post(.end, self.sendRegion[0..<0]) { arrived.end(.success(())) }
        try await arrived.valueToTheEnd()
    }

    /// Waits until all that was sent lies in the peer's buffers.
    func flush() async throws {
        var takenCount = 0
        defer { self.bufferPlaces.give(takenCount) }
        for _ in 0..<self.options.bufferCount {
            try await self.bufferPlaces.take()
            takenCount += 1
        }
    }

    private func post(
        _ kind: MessageProtocol.Label.Kind,
        _ slice: SharedSlice,
        atEnd: @escaping @Sendable () -> Void
    ) throws(VerbsError) {
        let freedCount = self.freedCount.exchange(0, ordering: .acquiringAndReleasing)
        let label = MessageProtocol.Label(kind, freedCount: freedCount)
        let send = SentMessage(self, slice.region, atEnd)
        try self.post(send) { pair, id throws(VerbsError) in
            try pair.post(.send(slice.memory, immediate: label.rawValue), id: id)
        }
    }

    private func post(
        _ target: any CompletionTarget,
        _ body: (borrowing QueuePair<RC, ReadyToSend>, UInt64) throws(VerbsError) -> Void
    ) throws(VerbsError) {
        do throws(VerbsError) {
            try self.pair.core.post(target, body)
        } catch {
            self.fail(error)
            throw error
        }
        self.pair.core.completions.arm()
    }

    /// A SEND that is under way.
    private final class SentMessage: CompletionTarget {
        private let connection: ConnectionCore
        private let region: SharedRegion
        private let atEnd: @Sendable () -> Void

        init(_ connection: ConnectionCore, _ region: SharedRegion, _ atEnd: @escaping @Sendable () -> Void) {
            self.connection = connection
            self.region = region
            self.atEnd = atEnd
        }

        func end(_ completion: WorkCompletion) {
            if !completion.isSuccess { self.connection.fail(completion, "ibv_post_send") }
            self.atEnd()
        }

        func fail(_ error: VerbsError) {
            self.connection.fail(error)
            self.atEnd()
        }
    }
}

// MARK: - Receiving

extension ConnectionCore {
    private func postReceive(_ index: Int) throws(VerbsError) {
        let start = index * self.options.bufferByteCount
        let slice = self.receiveRegion[start..<start + self.options.bufferByteCount]
        try self.post(ReceivedMessage(self, index)) { pair, id throws(VerbsError) in
            try pair.postReceive(into: slice.memory, id: id)
        }
    }

    /// A buffer that is posted.
    private final class ReceivedMessage: CompletionTarget {
        private let connection: ConnectionCore
        private let index: Int

        init(_ connection: ConnectionCore, _ index: Int) {
            self.connection = connection
            self.index = index
        }

        func end(_ completion: WorkCompletion) { self.connection.receive(completion, index: self.index) }

        func fail(_ error: VerbsError) { self.connection.fail(error) }
    }

    private func receive(_ completion: WorkCompletion, index: Int) {
        guard completion.isSuccess else { return self.fail(completion, "ibv_post_recv") }
        guard let number = completion.immediate, let label = MessageProtocol.Label(rawValue: number),
            label.freedCount <= ConnectionOptions.bufferCountMax
        else {
            return self.fail(
                VerbsError(.connectionFailed, operation: "Connection", detail: "the peer sent what is no message")
            )
        }
        self.peerPlaces.give(label.freedCount)
        switch label.kind {
        case .last, .part:
            let isLast = label.kind == .last
            self.endpoint.statistics.countReceived(byteCount: completion.byteCount, endsMessage: isLast)
            self.inbox.append(bufferIndex: index, byteCount: completion.byteCount, isLast: isLast)
        case .control:
            try? self.postReceive(index)
        case .end:
            self.inbox.end(.success(()))
        }
    }

    /// The next message if it is there, or what to wait for.
    func nextMessage() throws(VerbsError) -> MessageInbox.Step {
        try self.inbox.next { index in
            // A failure is told by the next call.
            try? self.postReceive(index)
            let freedCount = self.freedCount.add(1, ordering: .acquiringAndReleasing).newValue
            guard freedCount >= max(self.options.bufferCount / 2, 1), !self.isOver.load(ordering: .acquiring) else {
                return
            }
            try? self.post(.control, self.sendRegion[0..<0]) {}
        }
    }
}

// MARK: - The end

extension ConnectionCore {
    private func fail(_ completion: WorkCompletion, _ operation: String) {
        self.fail(
            VerbsError(
                .workFailed,
                operation: operation,
                detail: "queue pair \(completion.qpn)",
                status: completion.status
            )
        )
    }

    /// Ends everything with an error, once.
    func fail(_ error: VerbsError) {
        guard !self.isOver.exchange(true, ordering: .acquiringAndReleasing) else { return }
        self.endpoint.statistics.countFailed()
        self.endpoint.observer?.connectionEnded(self.pair.address, error: error)
        self.shutDown(error)
    }

    /// Ends everything in good order, once.
    func finish() {
        guard !self.isOver.exchange(true, ordering: .acquiringAndReleasing) else { return }
        self.endpoint.observer?.connectionEnded(self.pair.address, error: nil)
        self.shutDown(VerbsError(.closed, operation: "Connection", detail: "this side has closed the connection"))
    }

    /// Ends a connection that nobody has got.
    func abandon() {
        guard !self.isOver.exchange(true, ordering: .acquiringAndReleasing) else { return }
        self.shutDown(VerbsError(.closed, operation: "Connection", detail: "nobody waits for it any more"))
    }

    private func shutDown(_ error: VerbsError) {
        self.inbox.end(.failure(error))
        self.peerPlaces.fail(error)
        self.bufferPlaces.fail(error)
        self.pair.close()
        // The descriptor is closed with the last reference: the poller may be about to read from it.
        self.socket.shutDown()
    }

    /// The peer's side of the TCP connection has ended.
    func peerHasGone() {
        // All that it sent before has been acknowledged and lies in the completion queue.
        self.endpoint.completions.core.drainToTheEnd()
        let error = VerbsError(
            .closed,
            operation: "Connection",
            detail: "the peer has closed the connection, or is gone"
        )
        if self.inbox.hasEnded { self.finish() } else { self.fail(error) }
    }
}
