/* ibv_wr_* and ibv_cq_ex. See ibv_wr_post(3) and ibv_create_cq_ex(3). */
#include "check.h"

#include <sys/wait.h>

#define HALF (BUFFER_SIZE / 2)
#define RC_OPERATIONS \
	(IBV_QP_EX_WITH_RDMA_WRITE | IBV_QP_EX_WITH_RDMA_WRITE_WITH_IMM | IBV_QP_EX_WITH_SEND | \
	 IBV_QP_EX_WITH_SEND_WITH_IMM | IBV_QP_EX_WITH_RDMA_READ | IBV_QP_EX_WITH_ATOMIC_CMP_AND_SWP | \
	 IBV_QP_EX_WITH_ATOMIC_FETCH_AND_ADD)

static struct ibv_qp_init_attr_ex qp_init_ex(struct world *world, enum ibv_qp_type type, uint64_t operations)
{
	struct ibv_qp_init_attr plain = qp_init(world, type);

	return (struct ibv_qp_init_attr_ex){
		.send_cq = plain.send_cq,
		.recv_cq = plain.recv_cq,
		.cap = plain.cap,
		.qp_type = type,
		.comp_mask = IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_SEND_OPS_FLAGS,
		.pd = world->pd,
		.send_ops_flags = operations,
	};
}

struct extended_pair {
	struct world world;
	struct ibv_qp *a, *b;
	struct ibv_qp_ex *ex;
	struct ibv_cq *b_cq;
};

static struct extended_pair make_extended_pair(void)
{
	struct extended_pair pair = {.world = make_world()};
	struct ibv_qp_init_attr_ex init = qp_init_ex(&pair.world, IBV_QPT_RC, RC_OPERATIONS);

	pair.a = ibv_create_qp_ex(pair.world.context, &init);
	CHECK(pair.a != NULL);
	CHECK(init.cap.max_send_wr >= 64);
	pair.ex = ibv_qp_to_qp_ex(pair.a);
	CHECK(pair.ex != NULL);
	CHECK(&pair.ex->qp_base == pair.a);
	pair.b_cq = ibv_create_cq(pair.world.context, 64, NULL, NULL, 0);
	init.send_cq = init.recv_cq = pair.b_cq;
	pair.b = ibv_create_qp_ex(pair.world.context, &init);
	connect_to(&pair.world, pair.a, pair.b->qp_num, &usual_path);
	connect_to(&pair.world, pair.b, pair.a->qp_num, &usual_path);
	return pair;
}

static void end_extended_pair(struct extended_pair *pair)
{
	CHECK_EQUAL(ibv_destroy_qp(pair->a), 0);
	CHECK_EQUAL(ibv_destroy_qp(pair->b), 0);
	CHECK_EQUAL(ibv_destroy_cq(pair->b_cq), 0);
	end_world(&pair->world);
}

