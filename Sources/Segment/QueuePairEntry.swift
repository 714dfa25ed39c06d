/// What other processes may know of one queue pair. A view over 256 bytes of a segment; the queue pair itself fills it in.
///
/// | Bytes | Contents                                         |
/// |-------|--------------------------------------------------|
/// | 0-3   | QPN, 0 when the entry is free                    |
/// | 4-7   | state, a raw `ibv_qp_state`                      |
/// | 8-11  | transport service, a raw `ibv_qp_type`           |
/// | 12-15 | rights of the peer, raw `AccessFlags`            |
/// | 16-19 | protection domain                                |
/// | 20-23 | QPN of the peer                                  |
/// | 24-27 | index of the send queue's completion ring        |
/// | 28-31 | index of the receive queue's completion ring     |
/// | 32-35 | index of the receive ring, own or shared         |
/// | 36-39 | 1 when the receive ring is a shared one          |
/// | 40-43 | Q_Key                                            |
/// | 44-47 | path MTU in bytes                                |
/// | 48-63 | GID of the peer, as two big-endian numbers       |
@safe
package struct QueuePairEntry {
    // SAFETY: 256 bytes in a mapping that outlives the view.
    private let base: UnsafeMutableRawPointer

    @unsafe
    internal init(at base: UnsafeMutableRawPointer) {
        unsafe self.base = base
    }

    @inline(always)
    private func word32(_ offset: Int) -> SharedUInt32 {
        unsafe SharedUInt32(at: self.base + offset)
    }

    @inline(always)
    private func word64(_ offset: Int) -> SharedUInt64 {
        unsafe SharedUInt64(at: self.base + offset)
    }

    package var number: SharedUInt32 { self.word32(0) }
    package var state: SharedUInt32 { self.word32(4) }
    package var type: SharedUInt32 { self.word32(8) }
    package var access: SharedUInt32 { self.word32(12) }
    package var domain: SharedUInt32 { self.word32(16) }
    package var destQP: SharedUInt32 { self.word32(20) }
    package var sendCompletions: SharedUInt32 { self.word32(24) }
    package var receiveCompletions: SharedUInt32 { self.word32(28) }
    package var receives: SharedUInt32 { self.word32(32) }
    package var hasSharedReceives: SharedUInt32 { self.word32(36) }
    package var qKey: SharedUInt32 { self.word32(40) }
    package var pathMTUByteCount: SharedUInt32 { self.word32(44) }
    package var peerGIDPrefix: SharedUInt64 { self.word64(48) }
    package var peerGIDInterfaceID: SharedUInt64 { self.word64(56) }

    /// Zeroes everything but the number.
    internal func clear() {
        for offset in stride(from: 4, to: SegmentLayout.queuePairEntryByteCount, by: 4) {
            self.word32(offset).storeRelaxed(0)
        }
    }
}

// SAFETY: everything in the entry is reached through atomics.
extension QueuePairEntry: @unchecked Sendable {}
