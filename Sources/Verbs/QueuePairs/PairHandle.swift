internal import CVerbs
internal import Glibc

/// Holds a queue pair, and what it needs.
@safe
internal final class PairHandle {
    let domain: DomainHandle
    let sendQueue: QueueHandle
    let receiveQueue: QueueHandle
    let sharedReceiveQueue: SharedReceiveHandle?
    let kind: ServiceKind
    // SAFETY: made until `destroyer` has destroyed it; the functions are those of its context.
    let raw: UnsafeMutablePointer<ibv_qp>
    let postSend: PostFunction
    let postReceive: PostFunction
    /// What the adapter gave.
    let capacity: QueueCapacity
    let port: UInt8
    let address: QueuePairAddress
    let gidIndex: UInt8
    private let destroyer = Destroyer()

    init(_ wish: PairWish) throws(VerbsError) {
        let context = wish.domain.context
        let gidIndex = wish.gidIndex
        let port = try PortAttributes(context, port: wish.port)
        let gid = try context.gid(port: wish.port, index: Int(gidIndex))
        var attributes = unsafe ibv_qp_init_attr()
        unsafe attributes.send_cq = unsafe wish.sendQueue.raw
        unsafe attributes.recv_cq = unsafe wish.receiveQueue.raw
        unsafe attributes.srq = unsafe wish.sharedReceiveQueue?.raw
        unsafe attributes.cap = wish.capacity.raw
        unsafe attributes.qp_type = wish.kind.raw
        guard let raw = unsafe context.functions.createPair(wish.domain.raw, &attributes),
            let postSend = unsafe context.raw.pointee.ops.post_send,
            let postReceive = unsafe context.raw.pointee.ops.post_recv
        else {
            throw .last("ibv_create_qp", detail: "\(wish.capacity)\(Self.limits(context, wish.capacity))")
        }
        self.domain = wish.domain
        self.sendQueue = wish.sendQueue
        self.receiveQueue = wish.receiveQueue
        self.sharedReceiveQueue = wish.sharedReceiveQueue
        self.kind = wish.kind
        unsafe self.raw = unsafe raw
        // SAFETY: pointers are passed alike, whatever they point to.
        unsafe self.postSend = unsafe unsafeBitCast(postSend, to: PostFunction.self)
        unsafe self.postReceive = unsafe unsafeBitCast(postReceive, to: PostFunction.self)
        self.capacity = QueueCapacity(unsafe attributes.cap)
        self.port = wish.port
        self.gidIndex = gidIndex
        self.address = QueuePairAddress(
            gid: gid,
            lid: port.lid,
            qpn: QPN(rawValue: unsafe raw.pointee.qp_num),
            psn: .random(),
            mtu: port.activeMTU
        )
        try self.initialize(remoteAccess: wish.remoteAccess, qKey: wish.qKey)
    }

    deinit {
        self.destroyer.destroySilently { unsafe self.domain.context.functions.destroyPair(self.raw) }
    }

    func close() throws(VerbsError) {
        try self.destroyer.destroy("ibv_destroy_qp", detail: "queue pair \(self.address.qpn)") {
            unsafe self.domain.context.functions.destroyPair(self.raw)
        }
    }

    /// Names the attribute that is beyond what the device allows, if that is why.
    private static func limits(_ context: ContextHandle, _ capacity: QueueCapacity) -> String {
        let reason = Glibc.errno
        defer { Glibc.errno = reason }
        var device = ibv_device_attr()
        guard unsafe context.functions.queryDevice(context.raw, &device) == 0 else { return "" }
        let limits = DeviceAttributes(device)
        let wishes = [
            ("sendCount", capacity.sendCount, limits.workRequestCountMax),
            ("receiveCount", capacity.receiveCount, limits.workRequestCountMax),
            ("sendElementCount", capacity.sendElementCount, limits.elementCountMax),
            ("receiveElementCount", capacity.receiveElementCount, limits.elementCountMax),
        ]
        let tooLarge = wishes.filter { $0.1 > $0.2 || $0.1 < 0 }
        return tooLarge.map { "; \($0.0) \($0.1) is beyond 0 to \($0.2), which the device allows" }.joined()
    }
}

// SAFETY: verbs may be called from any thread.
extension PairHandle: @unchecked Sendable {}

/// What a queue pair is made of.
internal struct PairWish {
    var kind: ServiceKind
    var domain: DomainHandle
    var sendQueue: QueueHandle
    var receiveQueue: QueueHandle
    var sharedReceiveQueue: SharedReceiveHandle?
    var capacity: QueueCapacity
    var port: UInt8
    var gidIndex: UInt8
    var remoteAccess: RemoteAccess = []
    var qKey = QKey(rawValue: 0)
}