CASE(creation_takes_what_it_knows)
{
	struct world world = make_world();
	struct ibv_qp_init_attr_ex init = qp_init_ex(&world, IBV_QPT_RC, RC_OPERATIONS);

	/* Plain queue pairs have no extended face. */
	struct ibv_qp *plain = make_qp(&world, IBV_QPT_RC);
	CHECK(ibv_qp_to_qp_ex(plain) == NULL);
	CHECK_EQUAL(ibv_destroy_qp(plain), 0);
	init.comp_mask = IBV_QP_INIT_ATTR_PD;
	plain = ibv_create_qp_ex(world.context, &init);
	CHECK(plain != NULL);
	CHECK(ibv_qp_to_qp_ex(plain) == NULL);
	CHECK_EQUAL(ibv_destroy_qp(plain), 0);

	init = qp_init_ex(&world, IBV_QPT_RC, RC_OPERATIONS | IBV_QP_EX_WITH_TSO);
	CHECK_NULL(ibv_create_qp_ex(world.context, &init), EOPNOTSUPP);
	init = qp_init_ex(&world, IBV_QPT_UD, IBV_QP_EX_WITH_RDMA_WRITE);
	CHECK_NULL(ibv_create_qp_ex(world.context, &init), EOPNOTSUPP);
	init = qp_init_ex(&world, IBV_QPT_UC, IBV_QP_EX_WITH_RDMA_READ);
	CHECK_NULL(ibv_create_qp_ex(world.context, &init), EOPNOTSUPP);
	init = qp_init_ex(&world, IBV_QPT_RC, RC_OPERATIONS);
	init.comp_mask |= IBV_QP_INIT_ATTR_RX_HASH;
	CHECK_NULL(ibv_create_qp_ex(world.context, &init), EOPNOTSUPP);
	init.comp_mask = IBV_QP_INIT_ATTR_SEND_OPS_FLAGS;
	CHECK_NULL(ibv_create_qp_ex(world.context, &init), EINVAL);
	init = qp_init_ex(&world, IBV_QPT_RC, RC_OPERATIONS);
	init.comp_mask |= IBV_QP_INIT_ATTR_CREATE_FLAGS;
	init.create_flags = IBV_QP_CREATE_SCATTER_FCS;
	CHECK_NULL(ibv_create_qp_ex(world.context, &init), EOPNOTSUPP);
	end_world(&world);
	SHOWS(ibv_create_qp_ex, ibv_qp_to_qp_ex);
}

CASE(every_operation)
{
	struct extended_pair pair = make_extended_pair();
	struct world *world = &pair.world;
	struct ibv_qp_ex *ex = pair.ex;
	uint64_t remote = (uintptr_t)world->buffer + HALF;
	uint32_t lkey = world->mr->lkey, rkey = world->mr->rkey;
	uint64_t *counter = (uint64_t *)(world->buffer + HALF + 4096);
	struct ibv_sge list[2] = {piece(world, 0, 10), piece(world, 100, 20)};

	memset(world->buffer, 'q', 4096);
	for (int i = 0; i < 3; i++)
		post_recv(pair.b, 100 + i, piece(world, HALF + 8192 + 64 * i, 64));
	ex->wr_flags = IBV_SEND_SIGNALED;
	ibv_wr_start(ex);
	ex->wr_id = 1;
	ibv_wr_send(ex);
	ibv_wr_set_sge(ex, lkey, (uintptr_t)world->buffer, 33);
	ex->wr_id = 2;
	ibv_wr_send_imm(ex, htonl(0xABCD));
	ibv_wr_set_sge_list(ex, 2, list);
	ex->wr_id = 3;
	ibv_wr_rdma_write(ex, rkey, remote);
	ibv_wr_set_sge(ex, lkey, (uintptr_t)world->buffer, 77);
	ex->wr_id = 4;
	ibv_wr_rdma_write_imm(ex, rkey, remote + 1000, htonl(5));
	ibv_wr_set_inline_data(ex, "hello", 5);
	ex->wr_id = 5;
	ibv_wr_rdma_read(ex, rkey, remote + 1000);
	ibv_wr_set_sge(ex, lkey, (uintptr_t)world->buffer + 2000, 5);
	*counter = 10;
	ex->wr_id = 6;
	ibv_wr_atomic_fetch_add(ex, rkey, (uintptr_t)counter, 5);
	ibv_wr_set_sge(ex, lkey, (uintptr_t)world->buffer + 3000, 8);
	ex->wr_id = 7;
	ibv_wr_atomic_cmp_swp(ex, rkey, (uintptr_t)counter, 15, 99);
	ibv_wr_set_sge(ex, lkey, (uintptr_t)world->buffer + 3008, 8);
	/* Nothing happens before the end. */
	expect_empty(world->cq);
	expect_empty(pair.b_cq);
	CHECK_EQUAL(ibv_wr_complete(ex), 0);
	for (int i = 1; i <= 7; i++)
		EXPECT_COMPLETION(world->cq, i, IBV_WC_SUCCESS);

	struct ibv_wc wc = next_completion(pair.b_cq);
	CHECK_EQUAL(wc.byte_len, 33);
	wc = next_completion(pair.b_cq);
	CHECK_EQUAL(wc.byte_len, 30);
	CHECK_EQUAL(wc.imm_data, htonl(0xABCD));
	wc = next_completion(pair.b_cq);
	CHECK_EQUAL(wc.opcode, IBV_WC_RECV_RDMA_WITH_IMM);
	CHECK_EQUAL(wc.imm_data, htonl(5));
	CHECK(memcmp(world->buffer + HALF, world->buffer, 77) == 0);
	CHECK(memcmp(world->buffer + HALF + 1000, "hello", 5) == 0);
	CHECK(memcmp(world->buffer + 2000, "hello", 5) == 0);
	CHECK_EQUAL(*(uint64_t *)(world->buffer + 3000), 10);
	CHECK_EQUAL(*(uint64_t *)(world->buffer + 3008), 15);
	CHECK_EQUAL(*counter, 99);
	end_extended_pair(&pair);
	SHOWS(ibv_wr_start, ibv_wr_complete, ibv_wr_send, ibv_wr_send_imm, ibv_wr_rdma_write, ibv_wr_rdma_write_imm,
	      ibv_wr_rdma_read, ibv_wr_atomic_fetch_add, ibv_wr_atomic_cmp_swp, ibv_wr_set_sge, ibv_wr_set_sge_list,
	      ibv_wr_set_inline_data, IBV_QP_EX_WITH_RDMA_WRITE, IBV_QP_EX_WITH_RDMA_WRITE_WITH_IMM, IBV_QP_EX_WITH_SEND,
	      IBV_QP_EX_WITH_SEND_WITH_IMM, IBV_QP_EX_WITH_RDMA_READ, IBV_QP_EX_WITH_ATOMIC_CMP_AND_SWP,
	      IBV_QP_EX_WITH_ATOMIC_FETCH_AND_ADD);
}

