internal import CVerbs

/// The end of a work request, as a completion queue reports it. See ibv_poll_cq(3).
public struct WorkCompletion: Sendable {
    // It is laid out as the C struct is, so that the adapter writes it in place.
    internal var raw: ibv_wc

    /// Room for a completion.
    public init() {
        self.raw = ibv_wc()
    }
}

extension WorkCompletion {
    /// The number that the program gave the work request.
    public var id: UInt64 { self.raw.wr_id }
    public var status: CompletionStatus { CompletionStatus(rawValue: self.raw.status.rawValue) }
    public var isSuccess: Bool { self.raw.status == IBV_WC_SUCCESS }
    /// Whether a receive ended: a message came, or a write with immediate data. Valid only when it succeeded.
    public var isReceive: Bool { self.raw.opcode.rawValue & IBV_WC_RECV.rawValue != 0 }
    /// How many bytes came. Valid for a receive, a READ and an atomic that succeeded.
    public var byteCount: Int { Int(self.raw.byte_len) }
    /// The queue pair whose request it was.
    public var qpn: QPN { QPN(rawValue: self.raw.qp_num) }
    /// The sender of an unreliable datagram.
    public var sourceQPN: QPN { QPN(rawValue: self.raw.src_qp) }
    /// The number that came with the message, if one did.
    public var immediate: UInt32? {
        guard self.raw.wc_flags & IBV_WC_WITH_IMM.rawValue != 0 else { return nil }
        return UInt32(bigEndian: self.raw.imm_data)
    }
    /// Whether the first 40 bytes of a received datagram are its global route header. See IBTA Volume 1, section 8.3.
    public var hasGlobalRouteHeader: Bool { self.raw.wc_flags & IBV_WC_GRH.rawValue != 0 }
    /// What the adapter adds to a failure.
    public var vendorError: UInt32 { self.raw.vendor_err }

    /// - Throws: ``VerbsError/Code/workFailed`` unless it succeeded.
    public func requireSuccess(_ operation: String = "ibv_poll_cq") throws(VerbsError) {
        guard self.isSuccess else {
            throw VerbsError(
                .workFailed,
                operation: operation,
                detail: "request \(self.id) of queue pair \(self.qpn)",
                status: self.status
            )
        }
    }
}

extension WorkCompletion: CustomStringConvertible {
    public var description: String { "request \(self.id) of queue pair \(self.qpn): \(self.status)" }
}
