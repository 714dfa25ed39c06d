internal import CVerbs

/// What peers may do with a region of memory, when they know its key. See ibv_reg_mr(3).
public struct RemoteAccess: OptionSet, Sendable, Hashable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Peers may write (RDMA WRITE). The memory must be writable.
    public static var write: RemoteAccess { RemoteAccess(IBV_ACCESS_REMOTE_WRITE) }
    /// Peers may read (RDMA READ).
    public static var read: RemoteAccess { RemoteAccess(IBV_ACCESS_REMOTE_READ) }
    /// Peers may use atomics. The memory must be writable.
    public static var atomic: RemoteAccess { RemoteAccess(IBV_ACCESS_REMOTE_ATOMIC) }
    /// Memory windows may be bound to it.
    public static var windows: RemoteAccess { RemoteAccess(IBV_ACCESS_MW_BIND) }

    private init(_ flag: ibv_access_flags) {
        self.init(rawValue: flag.rawValue)
    }
}

/// Whether this side's adapter may write to a region: receive into it, or place there what it reads.
public protocol LocalAccess: Sendable {
    static var isWritable: Bool { get }
}

/// Memory that is only sent from. Receiving into it does not compile.
public enum ReadOnly: LocalAccess {
    public static var isWritable: Bool { false }
}

/// Memory that is sent from and received into.
public enum ReadWrite: LocalAccess {
    public static var isWritable: Bool { true }
}

extension LocalAccess {
    /// The flags of ibv_reg_mr(3).
    internal static func flags(_ remote: RemoteAccess) -> CInt {
        let local = Self.isWritable ? IBV_ACCESS_LOCAL_WRITE.rawValue : 0
        return CInt(truncatingIfNeeded: remote.rawValue | local)
    }
}