CASE(inline_pieces_are_copied_at_once)
{
	struct extended_pair pair = make_extended_pair();
	char first[60], second[68];
	struct ibv_data_buf list[3] = {{first, sizeof first}, {NULL, 0}, {second, sizeof second}};

	memset(first, '1', sizeof first);
	memset(second, '2', sizeof second);
	post_recv(pair.b, 1, piece(&pair.world, HALF, 128));
	ibv_wr_start(pair.ex);
	pair.ex->wr_id = 1;
	pair.ex->wr_flags = IBV_SEND_SIGNALED;
	ibv_wr_send(pair.ex);
	ibv_wr_set_inline_data_list(pair.ex, 3, list);
	memset(first, 'x', sizeof first);
	memset(second, 'x', sizeof second);
	CHECK_EQUAL(ibv_wr_complete(pair.ex), 0);
	EXPECT_COMPLETION(pair.b_cq, 1, IBV_WC_SUCCESS);
	CHECK_EQUAL(pair.world.buffer[HALF], '1');
	CHECK_EQUAL(pair.world.buffer[HALF + 59], '1');
	CHECK_EQUAL(pair.world.buffer[HALF + 60], '2');
	CHECK_EQUAL(pair.world.buffer[HALF + 127], '2');
	end_extended_pair(&pair);
	SHOWS(ibv_wr_set_inline_data_list);
}

