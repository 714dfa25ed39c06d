internal import CVerbs

extension PairHandle {
    /// RESET to INIT.
    internal func initialize(remoteAccess: RemoteAccess, qKey: QKey) throws(VerbsError) {
        var attributes = ibv_qp_attr()
        attributes.qp_state = IBV_QPS_INIT
        attributes.pkey_index = 0
        attributes.port_num = self.port
        var mask = [IBV_QP_STATE, IBV_QP_PKEY_INDEX, IBV_QP_PORT]
        if self.kind == .unreliableDatagram {
            attributes.qkey = qKey.rawValue
            mask.append(IBV_QP_QKEY)
        } else {
            attributes.qp_access_flags = remoteAccess.rawValue
            mask.append(IBV_QP_ACCESS_FLAGS)
        }
        try self.modify(
            &attributes,
            mask,
            "to INIT, port \(self.port), remoteAccess 0x\(String(remoteAccess.rawValue, radix: 16))"
        )
    }

    /// INIT to RTR.
    internal func becomeReadyToReceive(from peer: QueuePairAddress?, _ options: PathOptions) throws(VerbsError) {
        var attributes = ibv_qp_attr()
        attributes.qp_state = IBV_QPS_RTR
        var mask = [IBV_QP_STATE]
        var detail = "to RTR"
        if let peer, self.kind != .unreliableDatagram {
            let mtu = options.mtu ?? min(self.address.mtu, peer.mtu)
            attributes.path_mtu = mtu.raw
            attributes.dest_qp_num = peer.qpn.rawValue
            attributes.rq_psn = peer.psn.rawValue
            attributes.ah_attr = AddressHandle.attributes(
                to: peer.gid,
                lid: peer.lid,
                gidIndex: self.gidIndex,
                port: self.port,
                options
            )
            mask += [IBV_QP_AV, IBV_QP_PATH_MTU, IBV_QP_DEST_QPN, IBV_QP_RQ_PSN]
            detail += ", peer \(peer.gid) queue pair \(peer.qpn), mtu \(mtu.rawValue)"
        }
        if self.kind == .reliableConnection {
            attributes.max_dest_rd_atomic = options.readCount
            attributes.min_rnr_timer = options.rnrTimerCode
            mask += [IBV_QP_MAX_DEST_RD_ATOMIC, IBV_QP_MIN_RNR_TIMER]
            detail += ", readCount \(options.readCount), rnrTimerCode \(options.rnrTimerCode)"
        }
        try self.modify(&attributes, mask, detail)
    }

    /// RTR to RTS.
    internal func becomeReadyToSend(_ options: PathOptions) throws(VerbsError) {
        var attributes = ibv_qp_attr()
        attributes.qp_state = IBV_QPS_RTS
        attributes.sq_psn = self.address.psn.rawValue
        var mask = [IBV_QP_STATE, IBV_QP_SQ_PSN]
        var detail = "to RTS"
        if self.kind == .reliableConnection {
            attributes.timeout = options.ackTimeoutExponent
            attributes.retry_cnt = options.retryCount
            attributes.rnr_retry = options.rnrRetryCount
            attributes.max_rd_atomic = options.readCount
            mask += [IBV_QP_TIMEOUT, IBV_QP_RETRY_CNT, IBV_QP_RNR_RETRY, IBV_QP_MAX_QP_RD_ATOMIC]
            detail +=
                ", ackTimeoutExponent \(options.ackTimeoutExponent), retryCount \(options.retryCount), "
                + "rnrRetryCount \(options.rnrRetryCount), readCount \(options.readCount)"
        }
        try self.modify(&attributes, mask, detail)
    }

    /// Any state to ERR: what is posted completes as flushed.
    internal func fail() throws(VerbsError) {
        var attributes = ibv_qp_attr()
        attributes.qp_state = IBV_QPS_ERR
        try self.modify(&attributes, [IBV_QP_STATE], "to ERR")
    }

    internal func state() throws(VerbsError) -> QueuePairState {
        var attributes = ibv_qp_attr()
        var initial = unsafe ibv_qp_init_attr()
        let mask = CInt(IBV_QP_STATE.rawValue)
        try VerbsError.check(
            "ibv_query_qp",
            unsafe self.domain.context.functions.queryPair(self.raw, &attributes, mask, &initial)
        )
        return QueuePairState(attributes.qp_state)
    }

    private func modify(
        _ attributes: inout ibv_qp_attr,
        _ mask: [ibv_qp_attr_mask],
        _ detail: String
    ) throws(VerbsError) {
        let bits = mask.reduce(0) { $0 | $1.rawValue }
        let result = unsafe self.domain.context.functions.modifyPair(self.raw, &attributes, CInt(bits))
        guard result != 0 else { return }
        let now = (try? self.state()).map { " from state \($0)" } ?? ""
        try VerbsError.check("ibv_modify_qp", result, detail: "queue pair \(self.address.qpn)\(now) \(detail)")
    }
}

// MARK: - Refusals

extension PairHandle {
    /// Why a request was not posted.
    @inline(never)
    internal func postFailure(_ operation: String, _ result: CInt, requestIndex: Int) -> VerbsError {
        let error = VerbsError(operation: operation, errno: result)
        let state = try? self.state()
        let code: VerbsError.Code =
            switch (error.code, state) {
            case (.outOfResources, _): .queueFull
            case (.invalidArgument, .reset?), (.invalidArgument, .error?): .wrongState
            default: error.code
            }
        let isReceive = operation == "ibv_post_recv"
        let name = isReceive ? "receiveCount" : "sendCount"
        let count = isReceive ? self.capacity.receiveCount : self.capacity.sendCount
        return VerbsError(
            code,
            operation: operation,
            detail: "queue pair \(self.address.qpn)" + (state.map { " in state \($0)" } ?? "") + ", \(name) \(count)",
            errno: result,
            requestIndex: requestIndex
        )
    }
}
