#if NIO
public import NIOCore
public import Verbs

/// Takes completions on an event loop: tasks are resumed there, and handlers of its channels run between them.
///
/// ```
/// let endpoint = try Endpoint(executor: EventLoopExecutor(group.next()))
/// ```
///
/// SwiftNIO has no way to watch a descriptor without also reading it, and what lies in a completion channel must be read by
/// libibverbs. So the one thread that waits for all channels of the process hands each that has something to the loop; it
/// touches no completion itself.
public struct EventLoopExecutor: CompletionExecutor {
    private let eventLoop: any EventLoop

    public init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    public func run(_ job: @escaping @Sendable () -> Void) {
        self.eventLoop.execute(job)
    }
}

extension Connection {
    /// The next message as a future, for handlers that do not await; nil when the peer has closed.
    public func receive(on eventLoop: any EventLoop) -> EventLoopFuture<ByteBuffer?> {
        eventLoop.makeFutureWithTask { try await self.receive().map { ByteBuffer(bytes: $0) } }
    }

    /// Sends the readable bytes of a buffer as one message.
    public func send(_ buffer: ByteBuffer, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
        eventLoop.makeFutureWithTask { try await self.send(Array(buffer.readableBytesView)) }
    }
}
#endif
