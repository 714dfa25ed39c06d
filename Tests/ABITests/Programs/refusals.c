/* What no software adapter of RoCE has: flows, work queues, raw packets, tag matching, memory of other devices. */
#include "check.h"

CASE(flows_and_work_queues)
{
	struct world world = make_world();
	struct ibv_qp *qp = make_qp(&world, IBV_QPT_UD);
	struct ibv_flow_attr flow = {.type = IBV_FLOW_ATTR_NORMAL, .size = sizeof flow, .port = PORT};
	struct ibv_flow_action_esp_attr esp = {0};
	struct ibv_wq_init_attr wq = {.max_wr = 1, .max_sge = 1, .pd = world.pd, .cq = world.cq};
	struct ibv_rwq_ind_table_init_attr table = {0};

	REFUSES(ibv_create_flow, EOPNOTSUPP, ibv_create_flow(qp, &flow));
	REFUSES(ibv_create_flow_action_esp, EOPNOTSUPP, ibv_create_flow_action_esp(world.context, &esp));
	REFUSES(ibv_create_wq, EOPNOTSUPP, ibv_create_wq(world.context, &wq));
	REFUSES(ibv_create_rwq_ind_table, EOPNOTSUPP, ibv_create_rwq_ind_table(world.context, &table));
	CHECK_EQUAL(ibv_destroy_qp(qp), 0);
	end_world(&world);
}

/* A connection's options are a vendor's, and counters count flows. */
CASE(options_and_counters)
{
	struct world world = make_world();
	struct ibv_qp *qp = make_qp(&world, IBV_QPT_RC);
	struct ibv_ece options = {.vendor_id = 1};
	struct ibv_counters_init_attr counters = {0};

	REFUSES(ibv_query_ece, EOPNOTSUPP, ibv_query_ece(qp, &options));
	REFUSES(ibv_set_ece, EOPNOTSUPP, ibv_set_ece(qp, &options));
	REFUSES(ibv_create_counters, EOPNOTSUPP, ibv_create_counters(world.context, &counters));
	CHECK_EQUAL(ibv_destroy_qp(qp), 0);
	end_world(&world);
}

CASE(types_of_adapters)
{
	struct world world = make_world();
	struct ibv_qp_init_attr raw = qp_init(&world, IBV_QPT_RAW_PACKET), driver = qp_init(&world, IBV_QPT_DRIVER);
	struct ibv_srq_init_attr_ex tags = {
		.attr = {.max_wr = 1, .max_sge = 1},
		.comp_mask = IBV_SRQ_INIT_ATTR_TYPE | IBV_SRQ_INIT_ATTR_PD | IBV_SRQ_INIT_ATTR_CQ | IBV_SRQ_INIT_ATTR_TM,
		.srq_type = IBV_SRQT_TM,
		.pd = world.pd,
		.cq = world.cq,
	};

	REFUSES(IBV_QPT_RAW_PACKET, EOPNOTSUPP, ibv_create_qp(world.pd, &raw));
	REFUSES(IBV_QPT_DRIVER, EOPNOTSUPP, ibv_create_qp(world.pd, &driver));
	REFUSES(IBV_SRQT_TM, EOPNOTSUPP, ibv_create_srq_ex(world.context, &tags));
	end_world(&world);
}

CASE(requests_of_adapters)
{
	struct world world = make_world();
	struct ibv_qp_init_attr plain = qp_init(&world, IBV_QPT_UD);
	struct ibv_qp_init_attr_ex init = {
		.send_cq = world.cq,
		.recv_cq = world.cq,
		.cap = plain.cap,
		.qp_type = IBV_QPT_UD,
		.comp_mask = IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_SEND_OPS_FLAGS,
		.pd = world.pd,
		.send_ops_flags = IBV_QP_EX_WITH_TSO,
	};
	struct pair pair = make_pair(IBV_QPT_RC);
	struct ibv_sge sge = piece(&pair.world, 0, 8);
	struct ibv_send_wr tso = request(1, IBV_WR_TSO, &sge), driver = request(1, IBV_WR_DRIVER1, &sge);
	struct ibv_qp_rate_limit_attr rate = {.rate_limit = 1000};

	REFUSES(IBV_QP_EX_WITH_TSO, EOPNOTSUPP, ibv_create_qp_ex(world.context, &init));
	REFUSES(IBV_WR_TSO, EINVAL, try_send(pair.a, &tso));
	REFUSES(IBV_WR_DRIVER1, EINVAL, try_send(pair.a, &driver));
	REFUSES(ibv_modify_qp_rate_limit, EOPNOTSUPP, ibv_modify_qp_rate_limit(pair.a, &rate));
	end_pair(&pair);
	end_world(&world);
}

CASE(fields_of_adapters)
{
	struct world world = make_world();
	struct ibv_cq_init_attr_ex vlan = {.cqe = 16, .wc_flags = IBV_WC_EX_WITH_CVLAN};
	struct ibv_cq_init_attr_ex flow = {.cqe = 16, .wc_flags = IBV_WC_EX_WITH_FLOW_TAG};
	struct ibv_cq_init_attr_ex tags = {.cqe = 16, .wc_flags = IBV_WC_EX_WITH_TM_INFO};

	REFUSES(IBV_WC_EX_WITH_CVLAN, EOPNOTSUPP, ibv_create_cq_ex(world.context, &vlan));
	REFUSES(IBV_WC_EX_WITH_FLOW_TAG, EOPNOTSUPP, ibv_create_cq_ex(world.context, &flow));
	REFUSES(IBV_WC_EX_WITH_TM_INFO, EOPNOTSUPP, ibv_create_cq_ex(world.context, &tags));
	end_world(&world);
}

CASE(memory_of_other_devices)
{
	struct world world = make_world();

	REFUSES(ibv_reg_dmabuf_mr, EOPNOTSUPP, ibv_reg_dmabuf_mr(world.pd, 0, 4096, 0, 0, 0));
	end_world(&world);
}

/* No path but one: alternate paths and pacing are InfiniBand's and the adapters'. */
CASE(attributes_of_adapters)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct ibv_qp_attr attr = {.path_mig_state = IBV_MIG_ARMED, .rate_limit = 1000};

	REFUSES(IBV_QP_PATH_MIG_STATE, EINVAL, ibv_modify_qp(pair.a, &attr, IBV_QP_PATH_MIG_STATE));
	REFUSES(IBV_QP_ALT_PATH, EINVAL, ibv_modify_qp(pair.a, &attr, IBV_QP_ALT_PATH));
	REFUSES(IBV_QP_RATE_LIMIT, EINVAL, ibv_modify_qp(pair.a, &attr, IBV_QP_RATE_LIMIT));
	CHECK_EQUAL(state_of(pair.a), IBV_QPS_RTS);
	end_pair(&pair);
}
