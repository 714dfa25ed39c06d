public import SystemIO

/// What other processes may know of one queue pair. A view over 256 bytes of a segment; the queue pair itself fills it in.
///
/// | Bytes | Contents                                         |
/// |-------|--------------------------------------------------|
/// | 0-3   | QPN, 0 when the entry is free                    |
/// | 4-7   | state, a raw `ibv_qp_state`                      |
/// | 8-11  | transport service, a raw `ibv_qp_type`, or `sharedReceiveQueueType` |
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
/// | 64-71 | version of bytes 0 to 95: odd while it changes   |
/// | 72-87 | own GID, likewise                                |
/// | 88-91 | code of the RNR timer                            |
/// | 92-95 | domain of the keys in the receive requests       |
/// | 96-99 | READs and atomics that the peer may have under way |
/// | 100-103 | page of the payload arena                      |
/// | 104-107 | its bytes, 0 when there is none                |
/// | 128-131 | why a peer stopped the queue pair, a raw `Failure`, or 0 |
/// | 132-135 | 1 when a message came before the queue pair may send |
/// | 136-139 | 1 while the peer waits for this queue pair     |
/// | 144-151 | arena: where the next message is written       |
/// | 152-159 | arena: how far the writers know the poller to be |
/// | 160-167 | the receive request that a peer is at: its index + 1, or 0 |
/// | 168-175 | its identifier                                 |
/// | 176-183 | the index + 1 of the completion that ends it, once that is being written |
/// | 192-199 | arena: how far the poller is                   |
/// | 200-247 | lock around the delivery of a datagram         |
@safe
public struct QueuePairEntry {
    // SAFETY: 256 bytes in a mapping that outlives the view.
    @usableFromInline internal let base: UnsafeMutableRawPointer

    @unsafe
    @inlinable @inline(always)
    internal init(at base: UnsafeMutableRawPointer) {
        unsafe self.base = base
    }

    @inlinable @inline(always)
    internal func word32(_ offset: Int) -> SharedUInt32 {
        unsafe SharedUInt32(at: self.base + offset)
    }

    @inlinable @inline(always)
    internal func word64(_ offset: Int) -> SharedUInt64 {
        unsafe SharedUInt64(at: self.base + offset)
    }

    /// The entry is that of a shared receive queue of extended connections, which has a number like a queue pair's. Its
    /// extended-connection domain stands where a queue pair has the GID of its peer and the peer's number.
    package static var sharedReceiveQueueType: UInt32 { 0xFFFF_FFFF }

    @inlinable @inline(always) public var number: SharedUInt32 { self.word32(0) }
    @inlinable @inline(always) public var state: SharedUInt32 { self.word32(4) }
    @inlinable @inline(always) public var type: SharedUInt32 { self.word32(8) }
    @inlinable @inline(always) public var access: SharedUInt32 { self.word32(12) }
    @inlinable @inline(always) public var domain: SharedUInt32 { self.word32(16) }
    @inlinable @inline(always) public var destQP: SharedUInt32 { self.word32(20) }
    @inlinable @inline(always) public var sendCompletions: SharedUInt32 { self.word32(24) }
    @inlinable @inline(always) public var receiveCompletions: SharedUInt32 { self.word32(28) }
    @inlinable @inline(always) public var receives: SharedUInt32 { self.word32(32) }
    @inlinable @inline(always) public var hasSharedReceives: SharedUInt32 { self.word32(36) }
    @inlinable @inline(always) public var qKey: SharedUInt32 { self.word32(40) }
    @inlinable @inline(always) public var pathMTUByteCount: SharedUInt32 { self.word32(44) }
    @inlinable @inline(always) public var peerGIDPrefix: SharedUInt64 { self.word64(48) }
    @inlinable @inline(always) public var peerGIDInterfaceID: SharedUInt64 { self.word64(56) }

    /// Odd while what is above changes. A peer that finds the number that it has seen before knows the rest.
    @inlinable @inline(always) public var version: SharedUInt64 { self.word64(64) }
    @inlinable @inline(always) public var ownGIDPrefix: SharedUInt64 { self.word64(72) }
    @inlinable @inline(always) public var ownGIDInterfaceID: SharedUInt64 { self.word64(80) }
    @inlinable @inline(always) public var rnrTimer: SharedUInt32 { self.word32(88) }
    @inlinable @inline(always) public var receiveDomain: SharedUInt32 { self.word32(92) }
    @inlinable @inline(always) public var readsMax: SharedUInt32 { self.word32(96) }
    @inlinable @inline(always) public var arenaPage: SharedUInt32 { self.word32(100) }
    @inlinable @inline(always) public var arenaByteCount: SharedUInt32 { self.word32(104) }

    /// Why a peer stopped the queue pair.
    public enum Failure: UInt32, Sendable {
        /// The peer wanted memory that it may not have.
        case accessError = 1
        /// The peer's request made no sense.
        case requestError = 2
        /// The receive request could not take the message; its completion says so.
        case receiveError = 3
        /// A completion found its ring full.
        case lostCompletion = 4
        /// Memory that is registered is not there.
        case fatal = 5
    }

    @inlinable @inline(always) public var failure: SharedUInt32 { self.word32(128) }
    @inlinable @inline(always) public var hasCommunicated: SharedUInt32 { self.word32(132) }
    @inlinable @inline(always) public var waiter: SharedUInt32 { self.word32(136) }
    @inlinable @inline(always) internal var arenaHead: SharedUInt64 { self.word64(144) }
    @inlinable @inline(always) internal var arenaKnownTail: SharedUInt64 { self.word64(152) }
    @inlinable @inline(always) public var receiveIndex: SharedUInt64 { self.word64(160) }
    @inlinable @inline(always) public var receiveID: SharedUInt64 { self.word64(168) }
    @inlinable @inline(always) public var receiveEnd: SharedUInt64 { self.word64(176) }
    @inlinable @inline(always) internal var arenaTail: SharedUInt64 { self.word64(192) }
    public var deliveryLock: SharedLock { unsafe SharedLock(at: self.base + 200) }

    /// The arena is empty: no completion refers to it any more.
    public func resetArena() {
        self.arenaHead.storeRelaxed(0)
        self.arenaKnownTail.storeRelaxed(0)
        self.arenaTail.storeRelaxed(0)
    }

    /// Forgets what a peer has left here.
    public func forgetPeer() {
        self.receiveIndex.storeRelaxed(0)
        self.receiveEnd.storeRelaxed(0)
        self.failure.storeRelaxed(0)
        self.hasCommunicated.storeRelaxed(0)
        self.waiter.storeRelaxed(0)
    }

    /// Zeroes everything but the number.
    internal func clear() {
        for offset in stride(from: 4, to: SegmentLayout.queuePairEntryByteCount, by: 4) {
            self.word32(offset).storeRelaxed(0)
        }
    }
}

// SAFETY: everything in the entry is reached through atomics.
extension QueuePairEntry: @unchecked Sendable {}
