/* What the programs about extended reliable connections share: domains, queues, initiators and targets. */
#pragma once
#include "check.h"

#include <signal.h>
#include <sys/wait.h>

#define HALF (BUFFER_SIZE / 2)

static inline struct ibv_xrcd *try_open(struct world *world, int fd, int oflags)
{
	struct ibv_xrcd_init_attr attr = {
		.comp_mask = IBV_XRCD_INIT_ATTR_FD | IBV_XRCD_INIT_ATTR_OFLAGS, .fd = fd, .oflags = oflags};

	return ibv_open_xrcd(world->context, &attr);
}

static inline struct ibv_srq *make_queue(struct world *world, struct ibv_xrcd *xrcd, struct ibv_cq *cq, struct ibv_pd *pd)
{
	struct ibv_srq_init_attr_ex init = {
		.attr = {.max_wr = 16, .max_sge = 2},
		.comp_mask = IBV_SRQ_INIT_ATTR_TYPE | IBV_SRQ_INIT_ATTR_PD | IBV_SRQ_INIT_ATTR_XRCD | IBV_SRQ_INIT_ATTR_CQ,
		.srq_type = IBV_SRQT_XRC,
		.pd = pd,
		.xrcd = xrcd,
		.cq = cq,
	};
	struct ibv_srq *srq = ibv_create_srq_ex(world->context, &init);

	CHECK(srq != NULL);
	CHECK(init.attr.max_wr >= 16);
	return srq;
}

static inline uint32_t number_of(struct ibv_srq *srq)
{
	uint32_t number = 0;

	CHECK_EQUAL(ibv_get_srq_num(srq, &number), 0);
	CHECK(number > 0 && number < 0xFFFFFF);
	return number;
}

static inline struct ibv_qp *make_target(struct world *world, struct ibv_xrcd *xrcd)
{
	struct ibv_qp_init_attr_ex init = {
		.qp_type = IBV_QPT_XRC_RECV, .comp_mask = IBV_QP_INIT_ATTR_XRCD, .xrcd = xrcd};
	struct ibv_qp *qp = ibv_create_qp_ex(world->context, &init);

	CHECK(qp != NULL);
	return qp;
}

static inline struct ibv_qp *make_initiator(struct world *world)
{
	struct ibv_qp_init_attr init = {
		.qp_type = IBV_QPT_XRC_SEND, .send_cq = world->cq, .cap = {.max_send_wr = 32, .max_send_sge = 2}};
	struct ibv_qp *qp = ibv_create_qp(world->pd, &init);

	CHECK(qp != NULL);
	return qp;
}

enum {
	TARGET_ATTRIBUTES = IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER,
	INITIATOR_ATTRIBUTES = IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY | IBV_QP_MAX_QP_RD_ATOMIC,
};

/* The transitions of check.h, with the attributes of these halves that `named` has. */
static inline void connect_naming(struct world *world, struct ibv_qp *qp, uint32_t peer, int named)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = PORT,
		.qp_access_flags = IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC,
	};

	CHECK_EQUAL(
		ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS), 0);
	attr = (struct ibv_qp_attr){
		.qp_state = IBV_QPS_RTR,
		.path_mtu = IBV_MTU_1024,
		.dest_qp_num = peer,
		.rq_psn = 100,
		.max_dest_rd_atomic = 4,
		.min_rnr_timer = 1,
		.ah_attr = {
			.is_global = 1,
			.port_num = PORT,
			.grh = {.dgid = world->gid, .sgid_index = world->gid_index, .hop_limit = 64},
		},
	};
	CHECK_EQUAL(ibv_modify_qp(qp, &attr,
			    IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
				    (named & TARGET_ATTRIBUTES)),
		0);
	attr = (struct ibv_qp_attr){
		.qp_state = IBV_QPS_RTS, .sq_psn = 100, .timeout = 14, .retry_cnt = 7, .rnr_retry = 7, .max_rd_atomic = 4};
	CHECK_EQUAL(ibv_modify_qp(qp, &attr,
			    IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_SQ_PSN | (named & INITIATOR_ATTRIBUTES)),
		0);
}

/* With the attributes that the half needs. */
static inline void connect_half(struct world *world, struct ibv_qp *qp, uint32_t peer)
{
	connect_naming(world, qp, peer, qp->qp_type == IBV_QPT_XRC_RECV ? TARGET_ATTRIBUTES : INITIATOR_ATTRIBUTES);
}

/* One connection, and two queues with completion queues of their own behind it. */
struct extended {
	struct world world;
	struct ibv_xrcd *xrcd;
	struct ibv_qp *initiator, *target;
	struct ibv_cq *cq[2];
	struct ibv_srq *srq[2];
	uint32_t number[2];
};

static inline struct extended make_extended(void)
{
	struct extended x = {.world = make_world()};

	x.xrcd = try_open(&x.world, -1, O_CREAT);
	CHECK(x.xrcd != NULL);
	for (int i = 0; i < 2; i++) {
		x.cq[i] = ibv_create_cq(x.world.context, 64, NULL, NULL, 0);
		x.srq[i] = make_queue(&x.world, x.xrcd, x.cq[i], x.world.pd);
		x.number[i] = number_of(x.srq[i]);
	}
	CHECK(x.number[0] != x.number[1]);
	x.initiator = make_initiator(&x.world);
	x.target = make_target(&x.world, x.xrcd);
	connect_half(&x.world, x.initiator, x.target->qp_num);
	connect_half(&x.world, x.target, x.initiator->qp_num);
	return x;
}

static inline void end_extended(struct extended *x)
{
	CHECK_EQUAL(ibv_close_xrcd(x->xrcd), EBUSY);
	CHECK_EQUAL(ibv_destroy_qp(x->initiator), 0);
	CHECK_EQUAL(ibv_destroy_qp(x->target), 0);
	for (int i = 0; i < 2; i++) {
		CHECK_EQUAL(ibv_close_xrcd(x->xrcd), EBUSY);
		CHECK_EQUAL(ibv_destroy_cq(x->cq[i]), EBUSY);
		CHECK_EQUAL(ibv_destroy_srq(x->srq[i]), 0);
		CHECK_EQUAL(ibv_destroy_cq(x->cq[i]), 0);
	}
	CHECK_EQUAL(ibv_close_xrcd(x->xrcd), 0);
	end_world(&x->world);
}

static inline void post_to(struct ibv_srq *srq, uint64_t id, struct ibv_sge sge)
{
	struct ibv_recv_wr wr = {.wr_id = id, .sg_list = &sge, .num_sge = 1}, *bad;

	CHECK_EQUAL(ibv_post_srq_recv(srq, &wr, &bad), 0);
}

static inline struct ibv_send_wr to_queue(uint32_t number, struct ibv_send_wr wr)
{
	wr.qp_type.xrc.remote_srqn = number;
	return wr;
}
