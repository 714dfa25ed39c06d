/* The state machine of queue pairs (IBTA Volume 1, section 10.3; ibv_modify_qp(3)), and what is asked of one. */
#include "check.h"

CASE(queue_pair_is_described)
{
	struct world world = make_world();
	struct ibv_qp_init_attr init = qp_init(&world, IBV_QPT_RC);
	int tag;

	init.qp_context = &tag;
	init.sq_sig_all = 1;
	struct ibv_qp *qp = ibv_create_qp(world.pd, &init);
	CHECK(qp != NULL);
	CHECK(init.cap.max_send_wr >= 64 && init.cap.max_recv_wr >= 64);
	CHECK(init.cap.max_send_sge >= 4 && init.cap.max_recv_sge >= 4 && init.cap.max_inline_data >= 128);
	CHECK(qp->context == world.context && qp->pd == world.pd && qp->qp_context == &tag);
	CHECK(qp->send_cq == world.cq && qp->recv_cq == world.cq && qp->srq == NULL);
	CHECK_EQUAL(qp->state, IBV_QPS_RESET);
	CHECK_EQUAL(qp->qp_type, IBV_QPT_RC);
	CHECK(qp->qp_num > 1 && qp->qp_num < 0xFFFFFF);

	struct ibv_qp_attr attr;
	struct ibv_qp_init_attr asked;
	memset(&asked, 0xAA, sizeof asked);
	CHECK_EQUAL(ibv_query_qp(qp, &attr, IBV_QP_STATE | IBV_QP_CAP, &asked), 0);
	CHECK_EQUAL(attr.qp_state, IBV_QPS_RESET);
	CHECK(asked.qp_context == &tag && asked.send_cq == world.cq && asked.recv_cq == world.cq && asked.srq == NULL);
	CHECK(memcmp(&asked.cap, &init.cap, sizeof init.cap) == 0);
	CHECK_EQUAL(asked.qp_type, IBV_QPT_RC);
	CHECK_EQUAL(asked.sq_sig_all, 1);
	CHECK_EQUAL(ibv_destroy_qp(qp), 0);
	end_world(&world);
	SHOWS(ibv_create_qp, ibv_destroy_qp, IBV_QP_CAP);
}

CASE(creation_refuses_what_it_must)
{
	struct world world = make_world();
	struct ibv_qp_init_attr init = qp_init(&world, IBV_QPT_RC);

	init.cap.max_send_wr = 1 << 30;
	CHECK_NULL(ibv_create_qp(world.pd, &init), EINVAL);
	init = qp_init(&world, IBV_QPT_RC);
	init.cap.max_recv_sge = 1 << 20;
	CHECK_NULL(ibv_create_qp(world.pd, &init), EINVAL);
	init = qp_init(&world, IBV_QPT_RC);
	init.cap.max_inline_data = 1 << 20;
	CHECK_NULL(ibv_create_qp(world.pd, &init), EINVAL);
	init = qp_init(&world, IBV_QPT_RC);
	init.send_cq = NULL;
	CHECK_NULL(ibv_create_qp(world.pd, &init), EINVAL);
	init = qp_init(&world, 77);
	CHECK_NULL(ibv_create_qp(world.pd, &init), EOPNOTSUPP);
	CHECK_NULL(ibv_create_qp(NULL, &init), EINVAL);
	end_world(&world);
}

CASE(numbers_are_unique)
{
	struct world world = make_world();
	struct ibv_qp *qps[50];

	for (int i = 0; i < 50; i++) {
		qps[i] = make_qp(&world, IBV_QPT_RC);
		for (int j = 0; j < i; j++)
			CHECK(qps[i]->qp_num != qps[j]->qp_num);
	}
	for (int i = 0; i < 50; i++)
		CHECK_EQUAL(ibv_destroy_qp(qps[i]), 0);
	end_world(&world);
}