CASE(a_failed_batch_posts_nothing)
{
	struct extended_pair pair = make_extended_pair();
	struct ibv_qp_ex *ex = pair.ex;
	struct ibv_sge list[64];
	char big[4096];

	for (int i = 0; i < 64; i++)
		list[i] = piece(&pair.world, 0, 8);
	memset(big, 0, sizeof big);
	ex->wr_flags = IBV_SEND_SIGNALED;
	post_recv(pair.b, 1, piece(&pair.world, HALF, 64));

	ibv_wr_start(ex);
	ibv_wr_send(ex);
	ibv_wr_set_sge(ex, pair.world.mr->lkey, (uintptr_t)pair.world.buffer, 8);
	ibv_wr_send(ex);
	ibv_wr_set_sge_list(ex, 64, list);
	CHECK_EQUAL(ibv_wr_complete(ex), EINVAL);

	ibv_wr_start(ex);
	ibv_wr_send(ex);
	ibv_wr_set_inline_data(ex, big, sizeof big);
	CHECK_EQUAL(ibv_wr_complete(ex), EINVAL);

	ibv_wr_start(ex);
	for (int i = 0; i < 1000; i++) {
		ibv_wr_send(ex);
		ibv_wr_set_sge(ex, pair.world.mr->lkey, (uintptr_t)pair.world.buffer, 8);
	}
	CHECK_EQUAL(ibv_wr_complete(ex), ENOMEM);

	ibv_wr_start(ex);
	ibv_wr_set_sge(ex, pair.world.mr->lkey, (uintptr_t)pair.world.buffer, 8);
	CHECK_EQUAL(ibv_wr_complete(ex), EINVAL);

	ibv_wr_start(ex);
	ibv_wr_send(ex);
	ibv_wr_abort(ex);
	expect_empty(pair.world.cq);
	expect_empty(pair.b_cq);

	/* All is well afterwards; an empty batch is one. */
	ibv_wr_start(ex);
	CHECK_EQUAL(ibv_wr_complete(ex), 0);
	ibv_wr_start(ex);
	ex->wr_id = 5;
	ibv_wr_send(ex);
	CHECK_EQUAL(ibv_wr_complete(ex), 0);
	EXPECT_COMPLETION(pair.world.cq, 5, IBV_WC_SUCCESS);
	EXPECT_COMPLETION(pair.b_cq, 1, IBV_WC_SUCCESS);
	end_extended_pair(&pair);
	SHOWS(ibv_wr_abort);
}

/* A program may post to one queue pair, and poll, while it puts together a batch for another. */
CASE(batches_of_two_queue_pairs_interleave)
{
	struct extended_pair pair = make_extended_pair();
	struct ibv_qp_ex *a = pair.ex, *b = ibv_qp_to_qp_ex(pair.b);
	uint32_t rkey = pair.world.mr->rkey;
	uint64_t remote = (uintptr_t)pair.world.buffer + HALF;

	a->wr_flags = b->wr_flags = IBV_SEND_SIGNALED;
	ibv_wr_start(a);
	a->wr_id = 1;
	ibv_wr_rdma_write(a, rkey, remote);
	ibv_wr_start(b);
	b->wr_id = 2;
	ibv_wr_rdma_write(b, rkey, remote + 100);
	ibv_wr_set_inline_data(b, "bb", 2);
	expect_empty(pair.world.cq);
	ibv_wr_set_inline_data(a, "aa", 2);
	CHECK_EQUAL(ibv_wr_complete(b), 0);
	EXPECT_COMPLETION(pair.b_cq, 2, IBV_WC_SUCCESS);
	CHECK_EQUAL(ibv_wr_complete(a), 0);
	EXPECT_COMPLETION(pair.world.cq, 1, IBV_WC_SUCCESS);
	CHECK(memcmp(pair.world.buffer + HALF, "aa", 2) == 0);
	CHECK(memcmp(pair.world.buffer + HALF + 100, "bb", 2) == 0);
	end_extended_pair(&pair);
}

/* The thread that holds the batch is not there in the child. */
CASE(child_of_a_fork_in_a_batch_gets_an_error)
{
	struct extended_pair pair = make_extended_pair();
	int status;

	ibv_wr_start(pair.ex);
	ibv_wr_send(pair.ex);
	pid_t child = fork();
	if (child == 0) {
		alarm(20);
		ibv_wr_start(pair.ex);
		ibv_wr_send(pair.ex);
		int error = ibv_wr_complete(pair.ex);
		ibv_wr_start(pair.ex);
		ibv_wr_abort(pair.ex);
		_exit(error == EIO ? 0 : 1);
	}
	CHECK_EQUAL(waitpid(child, &status, 0), child);
	CHECK_EQUAL(status, 0);
	ibv_wr_abort(pair.ex);
	end_extended_pair(&pair);
}

