internal import CVerbs
internal import SoftHCA

// The verbs that `verbs.h` calls through the context. An entry that stays null is a verb that is not built: the inline
// function of `verbs.h` then answers EOPNOTSUPP.

extension ibv_context_ops {
    internal mutating func setVerbs() {
        // SAFETY: the functions are called with objects of the context that they are set in.
        unsafe self.poll_cq = pollCompletionQueue
        unsafe self.req_notify_cq = requestNotification
        unsafe self.post_send = postSend
        unsafe self.post_recv = postReceive
        unsafe self.post_srq_recv = postSharedReceive
        unsafe self.alloc_mw = allocateWindow
        unsafe self.bind_mw = bindWindow
        unsafe self.dealloc_mw = deallocateWindow
        unsafe self._compat_query_device = { context, attributes in unsafe ibv_query_device(context, attributes) }
        unsafe self._compat_query_port = { context, port, attributes in unsafe ibv_query_port(context, port, attributes)
        }
    }
}

extension verbs_context {
    internal mutating func setVerbs() {
        // SAFETY: the functions are called with objects of the context that they are set in.
        unsafe self.query_port = queryPort
        unsafe self.query_device_ex = queryExtendedDevice
        unsafe self.query_rt_values = queryRealTimeValues
        unsafe self.create_cq_ex = createExtendedCompletionQueue
        unsafe self.modify_cq = modifyCompletionQueue
        unsafe self.create_qp_ex = createExtendedQueuePair
        unsafe self.create_srq_ex = createExtendedSharedReceiveQueue
        unsafe self.open_xrcd = openExtendedDomain
        unsafe self.close_xrcd = closeExtendedDomain
        unsafe self.get_srq_num = sharedReceiveQueueNumber
        unsafe self.open_qp = openQueuePair
        unsafe self.advise_mr = adviseRegion
        unsafe self.alloc_null_mr = allocateNullRegion
        unsafe self.reg_dm_mr = registerDeviceMemory
        unsafe self.alloc_dm = allocateDeviceMemory
        unsafe self.free_dm = freeDeviceMemory
        unsafe self.alloc_parent_domain = allocateParentDomain
        unsafe self.alloc_td = allocateThreadDomain
        unsafe self.dealloc_td = deallocateThreadDomain
    }
}
