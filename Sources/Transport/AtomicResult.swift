/// How an atomic operation that a peer asked for went.
package enum AtomicResult: Hashable, Sendable {
    /// What stood there before.
    case executed(UInt64)
    /// Another who works on the memory does not go on: the peer is told to come back later.
    case busy
    /// The memory is not accessible after all.
    case refused
}
