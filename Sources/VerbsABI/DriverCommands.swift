internal import SystemIO

// The commands to the kernel's uverbs device that drivers issue through libibverbs. This library has no kernel device, so
// each answers that it is not supported. Only drivers call them, which load because other programs link to them.
//
// They take no parameters here: none is looked at, and in the C calling conventions of Linux the caller clears its own
// arguments away.

@c(ibv_cmd_advise_mr)
public func cmdAdviseMr() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_alloc_dm)
public func cmdAllocDm() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_alloc_mw)
public func cmdAllocMw() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_alloc_pd)
public func cmdAllocPd() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_attach_mcast)
public func cmdAttachMcast() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_close_xrcd)
public func cmdCloseXrcd() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_create_ah)
public func cmdCreateAh() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_create_counters)
public func cmdCreateCounters() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_create_cq)
public func cmdCreateCq() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_create_cq_ex)
public func cmdCreateCqEx() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_create_flow)
public func cmdCreateFlow() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_create_flow_action_esp)
public func cmdCreateFlowActionEsp() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_create_qp)
public func cmdCreateQp() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_create_qp_ex)
public func cmdCreateQpEx() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_create_qp_ex2)
public func cmdCreateQpEx2() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_create_rwq_ind_table)
public func cmdCreateRwqIndTable() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_create_srq)
public func cmdCreateSrq() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_create_srq_ex)
public func cmdCreateSrqEx() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_create_wq)
public func cmdCreateWq() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_dealloc_mw)
public func cmdDeallocMw() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_dealloc_pd)
public func cmdDeallocPd() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_dereg_mr)
public func cmdDeregMr() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_destroy_ah)
public func cmdDestroyAh() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_destroy_counters)
public func cmdDestroyCounters() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_destroy_cq)
public func cmdDestroyCq() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_destroy_flow)
public func cmdDestroyFlow() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_destroy_flow_action)
public func cmdDestroyFlowAction() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_destroy_qp)
public func cmdDestroyQp() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_destroy_rwq_ind_table)
public func cmdDestroyRwqIndTable() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_destroy_srq)
public func cmdDestroySrq() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_destroy_wq)
public func cmdDestroyWq() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_detach_mcast)
public func cmdDetachMcast() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_free_dm)
public func cmdFreeDm() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_get_context)
public func cmdGetContext() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_modify_cq)
public func cmdModifyCq() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_modify_flow_action_esp)
public func cmdModifyFlowActionEsp() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_modify_qp)
public func cmdModifyQp() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_modify_qp_ex)
public func cmdModifyQpEx() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_modify_srq)
public func cmdModifySrq() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_modify_wq)
public func cmdModifyWq() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_open_qp)
public func cmdOpenQp() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_open_xrcd)
public func cmdOpenXrcd() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_poll_cq)
public func cmdPollCq() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_post_recv)
public func cmdPostRecv() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_post_send)
public func cmdPostSend() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_post_srq_recv)
public func cmdPostSrqRecv() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_query_context)
public func cmdQueryContext() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_query_device_any)
public func cmdQueryDeviceAny() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_query_mr)
public func cmdQueryMr() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_query_port)
public func cmdQueryPort() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_query_qp)
public func cmdQueryQp() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_query_srq)
public func cmdQuerySrq() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_read_counters)
public func cmdReadCounters() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_reg_dm_mr)
public func cmdRegDmMr() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_reg_dmabuf_mr)
public func cmdRegDmabufMr() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_reg_mr)
public func cmdRegMr() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_req_notify_cq)
public func cmdReqNotifyCq() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_rereg_mr)
public func cmdReregMr() -> CInt { Errno.notSupported.rawValue }

@c(ibv_cmd_resize_cq)
public func cmdResizeCq() -> CInt { Errno.notSupported.rawValue }
