public import SystemIO

/// A view of the first page of a segment: what it is, whose, and how large its parts are.
///
/// | Bytes   | Contents                                              |
/// |---------|-------------------------------------------------------|
/// | 0-7     | magic, written last                                   |
/// | 8-11    | version of the layout                                 |
/// | 12-15   | process id of the owner                               |
/// | 16-23   | byte count of the segment                             |
/// | 24-27   | entries of the memory table                           |
/// | 28-31   | entries of the completion table                       |
/// | 32-35   | entries of the receive table                          |
/// | 40-55   | secret of the keys                                    |
/// | 256-767 | counters, 8 bytes each, in the order of `SegmentCounter` |
/// | 768-771 | 1 + the descriptor that wakes the owner's engine, in the owner's numbers; 0 without an engine |
/// | 772-775 | 1 when peers may work on this segment                 |
/// | 776-779 | completion rings that are armed                       |
/// | 784-791 | address of the segment in the owner                   |
/// | 832-835 | 1 when a queue pair wants the owner's attention       |
/// | 896-959 | lock that the owner's engine holds as long as it lives |
/// | 960-1023 | lock around atomic operations on the owner's memory   |
/// | 1024-1151 | which processes work on this segment, a bit each     |
/// | 2048-4095 | which queue pairs want the owner's attention, a bit each |
@safe
public struct SegmentHeader {
    // SAFETY: the first page of a mapping that outlives the view.
    @usableFromInline internal let base: UnsafeMutableRawPointer

    /// "VERBENA" and a zero, as a little-endian number.
    public static var magic: UInt64 { 0x0041_4E45_4252_4556 }
    /// Raised with every change of the layout: processes of different versions do not touch each other's segments.
    public static var version: UInt32 { 5 }

    @unsafe
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

    /// Fills the header in. Whoever sees the magic sees everything else too.
    internal func initialize(_ layout: SegmentLayout, processID: UInt32, secret: (UInt64, UInt64)) {
        self.word32(8).storeRelaxed(Self.version)
        self.word32(12).storeRelaxed(processID)
        self.word64(16).storeRelaxed(UInt64(layout.byteCount))
        self.word32(24).storeRelaxed(UInt32(layout.memoryCount))
        self.word32(28).storeRelaxed(UInt32(layout.completionCount))
        self.word32(32).storeRelaxed(UInt32(layout.receiveCount))
        self.word64(40).storeRelaxed(secret.0)
        self.word64(48).storeRelaxed(secret.1)
        self.ownerAddress.storeRelaxed(UInt64(UInt(bitPattern: unsafe self.base)))
        self.word64(0).storeReleasing(Self.magic)
    }

    /// Sets the locks up, before another process can see the segment.
    internal func initializeLocks() throws(Errno) {
        try self.lifeLock.initialize()
        try self.atomicsLock.initialize()
    }

    /// Whether this is a complete segment of the version that we understand.
    public var isSound: Bool { self.word64(0).acquired == Self.magic && self.word32(8).relaxed == Self.version }
    public var processID: UInt32 { self.word32(12).relaxed }
    public var byteCount: UInt64 { self.word64(16).relaxed }
    public var memoryCount: UInt32 { self.word32(24).relaxed }
    public var completionCount: UInt32 { self.word32(28).relaxed }
    public var receiveCount: UInt32 { self.word32(32).relaxed }
    internal var secret: (UInt64, UInt64) { (self.word64(40).relaxed, self.word64(48).relaxed) }

    /// A statistic that only grows.
    @inlinable @inline(always)
    public func counter(_ counter: SegmentCounter) -> SharedUInt64 {
        self.word64(256 + counter.rawValue * 8)
    }
}

// MARK: - For peers

extension SegmentHeader {
    @usableFromInline
    internal enum Offset {
        @inlinable static var life: Int { 896 }
        static var atomics: Int { 960 }
        static var initiators: Int { 1024 }
        static var attention: Int { 2048 }
    }

    /// 1 + the descriptor that wakes the owner's engine, in the owner's numbers; 0 without an engine.
    @inlinable @inline(always) public var wakeDescriptor: SharedUInt32 { self.word32(768) }
    /// 1 when peers may work on this segment.
    @inlinable @inline(always) public var admitsPeers: SharedUInt32 { self.word32(772) }
    /// Completion rings that are armed: somebody sleeps until one of them fires.
    @inlinable @inline(always) public var armedCount: SharedUInt32 { self.word32(776) }
    /// Where the owner has mapped the segment.
    @inlinable @inline(always) public var ownerAddress: SharedUInt64 { self.word64(784) }
    /// 1 when a queue pair wants the owner's attention.
    @inlinable @inline(always) public var attention: SharedUInt32 { self.word32(832) }
    /// Held by the owner's engine as long as it lives. Nobody else ever takes it: the kernel marks it when the holder ends.
    public var lifeLock: SharedLock { unsafe SharedLock(at: self.base + Offset.life) }
    /// Around each atomic operation of a peer or a packet on the owner's memory.
    public var atomicsLock: SharedLock { unsafe SharedLock(at: self.base + Offset.atomics) }

    /// Whether the owner's engine runs. An owner that has ended, or has become another program, has none.
    @inlinable @inline(always)
    public var isOwnerAlive: Bool {
        // The word that the kernel knows is the first of the mutex: the holder's thread, and a bit for its death.
        let word = self.word32(Offset.life).relaxed
        return word & Self.threadMask != 0 && word & Self.ownerDied == 0
    }

    /// See futex(2), robust futexes.
    @inlinable internal static var threadMask: UInt32 { 0x3FFF_FFFF }
    @inlinable internal static var ownerDied: UInt32 { 0x4000_0000 }

    /// 64 processes each: those with the numbers 64 * `index` and up.
    internal func initiators(_ index: Int) -> SharedUInt64 { self.word64(Offset.initiators + index * 8) }
    /// 64 queue pairs each, by the low bits of their numbers.
    public func attention(_ index: Int) -> SharedUInt64 { self.word64(Offset.attention + index * 8) }
    public static var attentionWordCount: Int { SegmentLayout.queuePairCount / 64 }
}

// SAFETY: everything in the header is reached through atomics.
extension SegmentHeader: @unchecked Sendable {}
