/// One work request of a send queue, without the memory that it works on.
///
/// The requester never touches memory. It names the slot of the request and an offset into its message, and the side
/// that owns the scatter list gathers and scatters.
public struct SendRequest: BitwiseCopyable, Sendable {
    public enum Operation: UInt8, BitwiseCopyable, Hashable, Sendable {
        case send
        case sendWithInvalidate
        case write
        case read
        case compareAndSwap
        case fetchAndAdd
        /// Writes 8 bytes at once, and is answered (IBTA Volume 1, Annex A19).
        case atomicWrite
        /// Runs on this side; no packet leaves.
        case localInvalidate
        /// Runs on this side; no packet leaves.
        case bindMemoryWindow
    }

    public var operation: Operation
    /// Length of the message, 0 … `byteCountMax`. Ignored for the atomics, which are 8 bytes long.
    public var byteCount: UInt32
    /// Whether `immediate` travels with it. Only for `send` and `write`.
    public var hasImmediate = false
    /// In host byte order, as it shall stand in the packet.
    public var immediate: UInt32 = 0
    /// What `sendWithInvalidate` invalidates.
    public var invalidateRKey: UInt32 = 0
    public var remoteAddress: UInt64 = 0
    public var rKey: UInt32 = 0
    /// What `compareAndSwap` expects, or what `fetchAndAdd` adds.
    public var compareOrAdd: UInt64 = 0
    /// What `compareAndSwap` stores.
    public var swap: UInt64 = 0
    /// Asks for a completion event at the responder (SEND and WRITE with immediate).
    public var isSolicited = false
    /// Waits until all earlier READs and atomics are done.
    public var isFenced = false
    /// An error that was found when the request was posted. The request sends nothing; it completes with this in its
    /// turn, and the queue pair goes to the error state.
    public var localStatus = CompletionStatus.success

    public init(operation: Operation, byteCount: UInt32) {
        self.operation = operation
        self.byteCount = byteCount
    }
}

extension SendRequest {
    /// The longest message: 2^31 bytes (IBTA Volume 1, section 9.7.2).
    public static var byteCountMax: UInt32 { 1 << 31 }
}

extension SendRequest.Operation {
    /// Whether the responder answers it with more than an acknowledge, which an ACK of a later request cannot replace.
    public var isAnswered: Bool {
        switch self {
        case .read, .compareAndSwap, .fetchAndAdd, .atomicWrite: true
        case .send, .sendWithInvalidate, .write, .localInvalidate, .bindMemoryWindow: false
        }
    }

    /// Whether it runs on this side and sends no packet.
    public var isLocal: Bool {
        switch self {
        case .localInvalidate, .bindMemoryWindow: true
        case .send, .sendWithInvalidate, .write, .read, .compareAndSwap, .fetchAndAdd, .atomicWrite: false
        }
    }
}

extension SendRequest.Operation {
    /// Whether it works on 8 bytes of the responder and brings back what stood there.
    public var isAtomic: Bool {
        self == .compareAndSwap || self == .fetchAndAdd
    }
}
