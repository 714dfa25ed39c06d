/// One send work request without its memory: the fields of `ibv_send_wr`. See ibv_post_send(3).
///
/// `opcode` and `flags` are raw, because a C caller may pass any number; `QueuePair` checks them.
@safe
public struct SendWorkRequest {
    public var workRequestID: UInt64
    /// The value of `ibv_wr_opcode`.
    public var opcode: UInt32
    /// The bits of `ibv_send_flags`.
    public var flags: UInt32
    /// Immediate data in network byte order, or the key that a SEND with invalidate or a local invalidate names.
    public var immediateOrKey: UInt32
    public var remoteAddress: UInt64
    public var rKey: UInt32
    public var compareAdd: UInt64
    public var swap: UInt64
    /// Datagrams only. The handle must live until the request is appended; its path is copied.
    public var addressHandle: Unmanaged<AddressHandle>?
    /// On an extended connection, the shared receive queue that the request is for.
    public var remoteQP: UInt32
    public var remoteQKey: UInt32

    @inlinable @inline(always)
    public init(workRequestID: UInt64, opcode: UInt32, flags: UInt32) {
        self.workRequestID = workRequestID
        self.opcode = opcode
        self.flags = flags
        self.immediateOrKey = 0
        self.remoteAddress = 0
        self.rKey = 0
        self.compareAdd = 0
        self.swap = 0
        unsafe self.addressHandle = nil
        self.remoteQP = 0
        self.remoteQKey = 0
    }
}
