internal import CVerbs
internal import Segment
internal import SoftHCA
internal import Wire

// Between the structs of `verbs.h` and the adapter's. Numbers are the same on both sides.

extension GID {
    internal init(_ gid: ibv_gid) {
        unsafe self.init(
            prefix: UInt64(bigEndian: gid.global.subnet_prefix),
            interfaceID: UInt64(bigEndian: gid.global.interface_id)
        )
    }
}

extension ibv_gid {
    internal init(_ gid: GID) {
        self.init()
        unsafe self.global.subnet_prefix = gid.prefix.bigEndian
        unsafe self.global.interface_id = gid.interfaceID.bigEndian
    }
}

extension AddressAttributes {
    internal init(_ attributes: ibv_ah_attr) {
        self.init()
        self.destinationGID = GID(attributes.grh.dgid)
        self.flowLabel = attributes.grh.flow_label
        self.sourceGIDIndex = attributes.grh.sgid_index
        self.hopLimit = attributes.grh.hop_limit
        self.trafficClass = attributes.grh.traffic_class
        self.destinationLID = attributes.dlid
        self.serviceLevel = attributes.sl
        self.sourcePathBits = attributes.src_path_bits
        self.staticRate = attributes.static_rate
        self.isGlobal = attributes.is_global != 0
        self.port = attributes.port_num
    }
}

extension ibv_ah_attr {
    internal init(_ attributes: AddressAttributes) {
        self.init()
        self.grh.dgid = ibv_gid(attributes.destinationGID)
        self.grh.flow_label = attributes.flowLabel
        self.grh.sgid_index = attributes.sourceGIDIndex
        self.grh.hop_limit = attributes.hopLimit
        self.grh.traffic_class = attributes.trafficClass
        self.dlid = attributes.destinationLID
        self.sl = attributes.serviceLevel
        self.src_path_bits = attributes.sourcePathBits
        self.static_rate = attributes.staticRate
        self.is_global = attributes.isGlobal ? 1 : 0
        self.port_num = attributes.port
    }
}

extension QueuePairCapabilities {
    internal init(_ capabilities: ibv_qp_cap) {
        self.init(
            sendRequests: capabilities.max_send_wr,
            receiveRequests: capabilities.max_recv_wr,
            sendScatter: capabilities.max_send_sge,
            receiveScatter: capabilities.max_recv_sge,
            inlineByteCount: capabilities.max_inline_data
        )
    }
}

extension ibv_qp_cap {
    internal init(_ capabilities: QueuePairCapabilities) {
        self.init(
            max_send_wr: capabilities.sendRequests,
            max_recv_wr: capabilities.receiveRequests,
            max_send_sge: capabilities.sendScatter,
            max_recv_sge: capabilities.receiveScatter,
            max_inline_data: capabilities.inlineByteCount
        )
    }
}

extension QueuePairAttributes {
    internal init(_ attributes: ibv_qp_attr) {
        self.init()
        self.state = attributes.qp_state.rawValue
        self.currentState = attributes.cur_qp_state.rawValue
        self.pathMTU = attributes.path_mtu.rawValue
        self.pathMigrationState = attributes.path_mig_state.rawValue
        self.qKey = attributes.qkey
        self.receivePSN = attributes.rq_psn
        self.sendPSN = attributes.sq_psn
        self.destinationQP = attributes.dest_qp_num
        self.access = AccessFlags(rawValue: attributes.qp_access_flags)
        self.capabilities = QueuePairCapabilities(attributes.cap)
        self.primaryPath = AddressAttributes(attributes.ah_attr)
        self.alternatePath = AddressAttributes(attributes.alt_ah_attr)
        self.pKeyIndex = attributes.pkey_index
        self.alternatePKeyIndex = attributes.alt_pkey_index
        self.enablesDrainedEvent = attributes.en_sqd_async_notify != 0
        self.isSendDraining = attributes.sq_draining != 0
        self.readsMax = attributes.max_rd_atomic
        self.readsMaxDestination = attributes.max_dest_rd_atomic
        self.rnrTimer = attributes.min_rnr_timer
        self.port = attributes.port_num
        self.timeout = attributes.timeout
        self.retryCount = attributes.retry_cnt
        self.rnrRetryCount = attributes.rnr_retry
        self.alternatePort = attributes.alt_port_num
        self.alternateTimeout = attributes.alt_timeout
        self.rateLimit = attributes.rate_limit
    }
}

extension ibv_qp_attr {
    internal init(_ attributes: QueuePairAttributes) {
        self.init()
        self.qp_state = ibv_qp_state(attributes.state)
        self.cur_qp_state = ibv_qp_state(attributes.currentState)
        self.path_mtu = ibv_mtu(attributes.pathMTU)
        self.path_mig_state = ibv_mig_state(attributes.pathMigrationState)
        self.qkey = attributes.qKey
        self.rq_psn = attributes.receivePSN
        self.sq_psn = attributes.sendPSN
        self.dest_qp_num = attributes.destinationQP
        self.qp_access_flags = attributes.access.rawValue
        self.cap = ibv_qp_cap(attributes.capabilities)
        self.ah_attr = ibv_ah_attr(attributes.primaryPath)
        self.alt_ah_attr = ibv_ah_attr(attributes.alternatePath)
        self.pkey_index = attributes.pKeyIndex
        self.alt_pkey_index = attributes.alternatePKeyIndex
        self.en_sqd_async_notify = attributes.enablesDrainedEvent ? 1 : 0
        self.sq_draining = attributes.isSendDraining ? 1 : 0
        self.max_rd_atomic = attributes.readsMax
        self.max_dest_rd_atomic = attributes.readsMaxDestination
        self.min_rnr_timer = attributes.rnrTimer
        self.port_num = attributes.port
        self.timeout = attributes.timeout
        self.retry_cnt = attributes.retryCount
        self.rnr_retry = attributes.rnrRetryCount
        self.alt_port_num = attributes.alternatePort
        self.alt_timeout = attributes.alternateTimeout
        self.rate_limit = attributes.rateLimit
    }
}

