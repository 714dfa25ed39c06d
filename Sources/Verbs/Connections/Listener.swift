internal import SystemIO

/// Waits for peers on a TCP port and makes a ``Connection`` with each.
///
/// ```swift
/// func echo(_ listener: Listener) async throws {
///     for try await connection in listener.connections {
///         for try await message in connection.messages { try await connection.send(message) }
///     }
/// }
/// ```
///
/// Peers that come while nobody accepts wait; at most ``backlog`` of them.
public final class Listener: Sendable {
    /// The TCP port that it listens on.
    public let port: UInt16
    private let core: ListenerCore
    private let watch: CompletionPoller.Watch

    /// Peers that may wait until they are accepted.
    public static var backlog: Int { 128 }

    /// - Parameters:
    ///   - endpoint: The device that its connections go by.
    ///   - port: 0 for one that is free.
    ///   - host: Listens on this address only; nil for all.
    ///   - options: For each connection.
    /// - Throws: ``VerbsError/Code/system`` with `EADDRINUSE` when the port is taken.
    public init(
        on endpoint: Endpoint,
        port: UInt16 = 0,
        host: String? = nil,
        _ options: ConnectionOptions = ConnectionOptions()
    ) throws(VerbsError) {
        try options.validate()
        let core: ListenerCore
        do throws(Errno) {
            let socket = try StreamSocket.listen(host: host, port: port, backlog: CInt(Self.backlog))
            try socket.descriptor.setNonBlocking(true)
            self.port = try socket.localPort()
            core = ListenerCore(endpoint: endpoint, options: options, socket: socket)
        } catch {
            throw VerbsError(error, operation: "listen", detail: "port \(port)")
        }
        self.core = core
        self.watch = try CompletionPoller.watch(core.socket.descriptor.rawValue, on: nil) { [weak core] in
            core?.acceptAll()
            return core != nil
        }
    }

    deinit {
        self.close()
    }
}

extension Listener {
    /// The next connection; waits for a peer.
    ///
    /// A peer that does not complete the exchange of addresses is dropped and does not show here.
    ///
    /// - Throws: ``VerbsError/Code/closed`` after ``close()``.
    public func accept() async throws -> Connection {
        while true {
            switch try self.core.next() {
            case .connection(let connection): return connection
            case .wait(let waiter): try await waiter.value()
            }
        }
    }

    /// Accepts no more. Connections that were accepted live on.
    public func close() {
        self.watch.cancel()
        self.core.close()
    }

    /// The connections, one after the other, until the listener is closed or the task is cancelled.
    public var connections: Connections { Connections(listener: self) }

    /// See ``Listener/connections``.
    public struct Connections: AsyncSequence, Sendable {
        fileprivate let listener: Listener

        public struct Iterator: AsyncIteratorProtocol {
            fileprivate let listener: Listener

            public mutating func next() async throws -> Connection? {
                do {
                    return try await self.listener.accept()
                } catch let error as VerbsError where error.code == .closed {
                    return nil
                } catch is CancellationError {
                    return nil
                }
            }
        }

        public func makeAsyncIterator() -> Iterator { Iterator(listener: self.listener) }
    }
}

/// What of a listener the poller and the handshakes refer to.
@safe
internal final class ListenerCore {
    enum Step {
        case connection(Connection)
        case wait(Outcome<Void>)
    }

    let socket: StreamSocket
    private let endpoint: Endpoint
    private let options: ConnectionOptions
    private let lock = Lock()
    // SAFETY: read and written under the lock only.
    private var ready: [Connection] = []
    private var handshakeCount = 0
    private var waiters: [Outcome<Void>] = []
    private var isClosed = false

    /// Exchanges of addresses under way at a time; peers beyond that wait in the kernel.
    private static var handshakeCountMax: Int { 32 }

    init(endpoint: Endpoint, options: ConnectionOptions, socket: consuming StreamSocket) {
        self.endpoint = endpoint
        self.options = options
        self.socket = socket
    }

    /// A connection that is ready, or what to wait for.
    func next() throws(VerbsError) -> Step {
        let step = try self.lock.withLock { () throws(VerbsError) -> Step in
            if !self.ready.isEmpty { return .connection(self.ready.removeFirst()) }
            guard !self.isClosed else {
                throw VerbsError(.closed, operation: "accept", detail: "the listener is closed")
            }
            let waiter = Outcome<Void>()
            self.waiters.append(waiter)
            return .wait(waiter)
        }
        if case .connection = step { self.acceptAll() }
        return step
    }

    /// Begins with the peers that wait, as many as there is room for.
    func acceptAll() {
        while self.begin() {
            guard let peer = try? self.socket.accept(timeoutSeconds: self.options.handshakeTimeoutSeconds) else {
                return self.end(nil)
            }
            let arrived = ArrivedPeer(peer)
            do throws(VerbsError) {
                try HandshakeThread.start { self.end(self.greet(arrived)) }
            } catch {
                self.end(nil)
            }
        }
    }

    private func greet(_ peer: ArrivedPeer) -> Connection? {
        guard let socket = peer.take() else { return nil }
        do throws(VerbsError) {
            let prepared = try PreparedConnection(self.endpoint, self.options)
            return try Connection(prepared.exchange(over: socket))
        } catch {
            self.endpoint.observer?.peerDropped(error)
            return nil
        }
    }

    private func begin() -> Bool {
        self.lock.withLock {
            let isPossible =
                !self.isClosed && self.handshakeCount < Self.handshakeCountMax && self.ready.count < Listener.backlog
            if isPossible { self.handshakeCount += 1 }
            return isPossible
        }
    }

    private func end(_ connection: Connection?) {
        let waiters = self.lock.withLock {
            self.handshakeCount -= 1
            guard let connection, !self.isClosed else { return [Outcome<Void>]() }
            self.ready.append(connection)
            return self.takeWaiters()
        }
        for waiter in waiters { waiter.end(.success(())) }
        // One may have waited in the kernel for this place.
        if connection != nil { self.acceptAll() }
    }

    func close() {
        let (waiters, dropped) = self.lock.withLock {
            self.isClosed = true
            defer { self.ready = [] }
            return (self.takeWaiters(), self.ready)
        }
        for waiter in waiters { waiter.end(.success(())) }
        // The descriptor is closed with the last reference: the poller may be about to accept from it.
        self.socket.shutDown()
        _ = consume dropped
    }

    private func takeWaiters() -> [Outcome<Void>] {
        defer { self.waiters = [] }
        return self.waiters
    }
}

// SAFETY: see the stored properties.
extension ListenerCore: @unchecked Sendable {}

/// A socket on its way into a thread, which takes it once.
@safe
private final class ArrivedPeer {
    private let lock = Lock()
    // SAFETY: taken under the lock only.
    private var socket: StreamSocket?

    init(_ socket: consuming StreamSocket) {
        self.socket = consume socket
    }

    func take() -> StreamSocket? {
        self.lock.withLock { self.socket.take() }
    }
}

// SAFETY: see the stored property.
extension ArrivedPeer: @unchecked Sendable {}
