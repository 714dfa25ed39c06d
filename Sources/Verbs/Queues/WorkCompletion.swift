internal import CVerbs

/// The end of a work request, as a completion queue reports it. See ibv_poll_cq(3).
///
/// It is laid out as `ibv_wc` is, so that the adapter writes it in place.
public struct WorkCompletion: Sendable, BitwiseCopyable {
    /// The number that the program gave the work request.
    public let id: UInt64
    @usableFromInline internal let rawStatus: UInt32
    @usableFromInline internal let opcode: UInt32
    /// What the adapter adds to a failure.
    public let vendorError: UInt32
    @usableFromInline internal let rawByteCount: UInt32
    @usableFromInline internal let rawImmediate: UInt32
    @usableFromInline internal let rawQPN: UInt32
    @usableFromInline internal let rawSourceQPN: UInt32
    @usableFromInline internal let flags: UInt32
    private let pKeyIndex: UInt16
    private let sourceLID: UInt16
    private let serviceLevel: UInt8
    private let pathBits: UInt8
    private let padding: UInt16

    /// Room for a completion.
    @inlinable
    public init() {
        self = unsafe unsafeBitCast(InlineArray<6, UInt64>(repeating: 0), to: WorkCompletion.self)
    }
}

extension WorkCompletion {
    /// How it ended.
    @inlinable public var status: CompletionStatus { CompletionStatus(rawValue: self.rawStatus) }
    /// Whether ``status`` is ``CompletionStatus/success``.
    @inlinable public var isSuccess: Bool { self.rawStatus == 0 }
    /// Whether a receive ended: a message came, or a write with immediate data. Valid only when it succeeded.
    @inlinable public var isReceive: Bool { self.opcode & 1 << 7 != 0 }
    /// How many bytes came. Valid for a receive, a READ and an atomic that succeeded.
    @inlinable public var byteCount: Int { Int(self.rawByteCount) }
    /// The queue pair whose request it was.
    @inlinable public var qpn: QPN { QPN(rawValue: self.rawQPN) }
    /// The sender of an unreliable datagram.
    @inlinable public var sourceQPN: QPN { QPN(rawValue: self.rawSourceQPN) }
    /// The number that came with the message, if one did.
    public var immediate: UInt32? {
        guard self.flags & IBV_WC_WITH_IMM.rawValue != 0 else { return nil }
        return UInt32(bigEndian: self.rawImmediate)
    }
    /// The key of the own memory window that the message took away, if it did: see
    /// ``SendRequest/send(_:invalidating:)``.
    public var invalidatedKey: RKey? {
        guard self.flags & IBV_WC_WITH_INV.rawValue != 0 else { return nil }
        return RKey(rawValue: self.rawImmediate)
    }
    /// Whether the first 40 bytes of a received datagram are its global route header. See IBTA Volume 1, section 8.3.
    public var hasGlobalRouteHeader: Bool { self.flags & IBV_WC_GRH.rawValue != 0 }

    /// - Throws: ``VerbsError/Code/workFailed`` unless it succeeded.
    @inlinable
    public func requireSuccess(_ operation: String = "ibv_poll_cq") throws(VerbsError) {
        guard self.isSuccess else { throw self.failure(operation) }
    }

    @inline(never)
    @usableFromInline
    internal func failure(_ operation: String) -> VerbsError {
        VerbsError(
            .workFailed,
            operation: operation,
            detail: "request \(self.id) of queue pair \(self.qpn)",
            status: self.status
        )
    }
}

extension WorkCompletion: CustomStringConvertible {
    public var description: String { "request \(self.id) of queue pair \(self.qpn): \(self.status)" }
}
