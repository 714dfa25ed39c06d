/// One completion: the fields of `ibv_wc`, and a time. See ibv_poll_cq(3).
///
/// The layout is that of `ibv_wc`, so that a poll writes where the program wants it. The time stands where there are fields of
/// InfiniBand's link layer, which are 0 on Ethernet.
public struct WorkCompletion: BitwiseCopyable, Hashable, Sendable {
    public var workRequestID: UInt64 = 0
    /// A raw `CompletionStatus`, the value of `ibv_wc_status`.
    public var status: UInt32 = 0
    /// The value of `ibv_wc_opcode`.
    public var opcode: UInt32 = 0
    public var vendorError: UInt32 = 0
    public var byteCount: UInt32 = 0
    /// Immediate data in network byte order, or the key that the peer invalidated.
    public var immediateOrKey: UInt32 = 0
    public var qpNumber: UInt32 = 0
    public var sourceQP: UInt32 = 0
    /// The bits of `ibv_wc_flags`.
    public var flags: UInt32 = 0
    /// When the work was done, on the monotonic clock.
    public var timestampNanoseconds: UInt64 = 0

    @inlinable @inline(always)
    public init() {}

    public enum Flag {
        @inlinable public static var globalRoute: UInt32 { 1 }
        @inlinable public static var immediate: UInt32 { 1 << 1 }
        @inlinable public static var invalidated: UInt32 { 1 << 3 }
    }

    /// The values of `ibv_wc_opcode` that are written here.
    public enum Opcode {
        @inlinable public static var send: UInt32 { 0 }
        @inlinable public static var rdmaWrite: UInt32 { 1 }
        @inlinable public static var rdmaRead: UInt32 { 2 }
        @inlinable public static var compareSwap: UInt32 { 3 }
        @inlinable public static var fetchAdd: UInt32 { 4 }
        @inlinable public static var bindWindow: UInt32 { 5 }
        @inlinable public static var localInvalidate: UInt32 { 6 }
        @inlinable public static var atomicWrite: UInt32 { 9 }
        @inlinable public static var receive: UInt32 { 1 << 7 }
        @inlinable public static var receiveWriteWithImmediate: UInt32 { (1 << 7) + 1 }
    }
}
