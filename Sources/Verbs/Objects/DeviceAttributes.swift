internal import CVerbs

/// What an adapter can do, as it reports it. See ibv_query_device(3).
public struct DeviceAttributes: Sendable, Hashable {
    public let queuePairCountMax: Int
    /// Outstanding work requests of one queue.
    public let workRequestCountMax: Int
    /// Pieces of memory that one work request gathers or scatters.
    public let elementCountMax: Int
    public let completionQueueCountMax: Int
    /// Completions that one queue holds.
    public let completionCountMax: Int
    public let memoryRegionCountMax: Int
    public let memoryRegionByteCountMax: UInt64
    public let memoryWindowCountMax: Int
    /// Whether there are memory windows of type 1: ``WindowType1``.
    public let hasType1Windows: Bool
    /// Whether there are memory windows of type 2B: ``WindowType2``.
    public let hasType2Windows: Bool
    public let sharedReceiveQueueCountMax: Int
    /// READs and atomics that a queue pair answers at a time.
    public let readCountMax: Int
    public let portCount: Int
    /// Whether atomics are atomic among all queue pairs of the adapter.
    public let hasAtomics: Bool

    internal init(_ attributes: ibv_device_attr) {
        self.queuePairCountMax = Int(attributes.max_qp)
        self.workRequestCountMax = Int(attributes.max_qp_wr)
        self.elementCountMax = Int(attributes.max_sge)
        self.completionQueueCountMax = Int(attributes.max_cq)
        self.completionCountMax = Int(attributes.max_cqe)
        self.memoryRegionCountMax = Int(attributes.max_mr)
        self.memoryRegionByteCountMax = attributes.max_mr_size
        self.memoryWindowCountMax = Int(attributes.max_mw)
        self.hasType1Windows = attributes.device_cap_flags & IBV_DEVICE_MEM_WINDOW.rawValue != 0
        self.hasType2Windows = attributes.device_cap_flags & IBV_DEVICE_MEM_WINDOW_TYPE_2B.rawValue != 0
        self.sharedReceiveQueueCountMax = Int(attributes.max_srq)
        self.readCountMax = Int(attributes.max_qp_rd_atom)
        self.portCount = Int(attributes.phys_port_cnt)
        self.hasAtomics = attributes.atomic_cap != IBV_ATOMIC_NONE
    }
}
