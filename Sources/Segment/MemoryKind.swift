/// What an entry of the memory table stands for, as one number that every process reads alike.
///
/// | Bits  | Contents                                                                     |
/// |-------|------------------------------------------------------------------------------|
/// | 0-7   | what the key names: 0 region, 1 window of type 1, 2 window of type 2         |
/// | 8-15  | where the bytes are, a `MemoryPlace`                                         |
/// | 16    | 1: pages may be absent (on demand), and an access that finds none is refused |
///
/// A window has the place and the pages of the region that it is bound to. 0 is what nearly all entries are: a region of
/// the owner's own memory.
public struct MemoryKind: Hashable, Sendable, BitwiseCopyable {
    public let rawValue: UInt32

    @inlinable @inline(always)
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    private init(_ name: UInt32, _ place: MemoryPlace, isOnDemand: Bool) {
        self.rawValue = name | UInt32(place.rawValue) << 8 | (isOnDemand ? 1 << 16 : 0)
    }
}

extension MemoryKind {
    public static var region: MemoryKind { MemoryKind(0, .process, isOnDemand: false) }
    /// An explicit range, or with address 0 and the longest length the whole address space.
    public static var onDemandRegion: MemoryKind { MemoryKind(0, .process, isOnDemand: true) }
    public static var deviceMemory: MemoryKind { MemoryKind(0, .segment, isOnDemand: false) }
    /// Reads as zeros, and forgets what is written. Local keys only.
    public static var null: MemoryKind { MemoryKind(0, .nowhere, isOnDemand: false) }

    /// A window onto a region of this kind.
    public func window(_ type: MemoryWindowType) -> MemoryKind {
        MemoryKind(rawValue: self.rawValue & ~0xFF | UInt32(type.rawValue))
    }

    /// Whether a key of this kind names a region, and `nil` or the type of the window.
    @inlinable @inline(always)
    public var isRegion: Bool { self.rawValue & 0xFF == 0 }
    @inlinable public var windowType: MemoryWindowType? {
        MemoryWindowType(rawValue: UInt8(truncatingIfNeeded: self.rawValue))
    }

    /// `nil` for a number that this version does not know.
    @inlinable @inline(always)
    public var place: MemoryPlace? { MemoryPlace(rawValue: UInt8(truncatingIfNeeded: self.rawValue >> 8)) }
    public var isOnDemand: Bool { self.rawValue & 1 << 16 != 0 }
}

/// Where the bytes of a region are.
public enum MemoryPlace: UInt8, Sendable, BitwiseCopyable {
    /// At an address of the owner's process.
    case process = 0
    /// At an offset of the owner's segment: every process that maps it reaches them with plain copies.
    case segment = 1
    /// Nowhere: what is read is zero, what is written is gone.
    case nowhere = 2
}

/// The two sorts of memory windows; raw values are those of `ibv_mw_type`.
public enum MemoryWindowType: UInt8, Sendable, BitwiseCopyable {
    /// Bound and unbound by `ibv_bind_mw`; any queue pair of its protection domain may serve it.
    case type1 = 1
    /// Bound by a work request to one queue pair (2B), until a work request of either side invalidates it.
    case type2 = 2
}

extension MemoryPlace {
    // Comparing with `==` would go through the protocol of raw values.

    @inlinable @inline(always)
    public var isProcess: Bool {
        switch self {
        case .process: true
        case .segment, .nowhere: false
        }
    }

    @inlinable @inline(always)
    public var isNowhere: Bool {
        switch self {
        case .nowhere: true
        case .process, .segment: false
        }
    }
}
