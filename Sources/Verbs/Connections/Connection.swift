internal import SystemIO

/// A reliable connection to a peer, with messages and with access to its memory.
///
/// ```swift
/// let endpoint = try Endpoint()
/// let listener = try Listener(on: endpoint)
/// async let client = Connection(to: "127.0.0.1", port: listener.port, on: endpoint)
/// let server = try await listener.accept()
/// try await client.send("Hello, verbs!")
/// let message = try await server.receive()
/// ```
///
/// Addresses are exchanged over TCP; that connection then stays open and tells when the peer is gone. Messages are of any
/// length and arrive whole, in order. A sender waits while the receiver has no room, so neither side holds more than its
/// buffers. Cancelling a task that sends or receives loses no message and tears none.
public final class Connection: Sendable {
    private let core: ConnectionCore
    /// What the peer said in ``ConnectionOptions/greeting``.
    public let peerGreeting: [UInt8]
    /// Held while a message is sent, so that its parts stay together.
    private let sending = CreditPool(count: 1)
    private let watch: CompletionPoller.Watch

    internal init(_ established: EstablishedConnection) throws(VerbsError) {
        let core = established.core
        self.core = core
        self.peerGreeting = established.peerGreeting
        do throws(VerbsError) {
            self.watch = try CompletionPoller.watch(core.socket.descriptor.rawValue, on: nil) { [weak core] in
                guard let core else { return false }
                guard core.socket.hasEnded else { return true }
                core.peerHasGone()
                // Read to its end, it would stay readable for ever.
                return false
            }
        } catch {
            core.abandon()
            throw error
        }
    }

    /// Connects to a ``Listener``.
    ///
    /// - Parameters:
    ///   - host: A name or an address.
    ///   - port: The listener's.
    ///   - endpoint: The device that it goes by.
    ///   - options: Need not be those of the listener.
    /// - Throws: ``VerbsError/Code/connectionFailed`` when nobody listens there or answers.
    public convenience init(
        to host: String,
        port: UInt16,
        on endpoint: Endpoint,
        _ options: ConnectionOptions = ConnectionOptions()
    ) async throws {
        let established = try await HandshakeThread.run { () throws(VerbsError) in
            let prepared = try PreparedConnection(endpoint, options)
            let socket: StreamSocket
            do throws(Errno) {
                socket = try StreamSocket.connect(
                    host: host,
                    port: port,
                    timeoutSeconds: options.handshakeTimeoutSeconds
                )
            } catch {
                throw VerbsError(
                    .connectionFailed,
                    operation: "connect",
                    detail: "\(host) port \(port)",
                    errno: error.rawValue
                )
            }
            return try prepared.exchange(over: socket)
        } abandon: {
            $0.core.abandon()
        }
        try self.init(established)
    }

    deinit {
        self.watch.cancel()
        self.core.finish()
    }
}

// MARK: - Messages

extension Connection {
    /// Sends a message. It returns when the adapter has it; the memory is free then. See ``flush()``.
    ///
    /// - Throws: ``VerbsError/Code/closed`` after the end; ``VerbsError/Code/workFailed``.
    public func send(_ message: [UInt8]) async throws {
        try await self.sending.take()
        defer { self.sending.give() }
        var rest = message[...]
        var isFirst = true
        repeat {
            // Once begun, a message is sent to its end.
            try await self.core.takePlaces(isCancellable: isFirst)
            let part = rest.prefix(self.core.peerBufferByteCount)
            rest = rest.dropFirst(part.count)
            try self.core.postPart(part, isLast: rest.isEmpty)
            isFirst = false
        } while !rest.isEmpty
    }

    /// Sends a text as UTF-8.
    public func send(_ text: String) async throws {
        try await self.send(Array(text.utf8))
    }

    /// The next message, or nil when the peer has closed the connection in good order.
    ///
    /// - Throws: What ended the connection otherwise.
    public func receive() async throws -> [UInt8]? {
        while true {
            try Task.checkCancellation()
            switch try self.core.nextMessage() {
            case .message(let message): return message
            case .end: return nil
            case .wait(let waiter):
                try self.core.endpoint.completions.core.look { waiter.hasEnded }
                try await waiter.value()
            }
        }
    }

    /// The next message as text; bytes that are no UTF-8 are replaced.
    public func receiveText() async throws -> String? {
        try await self.receive().map { String(decoding: $0, as: UTF8.self) }
    }

    /// The messages, one after the other. For one task at a time.
    public var messages: Messages { Messages(connection: self) }

    /// See ``Connection/messages``.
    public struct Messages: AsyncSequence, Sendable {
        fileprivate let connection: Connection

        public struct Iterator: AsyncIteratorProtocol {
            fileprivate let connection: Connection

            public mutating func next() async throws -> [UInt8]? { try await self.connection.receive() }
        }

        public func makeAsyncIterator() -> Iterator { Iterator(connection: self.connection) }
    }
}

// MARK: - The peer's memory

extension Connection {
    /// Reads from the peer's memory.
    public func read(into slice: SharedSlice, from remote: RemoteRegion) async throws {
        try await self.core.pair.read(into: slice, from: remote)
    }

    /// Writes to the peer's memory. When it returns, the bytes are there.
    public func write(_ slice: SharedSlice, to remote: RemoteRegion) async throws {
        try await self.core.pair.write(slice, to: remote)
    }

    /// Reads a value from the peer's memory, in the byte order of this host.
    public func read<Value: BitwiseCopyable & Sendable>(_ remote: RemoteValue<Value>) async throws -> Value {
        let scratch = try self.core.endpoint.region(byteCount: max(remote.region.byteCount, 1))
        try await self.core.pair.read(into: scratch[0..<remote.region.byteCount], from: remote.region)
        return scratch.load(Value.self, at: 0)
    }

    /// Writes a value to the peer's memory, in the byte order of this host.
    public func write<Value: BitwiseCopyable & Sendable>(
        _ value: Value,
        to remote: RemoteValue<Value>
    ) async throws {
        let scratch = try self.core.endpoint.region(byteCount: max(remote.region.byteCount, 1))
        scratch.store(value, at: 0)
        try await self.core.pair.write(scratch[0..<remote.region.byteCount], to: remote.region)
    }

    /// Adds to a number in the peer's memory, at one stroke.
    ///
    /// - Returns: What was there before.
    public func fetchAndAdd(_ addend: UInt64, to remote: RemoteValue<UInt64>) async throws -> UInt64 {
        try await self.core.pair.fetchAndAdd(addend, to: remote)
    }

    /// Replaces a number in the peer's memory if it is the expected one, at one stroke.
    ///
    /// - Returns: What was there before: it was replaced if that is `expected`.
    public func compareAndSwap(
        _ remote: RemoteValue<UInt64>,
        expected: UInt64,
        desired: UInt64
    ) async throws -> UInt64 {
        try await self.core.pair.compareAndSwap(remote, expected: expected, desired: desired)
    }
}

// MARK: - The end

extension Connection {
    /// Waits until all messages that were sent lie in the peer's buffers.
    public func flush() async throws {
        try await self.sending.take()
        defer { self.sending.give() }
        try await self.core.flush()
    }

    /// Ends the connection in good order: what was sent arrives, and then the peer's `receive` returns nil.
    ///
    /// What the peer has sent and nobody received here is lost. Without it, a connection that is let go ends at once, and the
    /// peer gets an error.
    public func close() async {
        // After a failure there is nothing left to do in good order.
        if (try? await self.sending.takeToTheEnd()) != nil {
            try? await self.core.sendEnd()
            self.sending.give()
        }
        self.watch.cancel()
        self.core.finish()
    }
}