static void walk_to_rts(enum ibv_qp_type type)
{
	struct world world = make_world();
	struct ibv_qp *qp = make_qp(&world, type);

	CHECK_EQUAL(state_of(qp), IBV_QPS_RESET);
	CHECK_EQUAL(to_init(qp, &usual_path), 0);
	CHECK_EQUAL(state_of(qp), IBV_QPS_INIT);
	CHECK_EQUAL(to_init(qp, &usual_path), 0);
	CHECK_EQUAL(to_rtr(&world, qp, qp->qp_num, &usual_path), 0);
	CHECK_EQUAL(state_of(qp), IBV_QPS_RTR);
	CHECK_EQUAL(to_rts(qp, &usual_path), 0);
	CHECK_EQUAL(state_of(qp), IBV_QPS_RTS);
	to_error(qp);
	CHECK_EQUAL(state_of(qp), IBV_QPS_ERR);
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_RESET};
	CHECK_EQUAL(ibv_modify_qp(qp, &attr, IBV_QP_STATE), 0);
	CHECK_EQUAL(state_of(qp), IBV_QPS_RESET);
	/* And once more, as a program that reconnects does. */
	connect_to(&world, qp, qp->qp_num, &usual_path);
	CHECK_EQUAL(state_of(qp), IBV_QPS_RTS);
	CHECK_EQUAL(ibv_destroy_qp(qp), 0);
	end_world(&world);
}

CASE(reliable_walks_through_its_states)
{
	walk_to_rts(IBV_QPT_RC);
	SHOWS(ibv_modify_qp, IBV_QPT_RC, IBV_QPS_INIT, IBV_QPS_RTR, IBV_QPS_RTS, IBV_QPS_ERR);
}
CASE(unreliable_walks_through_its_states) { walk_to_rts(IBV_QPT_UC); }
CASE(datagram_walks_through_its_states) { walk_to_rts(IBV_QPT_UD); }

/* Each attribute that a transition needs, left out. */
static void check_required(
	struct world *world, struct ibv_qp *qp, struct ibv_qp_attr *attr, int required, enum ibv_qp_state stays)
{
	(void)world;
	for (int bit = 1; bit < 26; bit++) {
		int mask = 1 << bit;

		if ((required & mask) == 0)
			continue;
		if (ibv_modify_qp(qp, attr, required & ~mask) != EINVAL) {
			fprintf(stderr, "attribute %d was not required\n", bit);
			exit(1);
		}
		CHECK_EQUAL(state_of(qp), stays);
	}
}

CASE(transitions_need_their_attributes)
{
	struct world world = make_world();
	struct ibv_qp *qp = make_qp(&world, IBV_QPT_RC);
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_INIT, .port_num = PORT};
	int mask = IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS;

	check_required(&world, qp, &attr, mask, IBV_QPS_RESET);
	CHECK_EQUAL(ibv_modify_qp(qp, &attr, mask), 0);
	attr = (struct ibv_qp_attr){
		.qp_state = IBV_QPS_RTR,
		.path_mtu = IBV_MTU_1024,
		.dest_qp_num = qp->qp_num,
		.max_dest_rd_atomic = 1,
		.min_rnr_timer = 1,
		.ah_attr = {.is_global = 1, .port_num = PORT, .grh = {.dgid = world.gid, .sgid_index = world.gid_index}},
	};
	mask = IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
	       IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER;
	check_required(&world, qp, &attr, mask, IBV_QPS_INIT);
	CHECK_EQUAL(ibv_modify_qp(qp, &attr, mask), 0);
	attr = (struct ibv_qp_attr){.qp_state = IBV_QPS_RTS, .timeout = 14, .retry_cnt = 7, .rnr_retry = 7, .max_rd_atomic = 1};
	mask = IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY | IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC;
	check_required(&world, qp, &attr, mask, IBV_QPS_RTR);
	CHECK_EQUAL(ibv_modify_qp(qp, &attr, mask), 0);
	CHECK_EQUAL(ibv_destroy_qp(qp), 0);
	end_world(&world);
}

