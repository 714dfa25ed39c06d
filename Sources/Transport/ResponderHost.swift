/// What a responder asks of the side that owns memory and receive queues.
///
/// Responders are generic over it, so that calls are direct. At most one receive request is in work at a time: from
/// `beginReceive` (answered with `.ready` or `.error`) to `completeReceive`.
package protocol ResponderHost: ~Copyable {
    /// Whether `byteCount` bytes at `address` may be accessed under `rKey`. Not called for 0 bytes, which are always fine.
    mutating func checkRemote(rKey: UInt32, address: UInt64, byteCount: UInt64, access: RemoteAccess) -> RemoteCheck

    /// Takes the next receive request for a message that begins.
    mutating func beginReceive() -> ReceiveStart

    /// Puts a part of a SEND into the receive request in work. Parts come in order, without gaps. On an unreliable
    /// connection a message may start over at offset 0.
    ///
    /// - Returns: `.success`, `.localLengthError` when the message is too long, or `.localProtectionError`.
    mutating func placeReceive(messageOffset: UInt32, payload: RawSpan) -> CompletionStatus

    /// Writes a part of a WRITE (never empty). The whole range was checked when the message began, but may be gone.
    mutating func placeWrite(rKey: UInt32, address: UInt64, payload: RawSpan) -> RemoteCheck

    /// Executes an atomic operation. `address` is aligned to 8, and was checked just before.
    mutating func atomic(
        rKey: UInt32,
        address: UInt64,
        operation: AtomicOperation,
        compareOrAdd: UInt64,
        swap: UInt64
    ) -> AtomicResult

    /// Invalidates `rKey` for a SEND with invalidate.
    ///
    /// - Returns: whether the key could be invalidated.
    mutating func invalidate(rKey: UInt32) -> Bool

    /// Completes the receive request in work.
    mutating func completeReceive(_ completion: ReceiveCompletion)
}