CASE(datagrams_are_addressed)
{
	struct world world = make_world();
	struct ibv_qp_init_attr_ex init =
		qp_init_ex(&world, IBV_QPT_UD, IBV_QP_EX_WITH_SEND | IBV_QP_EX_WITH_SEND_WITH_IMM);
	struct ibv_cq *b_cq = ibv_create_cq(world.context, 64, NULL, NULL, 0);
	struct ibv_qp *a = ibv_create_qp_ex(world.context, &init);
	init.recv_cq = b_cq;
	struct ibv_qp *b = ibv_create_qp_ex(world.context, &init);
	struct ibv_qp_ex *ex = ibv_qp_to_qp_ex(a);
	struct ibv_ah *ah = make_ah(&world);

	connect_to(&world, a, 0, &usual_path);
	connect_to(&world, b, 0, &usual_path);
	post_recv(b, 1, piece(&world, HALF, 128));
	ex->wr_id = 9;
	ex->wr_flags = IBV_SEND_SIGNALED;
	ibv_wr_start(ex);
	ibv_wr_send_imm(ex, htonl(3));
	/* Setters come in any order. */
	ibv_wr_set_inline_data(ex, "datagram", 8);
	ibv_wr_set_ud_addr(ex, ah, b->qp_num, QKEY);
	CHECK_EQUAL(ibv_wr_complete(ex), 0);
	EXPECT_COMPLETION(world.cq, 9, IBV_WC_SUCCESS);
	struct ibv_wc wc = next_completion(b_cq);
	CHECK_EQUAL(wc.status, IBV_WC_SUCCESS);
	CHECK_EQUAL(wc.byte_len, 48);
	CHECK(memcmp(world.buffer + HALF + 40, "datagram", 8) == 0);
	/* Without an address there is nobody to send to. */
	ibv_wr_start(ex);
	ibv_wr_send(ex);
	CHECK_EQUAL(ibv_wr_complete(ex), EINVAL);
	CHECK_EQUAL(ibv_destroy_qp(a), 0);
	CHECK_EQUAL(ibv_destroy_qp(b), 0);
	CHECK_EQUAL(ibv_destroy_cq(b_cq), 0);
	CHECK_EQUAL(ibv_destroy_ah(ah), 0);
	end_world(&world);
	SHOWS(ibv_wr_set_ud_addr);
}

