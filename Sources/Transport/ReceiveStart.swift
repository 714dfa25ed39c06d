/// What the receive queue has for a message that begins.
package enum ReceiveStart: Hashable, Sendable {
    /// A receive request was consumed; what follows goes into it until `completeReceive`.
    case ready
    /// No receive request: the peer is told to wait.
    case empty
    /// There is no such receive queue: the peer broke the protocol. Extended connections only.
    case noQueue
    /// A receive request was consumed and is no good: it completes with this status.
    case error(CompletionStatus)
}
