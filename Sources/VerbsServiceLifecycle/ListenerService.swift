#if ServiceLifecycle
public import ServiceLifecycle
public import Verbs

/// A listener as a service: it serves each connection in a task of its own, and stops in good order.
///
/// ```
/// let service = ListenerService(listener) { connection in
///     while let message = try? await connection.receive() { try? await connection.send(message) }
/// }
/// try await ServiceGroup(services: [service], logger: logger).run()
/// ```
///
/// When the group shuts down gracefully, no further peer is accepted, and the service ends when the last connection has been
/// served. Handlers see the shutdown by `Task.isShuttingDownGracefully` and its handlers. A group with a time limit cancels
/// what is left.
public struct ListenerService: Service {
    private let listener: Listener
    private let handler: @Sendable (Connection) async -> Void

    public init(_ listener: Listener, _ handler: @escaping @Sendable (Connection) async -> Void) {
        self.listener = listener
        self.handler = handler
    }

    public func run() async throws {
        try await withGracefulShutdownHandler {
            try await withThrowingDiscardingTaskGroup { group in
                for try await connection in self.listener.connections {
                    group.addTask {
                        await self.handler(connection)
                        await connection.close()
                    }
                }
            }
        } onGracefulShutdown: {
            self.listener.close()
        }
    }
}
#endif