CASE(completions_are_read_field_by_field)
{
	struct world world = make_world();
	struct ibv_cq_init_attr_ex attr = {
		.cqe = 64,
		.wc_flags = IBV_WC_STANDARD_FLAGS | IBV_WC_EX_WITH_COMPLETION_TIMESTAMP |
			    IBV_WC_EX_WITH_COMPLETION_TIMESTAMP_WALLCLOCK,
	};
	struct ibv_cq_ex *cq = ibv_create_cq_ex(world.context, &attr);
	struct ibv_qp_init_attr init = qp_init(&world, IBV_QPT_RC);
	struct ibv_poll_cq_attr poll_attr = {0};
	struct ibv_sge sge = piece(&world, 0, 24);
	struct timespec before, after, wall_before;

	init.recv_cq = ibv_cq_ex_to_cq(cq);
	struct ibv_qp *qp = ibv_create_qp(world.pd, &init);
	connect_to(&world, qp, qp->qp_num, &usual_path);
	clock_gettime(CLOCK_MONOTONIC, &before);
	clock_gettime(CLOCK_REALTIME, &wall_before);
	for (int i = 0; i < 3; i++) {
		struct ibv_send_wr wr = request(i, IBV_WR_SEND_WITH_IMM, &sge);

		wr.imm_data = htonl(70 + i);
		post_recv(qp, 40 + i, piece(&world, HALF, 64));
		CHECK_EQUAL(try_send(qp, &wr), 0);
		EXPECT_COMPLETION(world.cq, i, IBV_WC_SUCCESS);
	}
	clock_gettime(CLOCK_MONOTONIC, &after);
	CHECK_EQUAL(ibv_start_poll(cq, &poll_attr), 0);
	for (int i = 0; i < 3; i++) {
		uint64_t start = before.tv_sec * 1000000000ull + before.tv_nsec;
		uint64_t end = after.tv_sec * 1000000000ull + after.tv_nsec;
		uint64_t wall_start = wall_before.tv_sec * 1000000000ull + wall_before.tv_nsec;

		CHECK_EQUAL(cq->wr_id, 40 + i);
		CHECK_EQUAL(cq->status, IBV_WC_SUCCESS);
		CHECK_EQUAL(ibv_wc_read_opcode(cq), IBV_WC_RECV);
		CHECK_EQUAL(ibv_wc_read_byte_len(cq), 24);
		CHECK_EQUAL(ibv_wc_read_imm_data(cq), htonl(70 + i));
		CHECK_EQUAL(ibv_wc_read_qp_num(cq), qp->qp_num);
		CHECK_EQUAL(ibv_wc_read_wc_flags(cq) & IBV_WC_WITH_IMM, IBV_WC_WITH_IMM);
		CHECK_EQUAL(ibv_wc_read_vendor_err(cq), 0);
		CHECK_EQUAL(ibv_wc_read_slid(cq), 0);
		CHECK_EQUAL(ibv_wc_read_sl(cq), 0);
		CHECK_EQUAL(ibv_wc_read_dlid_path_bits(cq), 0);
		CHECK(ibv_wc_read_completion_ts(cq) >= start && ibv_wc_read_completion_ts(cq) <= end);
		/* The clocks are read one after the other: a millisecond either way. */
		CHECK(ibv_wc_read_completion_wallclock_ns(cq) + 1000000 >= wall_start);
		start = ibv_wc_read_completion_ts(cq);
		CHECK_EQUAL(ibv_next_poll(cq), i < 2 ? 0 : ENOENT);
	}
	ibv_end_poll(cq);
	CHECK_EQUAL(ibv_start_poll(cq, &poll_attr), ENOENT);
	/* The plain function works on the same queue. */
	struct ibv_send_wr wr = request(9, IBV_WR_SEND, &sge);
	post_recv(qp, 44, piece(&world, HALF, 64));
	CHECK_EQUAL(try_send(qp, &wr), 0);
	EXPECT_COMPLETION(world.cq, 9, IBV_WC_SUCCESS);
	EXPECT_COMPLETION(ibv_cq_ex_to_cq(cq), 44, IBV_WC_SUCCESS);
	CHECK_EQUAL(ibv_destroy_qp(qp), 0);
	CHECK_EQUAL(ibv_destroy_cq(ibv_cq_ex_to_cq(cq)), 0);
	end_world(&world);
	SHOWS(ibv_cq_ex_to_cq, ibv_start_poll, ibv_next_poll, ibv_end_poll, ibv_wc_read_opcode, ibv_wc_read_byte_len,
	      ibv_wc_read_imm_data, ibv_wc_read_qp_num, ibv_wc_read_wc_flags, ibv_wc_read_vendor_err, ibv_wc_read_slid,
	      ibv_wc_read_sl, ibv_wc_read_dlid_path_bits, ibv_wc_read_completion_ts,
	      ibv_wc_read_completion_wallclock_ns);
	SHOWS(IBV_WC_EX_WITH_BYTE_LEN, IBV_WC_EX_WITH_IMM, IBV_WC_EX_WITH_QP_NUM, IBV_WC_EX_WITH_SLID, IBV_WC_EX_WITH_SL,
	      IBV_WC_EX_WITH_DLID_PATH_BITS, IBV_WC_EX_WITH_COMPLETION_TIMESTAMP,
	      IBV_WC_EX_WITH_COMPLETION_TIMESTAMP_WALLCLOCK);
}
