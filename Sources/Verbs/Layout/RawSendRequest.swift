/// A send request, laid out as `ibv_send_wr`, whose unions are words here:
///
/// | | RDMA | atomic | datagram |
/// |---|---|---|---|
/// | `word0` | remote address | remote address | address handle |
/// | `word1` | rkey | compare or add | QPN, Q_Key |
/// | `word2` | | swap | |
/// | `word3` | | rkey | |
@unsafe
@usableFromInline
internal struct RawSendRequest: BitwiseCopyable {
    @usableFromInline internal var id: UInt64 = 0
    @usableFromInline internal var next: UnsafeMutablePointer<RawSendRequest>?
    @usableFromInline internal var elements: UnsafeMutablePointer<RawElement>?
    @usableFromInline internal var elementCount: Int32 = 0
    @usableFromInline internal var opcode: UInt32 = 0
    @usableFromInline internal var flags: UInt32 = 0
    /// Immediate data, most significant byte first; or the key that is invalidated.
    @usableFromInline internal var immediate: UInt32 = 0
    @usableFromInline internal var word0: UInt64 = 0
    @usableFromInline internal var word1: UInt64 = 0
    @usableFromInline internal var word2: UInt64 = 0
    @usableFromInline internal var word3: UInt32 = 0
    private var sharedReceiveQueueNumber: (UInt32, UInt32) = (0, 0)
    private var padding: UInt32 = 0
    internal var bind = unsafe Bind()

    /// Of a bind: what window to what memory.
    @unsafe
    internal struct Bind: BitwiseCopyable {
        var window: UnsafeMutableRawPointer?
        var rKey: UInt32 = 0
        var region: UnsafeMutableRawPointer?
        var address: UInt64 = 0
        var byteCount: UInt64 = 0
        var access: UInt32 = 0
        private var padding: UInt32 = 0

        init() {}
    }

    @inlinable
    internal init() {}

    /// Two numbers that lie one behind the other, as one word of this (little-endian) machine.
    @inlinable
    internal static func word(_ first: UInt32, _ second: UInt32) -> UInt64 {
        UInt64(first) | UInt64(second) << 32
    }
}

/// The numbers of `enum ibv_wr_opcode`.
@usableFromInline
internal enum RawOpcode {
    @inlinable static var write: UInt32 { 0 }
    @inlinable static var writeWithImmediate: UInt32 { 1 }
    @inlinable static var send: UInt32 { 2 }
    @inlinable static var sendWithImmediate: UInt32 { 3 }
    @inlinable static var read: UInt32 { 4 }
    @inlinable static var compareAndSwap: UInt32 { 5 }
    @inlinable static var fetchAndAdd: UInt32 { 6 }
    static var localInvalidate: UInt32 { 7 }
    static var bindWindow: UInt32 { 8 }
    @inlinable static var sendWithInvalidate: UInt32 { 9 }
}