CASE(transitions_that_do_not_exist_are_refused)
{
	struct world world = make_world();
	struct ibv_qp *qp = make_qp(&world, IBV_QPT_RC);
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_RTS};

	CHECK_EQUAL(to_rtr(&world, qp, 2, &usual_path), EINVAL);
	CHECK_EQUAL(to_rts(qp, &usual_path), EINVAL);
	attr.qp_state = IBV_QPS_SQD;
	CHECK_EQUAL(ibv_modify_qp(qp, &attr, IBV_QP_STATE), EINVAL);
	attr.qp_state = 99;
	CHECK_EQUAL(ibv_modify_qp(qp, &attr, IBV_QP_STATE), EINVAL);
	CHECK_EQUAL(to_init(qp, &usual_path), 0);
	CHECK_EQUAL(to_rts(qp, &usual_path), EINVAL);
	/* The state that the program believes to be in is another. */
	attr = (struct ibv_qp_attr){.qp_state = IBV_QPS_ERR, .cur_qp_state = IBV_QPS_RTS};
	CHECK_EQUAL(ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_CUR_STATE), EINVAL);
	CHECK_EQUAL(state_of(qp), IBV_QPS_INIT);
	CHECK_EQUAL(ibv_destroy_qp(qp), 0);
	end_world(&world);
	SHOWS(IBV_QP_CUR_STATE);
}

CASE(values_out_of_range_are_refused)
{
	struct world world = make_world();
	struct ibv_qp *qp = make_qp(&world, IBV_QPT_RC);
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_INIT, .port_num = 2};
	int mask = IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS;

	CHECK_EQUAL(ibv_modify_qp(qp, &attr, mask), EINVAL);
	attr.port_num = PORT;
	attr.pkey_index = 1;
	CHECK_EQUAL(ibv_modify_qp(qp, &attr, mask), EINVAL);
	attr.pkey_index = 0;
	CHECK_EQUAL(ibv_modify_qp(qp, &attr, mask | 1 << 30), EINVAL);
	CHECK_EQUAL(ibv_modify_qp(qp, &attr, mask), 0);

	struct path path = usual_path;
	path.mtu = 6;
	CHECK_EQUAL(to_rtr(&world, qp, 2, &path), EINVAL);
	path.mtu = 0;
	CHECK_EQUAL(to_rtr(&world, qp, 2, &path), EINVAL);
	int good_index = world.gid_index;
	world.gid_index = 250;
	CHECK_EQUAL(to_rtr(&world, qp, 2, &usual_path), EINVAL);
	world.gid_index = good_index;
	CHECK_EQUAL(to_rtr(&world, qp, 2, &usual_path), 0);
	path = usual_path;
	path.timeout = 32;
	CHECK_EQUAL(to_rts(qp, &path), EINVAL);
	CHECK_EQUAL(state_of(qp), IBV_QPS_RTR);
	CHECK_EQUAL(ibv_modify_qp(NULL, &attr, IBV_QP_STATE), EINVAL);
	CHECK_EQUAL(ibv_destroy_qp(qp), 0);
	end_world(&world);
	SHOWS(IBV_QP_PKEY_INDEX, IBV_QP_PORT);
}

/* Neither rxe nor adapters refuse them, and programs give them. */
CASE(retries_and_their_timer_may_be_wider_than_their_fields)
{
	struct world world = make_world();
	struct ibv_qp *qp = make_qp(&world, IBV_QPT_RC);
	struct path path = usual_path;
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr attr;

	path.min_rnr_timer = 33;
	path.retry_cnt = 8;
	path.rnr_retry = 200;
	CHECK_EQUAL(to_init(qp, &path), 0);
	CHECK_EQUAL(to_rtr(&world, qp, 2, &path), 0);
	CHECK_EQUAL(to_rts(qp, &path), 0);
	CHECK_EQUAL(ibv_query_qp(qp, &attr, IBV_QP_STATE, &init), 0);
	CHECK_EQUAL(attr.min_rnr_timer, 1);
	CHECK_EQUAL(attr.retry_cnt, 7);
	CHECK_EQUAL(attr.rnr_retry, 7);
	CHECK_EQUAL(ibv_destroy_qp(qp), 0);
	end_world(&world);
}

