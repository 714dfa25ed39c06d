/// What may be done to a memory region, and by whom. Raw values are those of `ibv_access_flags`; see ibv_reg_mr(3).
public struct AccessFlags: OptionSet, Sendable, BitwiseCopyable {
    public let rawValue: UInt32

    @inlinable @inline(always)
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    @inlinable public static var localWrite: AccessFlags { AccessFlags(rawValue: 1) }
    @inlinable public static var remoteWrite: AccessFlags { AccessFlags(rawValue: 1 << 1) }
    @inlinable public static var remoteRead: AccessFlags { AccessFlags(rawValue: 1 << 2) }
    @inlinable public static var remoteAtomic: AccessFlags { AccessFlags(rawValue: 1 << 3) }
    @inlinable public static var bindWindow: AccessFlags { AccessFlags(rawValue: 1 << 4) }
    @inlinable public static var zeroBased: AccessFlags { AccessFlags(rawValue: 1 << 5) }
    @inlinable public static var onDemand: AccessFlags { AccessFlags(rawValue: 1 << 6) }
    @inlinable public static var hugeTLB: AccessFlags { AccessFlags(rawValue: 1 << 7) }
    /// Both kinds of remote flush.
    @inlinable public static var flushes: AccessFlags { AccessFlags(rawValue: 3 << 8) }
    @inlinable public static var relaxedOrdering: AccessFlags { AccessFlags(rawValue: 1 << 20) }

    /// What needs no right: the owner reads. On the data path instead of an empty literal, which would be made through the
    /// protocol, at ten times the cost of a look-up.
    @inlinable @inline(always) public static var localRead: AccessFlags { AccessFlags(rawValue: 0) }

    /// As `OptionSet` has it, without the protocol.
    @inlinable @inline(always)
    public func contains(_ other: AccessFlags) -> Bool {
        self.rawValue & other.rawValue == other.rawValue
    }

    /// The rights that a queue pair grants to its peer.
    @inlinable public static var remote: AccessFlags { [.remoteWrite, .remoteRead, .remoteAtomic] }
}
