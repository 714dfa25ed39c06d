/* Who is not the peer, or not any more; who is not in the state for it; and keys that mean something else. Nobody hears of
 * them, on either path. */
#include "check.h"

#define HALF (BUFFER_SIZE / 2)
/* Far behind where the others begin, so that on the wire nothing is taken for a repetition. */
#define FAR_PSN 0x400000

/* Two tries of 17 ms each. */
static struct path impatient(void)
{
	struct path path = usual_path;

	path.timeout = 12;
	path.retry_cnt = 1;
	return path;
}

/* From INIT on. */
static void connect_far(struct world *world, struct ibv_qp *qp, uint32_t peer, union ibv_gid gid)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTR,
		.path_mtu = IBV_MTU_1024,
		.dest_qp_num = peer,
		.rq_psn = FAR_PSN,
		.max_dest_rd_atomic = 4,
		.min_rnr_timer = 1,
		.ah_attr = {
			.is_global = 1,
			.port_num = PORT,
			.grh = {.dgid = gid, .sgid_index = world->gid_index, .hop_limit = 64},
		},
		.sq_psn = FAR_PSN,
		.timeout = 12,
		.retry_cnt = 1,
		.rnr_retry = 7,
		.max_rd_atomic = 4,
	};
	int mask = IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN;
	int rts_mask = IBV_QP_STATE | IBV_QP_SQ_PSN;
	struct path path = impatient();

	if (qp->qp_type == IBV_QPT_RC) {
		mask |= IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER;
		rts_mask |= IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY | IBV_QP_MAX_QP_RD_ATOMIC;
	}
	CHECK_EQUAL(to_init(qp, &path), 0);
	CHECK_EQUAL(ibv_modify_qp(qp, &attr, mask), 0);
	attr.qp_state = IBV_QPS_RTS;
	CHECK_EQUAL(ibv_modify_qp(qp, &attr, rts_mask), 0);
}

static void expect_nothing_received(struct world *world, struct ibv_cq *cq)
{
	expect_empty(cq);
	for (int i = 0; i < 64; i++)
		CHECK_EQUAL(world->buffer[HALF + i], 0);
}

/* B leaves A for C. What A sends then reaches nobody, though B's number is the same. */
static void leave_for_another(int uses_write)
{
	struct world world = make_world();
	struct path path = impatient();
	struct ibv_qp *a = make_qp(&world, IBV_QPT_RC), *c = make_qp(&world, IBV_QPT_RC);
	struct ibv_qp_init_attr init = qp_init(&world, IBV_QPT_RC);
	struct ibv_cq *b_cq = ibv_create_cq(world.context, 64, NULL, NULL, 0);
	struct ibv_sge sge = piece(&world, 0, 64), other = piece(&world, 64, 64);
	struct ibv_send_wr wr = request(1, IBV_WR_SEND, &sge), late = request(2, IBV_WR_SEND, &sge);

	init.send_cq = init.recv_cq = b_cq;
	struct ibv_qp *b = ibv_create_qp(world.pd, &init);
	memset(world.buffer, 'a', 64);
	memset(world.buffer + 64, 'c', 64);
	connect_far(&world, a, b->qp_num, world.gid);
	connect_far(&world, b, a->qp_num, world.gid);
	post_recv(b, 1, piece(&world, HALF, 64));
	CHECK_EQUAL(try_send(a, &wr), 0);
	EXPECT_COMPLETION(b_cq, 1, IBV_WC_SUCCESS);
	EXPECT_COMPLETION(world.cq, 1, IBV_WC_SUCCESS);
	to_reset(b);
	memset(world.buffer + HALF, 0, 64);
	connect_to(&world, b, c->qp_num, &path);
	connect_to(&world, c, b->qp_num, &path);
	post_recv(b, 3, piece(&world, HALF, 64));
	if (uses_write)
		late = remote_request(2, IBV_WR_RDMA_WRITE, &sge, (uintptr_t)world.buffer + HALF, world.mr->rkey);
	CHECK_EQUAL(try_send(a, &late), 0);
	EXPECT_COMPLETION(world.cq, 2, IBV_WC_RETRY_EXC_ERR);
	expect_nothing_received(&world, b_cq);
	struct ibv_send_wr hello = request(4, IBV_WR_SEND, &other);
	CHECK_EQUAL(try_send(c, &hello), 0);
	EXPECT_COMPLETION(b_cq, 3, IBV_WC_SUCCESS);
	EXPECT_COMPLETION(world.cq, 4, IBV_WC_SUCCESS);
	CHECK_EQUAL(world.buffer[HALF], 'c');
	CHECK_EQUAL(ibv_destroy_qp(a), 0);
	CHECK_EQUAL(ibv_destroy_qp(b), 0);
	CHECK_EQUAL(ibv_destroy_qp(c), 0);
	CHECK_EQUAL(ibv_destroy_cq(b_cq), 0);
	end_world(&world);
}

