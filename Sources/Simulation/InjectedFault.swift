/// A fault of a program or of its memory, which ends a connection. A run has at most one.
enum InjectedFault: Hashable, Sendable {
    case none
    /// Request `index` names a key that the peer does not have.
    case badKey(index: Int)
    /// Request `index` was found bad when it was posted.
    case refusedPost(index: Int)
    /// The local operation `index` fails when its turn comes.
    case failedLocal(index: Int)
    /// The memory of request `index` cannot be read when a packet of it is sent, or written when an answer comes.
    case badMemory(index: Int)
    /// The peer's receive request for message `ordinal` is too short.
    case shortReceive(ordinal: Int)
    /// The peer's memory is gone when READ data is gathered, from the given number of packets on.
    case lostReadMemory(packetCount: Int)
    /// The program moves the queue pair to the error state.
    case abort(nanoseconds: UInt64)
}
