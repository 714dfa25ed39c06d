/// What a queue pair is made of: `ibv_qp_init_attr`. See ibv_create_qp(3).
package struct QueuePairInit {
    package var type: QueuePairType
    package var sendQueue: CompletionQueue
    package var receiveQueue: CompletionQueue
    package var sharedReceiveQueue: SharedReceiveQueue?
    /// Of the target of an extended connection, and of nothing else.
    package var xrcDomain: OpenXRCDomain?
    package var capabilities: QueuePairCapabilities
    /// Every send request completes with an entry, whatever its own flags say (`sq_sig_all`).
    package var signalsAll: Bool
    /// What the queue pair itself sends to a group that it has is not for it (`IBV_QP_CREATE_BLOCK_SELF_MCAST_LB`).
    package var blocksOwnMulticast = false

    package init(
        type: QueuePairType,
        sendQueue: CompletionQueue,
        receiveQueue: CompletionQueue,
        sharedReceiveQueue: SharedReceiveQueue? = nil,
        xrcDomain: OpenXRCDomain? = nil,
        capabilities: QueuePairCapabilities,
        signalsAll: Bool = false
    ) {
        self.type = type
        self.sendQueue = sendQueue
        self.receiveQueue = receiveQueue
        self.sharedReceiveQueue = sharedReceiveQueue
        self.xrcDomain = xrcDomain
        self.capabilities = capabilities
        self.signalsAll = signalsAll
    }
}
