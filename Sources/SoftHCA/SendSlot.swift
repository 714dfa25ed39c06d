/// One place of a send queue, as it lies in private memory. Behind it follow the scatter elements, the inline bytes,
/// or a binding.
internal struct SendSlot: BitwiseCopyable {
    var workRequestID: UInt64 = 0
    var byteCount: UInt32 = 0
    var flags: UInt32 = 0
    /// The `ibv_wc_opcode` that the completion carries.
    var completionOpcode: UInt32 = 0
    var elementCount: UInt32 = 0
    /// The bytes behind the slot are the payload itself.
    var isInline = false
    /// The request completes with an entry even when it succeeds.
    var isSignaled = false
    /// The key that a bind makes valid, or an invalidate invalid.
    var windowKey: UInt32 = 0
    /// Of datagrams, and the shared receive queue of requests on an extended connection.
    var remoteQP: UInt32 = 0
    /// Datagrams only.
    var remoteQKey: UInt32 = 0
}