extension ibv_device_attr {
    internal init(_ attributes: DeviceAttributes) {
        self.init()
        CMemory.write(attributes.firmwareVersion, into: &self.fw_ver)
        self.node_guid = attributes.nodeGUID.bigEndian
        self.sys_image_guid = attributes.systemImageGUID.bigEndian
        self.max_mr_size = attributes.memoryRegionByteCountMax
        self.page_size_cap = attributes.pageSizes
        self.vendor_id = attributes.vendorID
        self.vendor_part_id = attributes.vendorPartID
        self.hw_ver = attributes.hardwareVersion
        self.max_qp = CInt(clamping: attributes.queuePairsMax)
        self.max_qp_wr = CInt(clamping: attributes.workRequestsMax)
        self.device_cap_flags = UInt32(truncatingIfNeeded: attributes.capabilities.rawValue)
        self.max_sge = CInt(clamping: attributes.scatterElementsMax)
        self.max_sge_rd = CInt(clamping: attributes.readScatterElementsMax)
        self.max_cq = CInt(clamping: attributes.completionQueuesMax)
        self.max_cqe = CInt(clamping: attributes.completionsMax)
        self.max_mr = CInt(clamping: attributes.memoryRegionsMax)
        self.max_mw = CInt(clamping: attributes.memoryWindowsMax)
        self.max_pd = CInt(clamping: attributes.protectionDomainsMax)
        self.max_qp_rd_atom = CInt(clamping: attributes.readsMax)
        self.max_res_rd_atom = CInt(clamping: attributes.allReadsMax)
        self.max_qp_init_rd_atom = CInt(clamping: attributes.initiatedReadsMax)
        self.atomic_cap = ibv_atomic_cap(attributes.atomicCapability)
        self.max_ah = CInt(clamping: attributes.addressHandlesMax)
        self.max_srq = CInt(clamping: attributes.sharedReceiveQueuesMax)
        self.max_srq_wr = CInt(clamping: attributes.sharedReceiveRequestsMax)
        self.max_srq_sge = CInt(clamping: attributes.sharedReceiveScatterMax)
        self.max_mcast_grp = CInt(clamping: attributes.multicastGroupsMax)
        self.max_mcast_qp_attach = CInt(clamping: attributes.multicastQueuePairsMax)
        self.max_total_mcast_qp_attach = CInt(
            clamping: attributes.multicastGroupsMax * attributes.multicastQueuePairsMax
        )
        self.max_pkeys = UInt16(clamping: attributes.pKeysMax)
        self.local_ca_ack_delay = attributes.acknowledgeDelay
        self.phys_port_cnt = UInt8(clamping: attributes.portCount)
    }
}

extension ibv_device_attr_ex {
    internal init(_ attributes: DeviceAttributes) {
        self.init()
        self.orig_attr = ibv_device_attr(attributes)
        self.completion_timestamp_mask = attributes.timestampMask
        self.hca_core_clock = attributes.clockKilohertz
        self.device_cap_flags_ex = attributes.capabilities.rawValue
        self.cq_mod_caps.max_cq_count = attributes.moderationCountMax
        self.cq_mod_caps.max_cq_period = attributes.moderationPeriodMax
        self.phys_port_cnt_ex = UInt32(clamping: attributes.portCount)
        self.odp_caps.general_caps = attributes.onDemand.general
        self.odp_caps.per_transport_caps.rc_odp_caps = attributes.onDemand.reliable.rawValue
        self.odp_caps.per_transport_caps.uc_odp_caps = attributes.onDemand.unreliable.rawValue
        self.odp_caps.per_transport_caps.ud_odp_caps = attributes.onDemand.datagram.rawValue
        self.xrc_odp_caps = attributes.onDemand.extended.rawValue
        self.max_dm_size = UInt64(attributes.deviceMemoryByteCountMax)
    }
}

extension ibv_port_attr {
    internal init(_ attributes: PortAttributes) {
        self.init()
        self.state = ibv_port_state(attributes.state)
        self.max_mtu = ibv_mtu(attributes.maxMTU)
        self.active_mtu = ibv_mtu(attributes.activeMTU)
        self.gid_tbl_len = CInt(clamping: attributes.gidCount)
        self.port_cap_flags = attributes.capabilities
        self.max_msg_sz = attributes.messageByteCountMax
        self.pkey_tbl_len = UInt16(clamping: attributes.pKeyCount)
        self.max_vl_num = attributes.virtualLaneMax
        self.active_width = attributes.activeWidth
        self.active_speed = UInt8(clamping: attributes.activeSpeed)
        self.phys_state = attributes.physicalState
        self.link_layer = attributes.linkLayer
    }
}