CASE(who_was_left_is_not_heard) { leave_for_another(0); }
CASE(who_was_left_writes_nothing) { leave_for_another(1); }

/* B believes that A has another address, or another number. */
CASE(who_is_not_the_peer_is_not_heard)
{
	struct path path = impatient();
	union ibv_gid elsewhere = {.raw = {[10] = 0xFF, [11] = 0xFF, [12] = 127, [15] = 9}};

	for (int round = 0; round < 2; round++) {
		struct pair pair = make_pair(IBV_QPT_RC);
		struct ibv_sge sge = piece(&pair.world, 0, 64);
		struct ibv_send_wr wr = request(1, IBV_WR_SEND, &sge);

		memset(pair.world.buffer, 'a', 64);
		to_reset(pair.a);
		to_reset(pair.b);
		/* On the wire nobody sees another number; there it is the PSN that does not fit. */
		connect_far(&pair.world, pair.a, pair.b->qp_num, pair.world.gid);
		if (round == 0)
			connect_far(&pair.world, pair.b, pair.a->qp_num, elsewhere);
		else
			connect_to(&pair.world, pair.b, pair.b->qp_num, &path);
		post_recv(pair.b, 2, piece(&pair.world, HALF, 64));
		CHECK_EQUAL(try_send(pair.a, &wr), 0);
		EXPECT_COMPLETION(pair.world.cq, 1, IBV_WC_RETRY_EXC_ERR);
		expect_nothing_received(&pair.world, pair.b_cq);
		CHECK_EQUAL(state_of(pair.b), IBV_QPS_RTS);
		end_pair(&pair);
	}
}

/* B has stopped by its program's wish. */
CASE(who_has_stopped_is_not_written)
{
	struct path path = impatient();
	struct pair pair = make_pair_over(IBV_QPT_RC, &path);
	struct world *world = &pair.world;
	struct ibv_sge sge = piece(world, 0, 64);
	struct ibv_send_wr wr =
		remote_request(1, IBV_WR_RDMA_WRITE, &sge, (uintptr_t)world->buffer + HALF, world->mr->rkey);

	memset(world->buffer, 'a', 64);
	to_error(pair.b);
	CHECK_EQUAL(try_send(pair.a, &wr), 0);
	EXPECT_COMPLETION(world->cq, 1, IBV_WC_RETRY_EXC_ERR);
	expect_nothing_received(world, pair.b_cq);
	end_pair(&pair);
}

/* Receive requests may be posted in INIT; messages come from RTR on. */
static void wait_for_rtr(enum ibv_qp_type type)
{
	struct path path = impatient();
	struct pair pair = make_pair(type);
	struct world *world = &pair.world;
	struct ibv_ah *ah = type == IBV_QPT_UD ? make_ah(world) : NULL;
	struct ibv_sge sge = piece(world, 0, 24);
	struct ibv_send_wr wr = request(1, IBV_WR_SEND, &sge);

	if (ah)
		address_datagram(&wr, ah, pair.b, QKEY);
	memset(world->buffer, 'a', 24);
	to_reset(pair.a);
	to_reset(pair.b);
	connect_to(world, pair.a, pair.b->qp_num, &path);
	CHECK_EQUAL(to_init(pair.b, &path), 0);
	post_recv(pair.b, 2, piece(world, HALF, 64));
	CHECK_EQUAL(try_send(pair.a, &wr), 0);
	EXPECT_COMPLETION(world->cq, 1, type == IBV_QPT_RC ? IBV_WC_RETRY_EXC_ERR : IBV_WC_SUCCESS);
	expect_nothing_received(world, pair.b_cq);
	if (type == IBV_QPT_RC) {
		to_reset(pair.a);
		connect_to(world, pair.a, pair.b->qp_num, &path);
	}
	CHECK_EQUAL(to_rtr(world, pair.b, pair.a->qp_num, &path), 0);
	CHECK_EQUAL(try_send(pair.a, &wr), 0);
	EXPECT_COMPLETION(world->cq, 1, IBV_WC_SUCCESS);
	EXPECT_COMPLETION(pair.b_cq, 2, IBV_WC_SUCCESS);
	if (ah)
		CHECK_EQUAL(ibv_destroy_ah(ah), 0);
	end_pair(&pair);
}

