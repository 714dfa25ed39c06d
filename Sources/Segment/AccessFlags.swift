/// What may be done to a memory region, and by whom. Raw values are those of `ibv_access_flags`; see ibv_reg_mr(3).
package struct AccessFlags: OptionSet, Sendable, BitwiseCopyable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    package static var localWrite: AccessFlags { AccessFlags(rawValue: 1) }
    package static var remoteWrite: AccessFlags { AccessFlags(rawValue: 1 << 1) }
    package static var remoteRead: AccessFlags { AccessFlags(rawValue: 1 << 2) }
    package static var remoteAtomic: AccessFlags { AccessFlags(rawValue: 1 << 3) }
    package static var bindWindow: AccessFlags { AccessFlags(rawValue: 1 << 4) }
    package static var zeroBased: AccessFlags { AccessFlags(rawValue: 1 << 5) }
    package static var onDemand: AccessFlags { AccessFlags(rawValue: 1 << 6) }
    package static var hugeTLB: AccessFlags { AccessFlags(rawValue: 1 << 7) }
    /// Both kinds of remote flush.
    package static var flushes: AccessFlags { AccessFlags(rawValue: 3 << 8) }
    package static var relaxedOrdering: AccessFlags { AccessFlags(rawValue: 1 << 20) }

    /// What needs no right: the owner reads. On the data path instead of an empty literal, which would be made through the
    /// protocol, at ten times the cost of a look-up.
    @inline(always) package static var localRead: AccessFlags { AccessFlags(rawValue: 0) }

    /// As `OptionSet` has it, without the protocol.
    @inline(always)
    package func contains(_ other: AccessFlags) -> Bool {
        self.rawValue & other.rawValue == other.rawValue
    }

    /// The rights that a queue pair grants to its peer.
    package static var remote: AccessFlags { [.remoteWrite, .remoteRead, .remoteAtomic] }
}
