internal import CVerbs
internal import Glibc
internal import SoftHCA
internal import SystemIO
internal import Wire

// SAFETY (this file): domains, queues and contexts are pointers that this library returned and did not destroy;
// attribute structs are the caller's and live.

/// Opens a domain of extended connections. See ibv_open_xrcd(3).
internal func openExtendedDomain(
    _ context: UnsafeMutablePointer<ibv_context>?,
    _ attributes: UnsafeMutablePointer<ibv_xrcd_init_attr>?
) -> UnsafeMutablePointer<ibv_xrcd>? {
    unsafe returningPointer { () throws(Errno) in
        let context = unsafe try context.orInvalid()
        let wanted = unsafe try attributes.orInvalid().pointee
        let known = IBV_XRCD_INIT_ATTR_FD.rawValue | IBV_XRCD_INIT_ATTR_OFLAGS.rawValue
        guard wanted.comp_mask & ~known == 0 else { throw .notSupported }
        guard wanted.comp_mask == known, wanted.oflags & ~(O_CREAT | O_EXCL) == 0 else { throw .invalidArgument }
        let domain = try OpenXRCDomain(
            context: unsafe context.adapter,
            file: wanted.fd == -1 ? nil : wanted.fd,
            creates: wanted.oflags & O_CREAT != 0,
            isExclusive: wanted.oflags & O_EXCL != 0
        )
        let handle: UnsafeMutablePointer<ExtendedDomainHandle>
        do throws(Errno) {
            unsafe handle = unsafe try ExtendedDomainHandle.make(domain)
        } catch {
            try? domain.close()
            throw error
        }
        unsafe handle.pointee.base.context = context
        return unsafe handle.base()
    }
}

/// Closes a domain; `EBUSY` while something that was made in it is left. See ibv_open_xrcd(3).
internal func closeExtendedDomain(_ domain: UnsafeMutablePointer<ibv_xrcd>?) -> CInt {
    returningErrno { () throws(Errno) in
        let domain = unsafe try domain.orInvalid()
        try unsafe domain.adapter.close()
        unsafe domain.destroy(OpenXRCDomain.self)
    }
}

/// The number by which requests name a queue; `EOPNOTSUPP` for one of another type. See ibv_get_srq_num(3).
internal func sharedReceiveQueueNumber(
    _ queue: UnsafeMutablePointer<ibv_srq>?,
    _ number: UnsafeMutablePointer<UInt32>?
) -> CInt {
    returningErrno { () throws(Errno) in
        let queue = unsafe try queue.orInvalid().adapter
        guard let extended = queue.extended else { throw .notSupported }
        unsafe try number.orInvalid().pointee = extended.number.rawValue
    }
}

/// Opens a target queue pair that is there. See ibv_open_qp(3).
internal func openQueuePair(
    _ context: UnsafeMutablePointer<ibv_context>?,
    _ attributes: UnsafeMutablePointer<ibv_qp_open_attr>?
) -> UnsafeMutablePointer<ibv_qp>? {
    unsafe returningPointer { () throws(Errno) in
        let context = unsafe try context.orInvalid()
        let wanted = unsafe try attributes.orInvalid().pointee
        let needed = IBV_QP_OPEN_ATTR_NUM.rawValue | IBV_QP_OPEN_ATTR_XRCD.rawValue | IBV_QP_OPEN_ATTR_TYPE.rawValue
        guard unsafe wanted.comp_mask & ~(needed | IBV_QP_OPEN_ATTR_CONTEXT.rawValue) == 0 else { throw .notSupported }
        guard unsafe wanted.comp_mask & needed == needed, unsafe wanted.qp_type == IBV_QPT_XRC_RECV else {
            throw .invalidArgument
        }
        let domain = unsafe try wanted.xrcd.orInvalid()
        let handle = unsafe try CMemory.allocate(QueuePairHandle.self)
        let queuePair: QueuePair
        do throws(Errno) {
            queuePair = try unsafe QueuePair.open(number: wanted.qp_num, in: domain.adapter, as: handle)
        } catch {
            unsafe CMemory.free(handle)
            throw error
        }
        unsafe handle.pointee.object = .passRetained(queuePair)
        unsafe handle.initialize(context: context, number: queuePair.number, type: wanted.qp_type)
        let hasContext = unsafe wanted.comp_mask & IBV_QP_OPEN_ATTR_CONTEXT.rawValue != 0
        unsafe handle.cStruct.pointee.qp_context = hasContext ? wanted.qp_context : nil
        return unsafe handle.cStruct
    }
}

extension UnsafeMutablePointer where Pointee == ibv_xrcd {
    // SAFETY: see the head of the file.

    /// The adapter's domain.
    internal var adapter: OpenXRCDomain { unsafe self.object().takeUnretainedValue() }
}
