/// What a peer must know of a queue pair to connect its own: a plain value, to be exchanged in any way.
public struct QueuePairAddress: Sendable, Hashable {
    public var gid: GID
    /// 0 on Ethernet.
    public var lid: UInt16
    public var qpn: QPN
    /// The number of the first packet that it will send.
    public var psn: PSN
    /// What its port carries.
    public var mtu: PathMTU

    public init(gid: GID, lid: UInt16 = 0, qpn: QPN, psn: PSN, mtu: PathMTU) {
        self.gid = gid
        self.lid = lid
        self.qpn = qpn
        self.psn = psn
        self.mtu = mtu
    }
}
