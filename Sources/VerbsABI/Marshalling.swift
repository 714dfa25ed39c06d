public import CVerbs

// Conversions between the structs of verbs and those of the kernel's interface, which librdmacm of the same version
// calls. No installed header declares them.

// SAFETY: both structs are the caller's, live and of the types of the kernel's headers.

/// Copies a path's address from the kernel's struct.
@c(ibv_copy_ah_attr_from_kern)
public func copyAddressFromKernel(
    _ destination: UnsafeMutablePointer<ibv_ah_attr>?,
    _ source: UnsafePointer<ib_uverbs_ah_attr>?
) {
    guard let destination = unsafe destination, let source = unsafe source else { return }
    unsafe destination.pointee = ibv_ah_attr(source.pointee)
}

/// Copies all attributes but the state, which `ibv_modify_qp` sets, from the kernel's struct.
@c(ibv_copy_qp_attr_from_kern)
public func copyQueuePairAttributesFromKernel(
    _ destination: UnsafeMutablePointer<ibv_qp_attr>?,
    _ source: UnsafePointer<ib_uverbs_qp_attr>?
) {
    guard let destination = unsafe destination, let kernel = unsafe source?.pointee else { return }
    var attributes = unsafe destination.pointee
    attributes.cur_qp_state = ibv_qp_state(kernel.cur_qp_state)
    attributes.path_mtu = ibv_mtu(kernel.path_mtu)
    attributes.path_mig_state = ibv_mig_state(kernel.path_mig_state)
    attributes.qkey = kernel.qkey
    attributes.rq_psn = kernel.rq_psn
    attributes.sq_psn = kernel.sq_psn
    attributes.dest_qp_num = kernel.dest_qp_num
    attributes.qp_access_flags = kernel.qp_access_flags
    attributes.cap.max_send_wr = kernel.max_send_wr
    attributes.cap.max_recv_wr = kernel.max_recv_wr
    attributes.cap.max_send_sge = kernel.max_send_sge
    attributes.cap.max_recv_sge = kernel.max_recv_sge
    attributes.cap.max_inline_data = kernel.max_inline_data
    attributes.ah_attr = ibv_ah_attr(kernel.ah_attr)
    attributes.alt_ah_attr = ibv_ah_attr(kernel.alt_ah_attr)
    attributes.pkey_index = kernel.pkey_index
    attributes.alt_pkey_index = kernel.alt_pkey_index
    attributes.en_sqd_async_notify = kernel.en_sqd_async_notify
    attributes.sq_draining = kernel.sq_draining
    attributes.max_rd_atomic = kernel.max_rd_atomic
    attributes.max_dest_rd_atomic = kernel.max_dest_rd_atomic
    attributes.min_rnr_timer = kernel.min_rnr_timer
    attributes.port_num = kernel.port_num
    attributes.timeout = kernel.timeout
    attributes.retry_cnt = kernel.retry_cnt
    attributes.rnr_retry = kernel.rnr_retry
    attributes.alt_port_num = kernel.alt_port_num
    attributes.alt_timeout = kernel.alt_timeout
    unsafe destination.pointee = attributes
}

/// Copies a path record from the kernel's struct.
@c(ibv_copy_path_rec_from_kern)
public func copyPathRecordFromKernel(
    _ destination: UnsafeMutablePointer<ibv_sa_path_rec>?,
    _ source: UnsafePointer<ib_user_path_rec>?
) {
    guard let destination = unsafe destination, let kernel = unsafe source?.pointee else { return }
    var record = unsafe destination.pointee
    record.dgid = ibv_gid(raw: kernel.dgid)
    record.sgid = ibv_gid(raw: kernel.sgid)
    record.dlid = kernel.dlid
    record.slid = kernel.slid
    record.raw_traffic = CInt(bitPattern: kernel.raw_traffic)
    record.flow_label = kernel.flow_label
    record.hop_limit = kernel.hop_limit
    record.traffic_class = kernel.traffic_class
    record.reversible = CInt(bitPattern: kernel.reversible)
    record.numb_path = kernel.numb_path
    record.pkey = kernel.pkey
    record.sl = kernel.sl
    record.mtu_selector = kernel.mtu_selector
    record.mtu = UInt8(truncatingIfNeeded: kernel.mtu)
    record.rate_selector = kernel.rate_selector
    record.rate = kernel.rate
    record.packet_life_time_selector = kernel.packet_life_time_selector
    record.packet_life_time = kernel.packet_life_time
    record.preference = kernel.preference
    unsafe destination.pointee = record
}

/// Copies a path record into the kernel's struct.
@c(ibv_copy_path_rec_to_kern)
public func copyPathRecordToKernel(
    _ destination: UnsafeMutablePointer<ib_user_path_rec>?,
    _ source: UnsafePointer<ibv_sa_path_rec>?
) {
    guard let destination = unsafe destination, let record = unsafe source?.pointee else { return }
    var kernel = unsafe destination.pointee
    kernel.dgid = unsafe record.dgid.raw
    kernel.sgid = unsafe record.sgid.raw
    kernel.dlid = record.dlid
    kernel.slid = record.slid
    kernel.raw_traffic = UInt32(bitPattern: record.raw_traffic)
    kernel.flow_label = record.flow_label
    kernel.hop_limit = record.hop_limit
    kernel.traffic_class = record.traffic_class
    kernel.reversible = UInt32(bitPattern: record.reversible)
    kernel.numb_path = record.numb_path
    kernel.pkey = record.pkey
    kernel.sl = record.sl
    kernel.mtu_selector = record.mtu_selector
    kernel.mtu = UInt32(record.mtu)
    kernel.rate_selector = record.rate_selector
    kernel.rate = record.rate
    kernel.packet_life_time_selector = record.packet_life_time_selector
    kernel.packet_life_time = record.packet_life_time
    kernel.preference = record.preference
    unsafe destination.pointee = kernel
}

extension ibv_ah_attr {
    /// Takes over the kernel's fields, one by one: the layouts differ.
    internal init(_ kernel: ib_uverbs_ah_attr) {
        self.init()
        self.grh.dgid = ibv_gid(raw: kernel.grh.dgid)
        self.grh.flow_label = kernel.grh.flow_label
        self.grh.sgid_index = kernel.grh.sgid_index
        self.grh.hop_limit = kernel.grh.hop_limit
        self.grh.traffic_class = kernel.grh.traffic_class
        self.dlid = kernel.dlid
        self.sl = kernel.sl
        self.src_path_bits = kernel.src_path_bits
        self.static_rate = kernel.static_rate
        self.is_global = kernel.is_global
        self.port_num = kernel.port_num
    }
}