CASE(query_gives_back_what_was_set)
{
	struct world world = make_world();
	struct ibv_qp *qp = make_qp(&world, IBV_QPT_RC);
	struct ibv_qp_attr attr;
	struct ibv_qp_init_attr init;

	connect_to(&world, qp, 0x123456, &usual_path);
	CHECK_EQUAL(ibv_query_qp(qp, &attr, 0, &init), 0);
	CHECK_EQUAL(attr.qp_state, IBV_QPS_RTS);
	CHECK_EQUAL(attr.cur_qp_state, IBV_QPS_RTS);
	CHECK_EQUAL(attr.path_mtu, usual_path.mtu);
	CHECK_EQUAL(attr.dest_qp_num, 0x123456);
	CHECK_EQUAL(attr.rq_psn, 100);
	CHECK_EQUAL(attr.sq_psn, 100);
	CHECK_EQUAL(attr.qp_access_flags, usual_path.access);
	CHECK_EQUAL(attr.max_rd_atomic, 4);
	CHECK_EQUAL(attr.max_dest_rd_atomic, 4);
	CHECK_EQUAL(attr.timeout, usual_path.timeout);
	CHECK_EQUAL(attr.retry_cnt, usual_path.retry_cnt);
	CHECK_EQUAL(attr.rnr_retry, usual_path.rnr_retry);
	CHECK_EQUAL(attr.min_rnr_timer, usual_path.min_rnr_timer);
	CHECK_EQUAL(attr.port_num, PORT);
	CHECK_EQUAL(attr.ah_attr.is_global, 1);
	CHECK_EQUAL(attr.ah_attr.port_num, PORT);
	CHECK_EQUAL(attr.ah_attr.grh.sgid_index, world.gid_index);
	CHECK_EQUAL(attr.ah_attr.grh.hop_limit, 64);
	CHECK(memcmp(&attr.ah_attr.grh.dgid, &world.gid, 16) == 0);
	CHECK_EQUAL(ibv_destroy_qp(qp), 0);
	end_world(&world);
	SHOWS(ibv_query_qp, IBV_QP_STATE, IBV_QP_AV, IBV_QP_PATH_MTU, IBV_QP_DEST_QPN, IBV_QP_RQ_PSN, IBV_QP_SQ_PSN,
	      IBV_QP_MAX_QP_RD_ATOMIC, IBV_QP_MAX_DEST_RD_ATOMIC);
}

CASE(posting_depends_on_the_state)
{
	struct world world = make_world();
	struct ibv_qp *qp = make_qp(&world, IBV_QPT_RC);
	struct ibv_sge sge = piece(&world, 0, 8);
	struct ibv_send_wr send = request(1, IBV_WR_SEND, &sge);

	CHECK_EQUAL(try_recv(qp, 1, &sge, 1), EINVAL);
	CHECK_EQUAL(try_send(qp, &send), EINVAL);
	CHECK_EQUAL(to_init(qp, &usual_path), 0);
	CHECK_EQUAL(try_recv(qp, 1, &sge, 1), 0);
	CHECK_EQUAL(try_send(qp, &send), EINVAL);
	CHECK_EQUAL(to_rtr(&world, qp, 2, &usual_path), 0);
	CHECK_EQUAL(try_recv(qp, 2, &sge, 1), 0);
	CHECK_EQUAL(try_send(qp, &send), EINVAL);
	CHECK_EQUAL(ibv_destroy_qp(qp), 0);
	end_world(&world);
}

CASE(posting_refuses_what_does_not_fit)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct ibv_sge list[64];
	struct ibv_send_wr send = request(1, IBV_WR_SEND, list);
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr attr;

	for (int i = 0; i < 64; i++)
		list[i] = piece(&pair.world, 0, 8);
	CHECK_EQUAL(ibv_query_qp(pair.a, &attr, 0, &init), 0);
	send.num_sge = init.cap.max_send_sge + 1;
	CHECK_EQUAL(try_send(pair.a, &send), EINVAL);
	send.num_sge = -1;
	CHECK_EQUAL(try_send(pair.a, &send), EINVAL);
	send.num_sge = 1;
	send.opcode = 14;
	CHECK_EQUAL(try_send(pair.a, &send), EINVAL);
	send.opcode = IBV_WR_SEND;
	send.send_flags = IBV_SEND_INLINE;
	list[0].length = init.cap.max_inline_data + 1;
	CHECK_EQUAL(try_send(pair.a, &send), EINVAL);
	CHECK_EQUAL(try_recv(pair.b, 1, list, init.cap.max_recv_sge + 1), EINVAL);
	CHECK_EQUAL(try_recv(pair.b, 1, list, -1), EINVAL);
	int error;
	uint32_t posted = 0;
	while ((error = try_recv(pair.b, 1, list, 1)) == 0)
		posted++;
	CHECK_EQUAL(error, ENOMEM);
	CHECK_EQUAL(posted, init.cap.max_recv_wr);
	end_pair(&pair);
}