CASE(reliable_waits_for_rtr) { wait_for_rtr(IBV_QPT_RC); }
CASE(unreliable_waits_for_rtr) { wait_for_rtr(IBV_QPT_UC); }
CASE(datagrams_wait_for_rtr) { wait_for_rtr(IBV_QPT_UD); }

/* --- Keys --- */

/* With the highest bit set, a request's Q_Key stands for that of its own queue pair (IBTA Volume 1, section 10.2.5). And a
 * request that a datagram does not fit into is there for the next. */
CASE(a_controlled_key_is_that_of_the_queue_pair)
{
	struct pair pair = make_pair(IBV_QPT_UD);
	struct world *world = &pair.world;
	struct ibv_ah *ah = make_ah(world);
	struct ibv_sge sge = piece(world, 0, 32);
	struct ibv_send_wr wr = request(1, IBV_WR_SEND, &sge);

	address_datagram(&wr, ah, pair.b, 0x80000000 | (QKEY + 5));
	post_recv(pair.b, 2, piece(world, HALF, 40 + 31));
	CHECK_EQUAL(try_send(pair.a, &wr), 0);
	EXPECT_COMPLETION(world->cq, 1, IBV_WC_SUCCESS);
	expect_empty(pair.b_cq);
	sge.length = 31;
	CHECK_EQUAL(try_send(pair.a, &wr), 0);
	EXPECT_COMPLETION(world->cq, 1, IBV_WC_SUCCESS);
	struct ibv_wc wc = next_completion(pair.b_cq);
	CHECK_EQUAL(wc.status, IBV_WC_SUCCESS);
	CHECK_EQUAL(wc.wr_id, 2);
	CHECK_EQUAL(wc.byte_len, 40 + 31);
	CHECK_EQUAL(ibv_destroy_ah(ah), 0);
	end_pair(&pair);
}

/* The requests of a shared queue name memory of the queue's domain, which need not be that of the queue pair. */
CASE(a_shared_queue_brings_its_domain)
{
	struct path path = impatient();

	for (int is_foreign = 0; is_foreign < 2; is_foreign++) {
		struct world world = make_world();
		struct ibv_pd *pd = ibv_alloc_pd(world.context);
		struct ibv_mr *mr = ibv_reg_mr(pd, world.buffer + HALF, 64, IBV_ACCESS_LOCAL_WRITE);
		struct ibv_srq_init_attr srq_init = {.attr = {.max_wr = 4, .max_sge = 1}};
		struct ibv_srq *srq = ibv_create_srq(pd, &srq_init);
		struct ibv_qp_init_attr init = qp_init(&world, IBV_QPT_RC);
		struct ibv_cq *b_cq = ibv_create_cq(world.context, 64, NULL, NULL, 0);
		struct ibv_sge sge = piece(&world, 0, 64), in = {(uintptr_t)world.buffer + HALF, 64, mr->lkey};
		struct ibv_recv_wr recv = {.wr_id = 2, .sg_list = &in, .num_sge = 1}, *bad;
		struct ibv_send_wr wr = request(1, IBV_WR_SEND, &sge);

		if (is_foreign)
			in.lkey = world.mr->lkey;
		memset(world.buffer, 'a', 64);
		struct ibv_qp *a = ibv_create_qp(world.pd, &init);
		init.srq = srq;
		init.recv_cq = b_cq;
		struct ibv_qp *b = ibv_create_qp(world.pd, &init);
		connect_to(&world, a, b->qp_num, &path);
		connect_to(&world, b, a->qp_num, &path);
		CHECK_EQUAL(ibv_post_srq_recv(srq, &recv, &bad), 0);
		CHECK_EQUAL(try_send(a, &wr), 0);
		EXPECT_COMPLETION(b_cq, 2, is_foreign ? IBV_WC_LOC_PROT_ERR : IBV_WC_SUCCESS);
		EXPECT_COMPLETION(world.cq, 1, is_foreign ? IBV_WC_REM_OP_ERR : IBV_WC_SUCCESS);
		CHECK_EQUAL(world.buffer[HALF], is_foreign ? 0 : 'a');
		CHECK_EQUAL(ibv_destroy_qp(a), 0);
		CHECK_EQUAL(ibv_destroy_qp(b), 0);
		CHECK_EQUAL(ibv_destroy_srq(srq), 0);
		CHECK_EQUAL(ibv_dereg_mr(mr), 0);
		CHECK_EQUAL(ibv_dealloc_pd(pd), 0);
		CHECK_EQUAL(ibv_destroy_cq(b_cq), 0);
		end_world(&world);
	}
}
