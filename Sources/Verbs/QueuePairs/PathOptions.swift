/// How a queue pair talks to its peer. The defaults suit a network that loses little. See ibv_modify_qp(3).
public struct PathOptions: Sendable, Hashable {
    /// The largest payload of a packet; nil takes the smaller of what both ports carry.
    public var mtu: PathMTU?
    /// After how long without an acknowledge a packet is sent again: 4.096 microseconds times two to this power, 1 to 31; 0
    /// waits for ever.
    public var ackTimeoutExponent: UInt8
    /// How often it is sent again before the queue pair fails, 0 to 7.
    public var retryCount: UInt8
    /// How often a message is sent again to a peer that has no receive request posted, 0 to 6; 7 is without end.
    public var rnrRetryCount: UInt8
    /// How long the peer shall wait before that: a code of IBTA Volume 1, table 45, 0 to 31; 12 is 0.64 ms.
    public var rnrTimerCode: UInt8
    /// READs and atomics under way at a time, in either direction.
    public var readCount: UInt8
    /// The traffic class of the packets' global route header.
    public var trafficClass: UInt8
    public var hopLimit: UInt8

    public init(
        mtu: PathMTU? = nil,
        ackTimeoutExponent: UInt8 = 14,
        retryCount: UInt8 = 7,
        rnrRetryCount: UInt8 = 7,
        rnrTimerCode: UInt8 = 12,
        readCount: UInt8 = 16,
        trafficClass: UInt8 = 0,
        hopLimit: UInt8 = 64
    ) {
        self.mtu = mtu
        self.ackTimeoutExponent = ackTimeoutExponent
        self.retryCount = retryCount
        self.rnrRetryCount = rnrRetryCount
        self.rnrTimerCode = rnrTimerCode
        self.readCount = readCount
        self.trafficClass = trafficClass
        self.hopLimit = hopLimit
    }
}
