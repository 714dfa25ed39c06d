/// One completion, as it lies in the ring of the segment: the fields of `ibv_wc`, and a time. See ibv_poll_cq(3).
package struct WorkCompletion: BitwiseCopyable, Sendable {
    package var workRequestID: UInt64 = 0
    /// A raw `CompletionStatus`, the value of `ibv_wc_status`.
    package var status: UInt32 = 0
    /// The value of `ibv_wc_opcode`.
    package var opcode: UInt32 = 0
    package var byteCount: UInt32 = 0
    /// Immediate data in network byte order, or the key that the peer invalidated.
    package var immediateOrKey: UInt32 = 0
    package var qpNumber: UInt32 = 0
    package var sourceQP: UInt32 = 0
    /// The bits of `ibv_wc_flags`.
    package var flags: UInt32 = 0
    package var vendorError: UInt32 = 0
    /// When the work was done, on the monotonic clock.
    package var timestampNanoseconds: UInt64 = 0

    package init() {}

    package enum Flag {
        package static var globalRoute: UInt32 { 1 }
        package static var immediate: UInt32 { 1 << 1 }
        package static var invalidated: UInt32 { 1 << 3 }
    }

    /// The values of `ibv_wc_opcode` that are written here.
    package enum Opcode {
        package static var send: UInt32 { 0 }
        package static var rdmaWrite: UInt32 { 1 }
        package static var rdmaRead: UInt32 { 2 }
        package static var compareSwap: UInt32 { 3 }
        package static var fetchAdd: UInt32 { 4 }
        package static var bindWindow: UInt32 { 5 }
        package static var localInvalidate: UInt32 { 6 }
        package static var atomicWrite: UInt32 { 9 }
        package static var receive: UInt32 { 1 << 7 }
        package static var receiveWriteWithImmediate: UInt32 { (1 << 7) + 1 }
    }
}
