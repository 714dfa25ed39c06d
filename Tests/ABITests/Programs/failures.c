/* Requests that must not succeed: the status each side gets, the state after it, and what is flushed in which order. */
#include "check.h"

#define HALF (BUFFER_SIZE / 2)

/* Few retries, so that a test need not wait. The timeout is 4.096 us * 2^12 = 17 ms. */
static const struct path impatient_path = {
	.mtu = IBV_MTU_1024,
	.timeout = 12,
	.retry_cnt = 1,
	.rnr_retry = 1,
	.min_rnr_timer = 1,
	.access = IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC,
};

/* A request of `a` fails so; what is posted behind it is flushed. */
static void expect_failure(struct pair *pair, struct ibv_send_wr *wr, enum ibv_wc_status status)
{
	struct ibv_sge sge = piece(&pair->world, 0, 8);
	struct ibv_send_wr next = request(901, IBV_WR_SEND, &sge);

	wr->wr_id = 900;
	CHECK_EQUAL(try_send(pair->a, wr), 0);
	CHECK_EQUAL(try_send(pair->a, &next), 0);
	EXPECT_COMPLETION(pair->world.cq, 900, status);
	EXPECT_COMPLETION(pair->world.cq, 901, IBV_WC_WR_FLUSH_ERR);
	CHECK_EQUAL(state_of(pair->a), IBV_QPS_ERR);
}

CASE(gathering_from_memory_of_no_region)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct ibv_sge sge = piece(&pair.world, 0, 8);
	struct ibv_send_wr wr = request(0, IBV_WR_SEND, &sge);

	sge.lkey ^= 0x01000000;
	expect_failure(&pair, &wr, IBV_WC_LOC_PROT_ERR);
	end_pair(&pair);
}

CASE(gathering_beyond_the_end)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct ibv_sge sge = piece(&pair.world, BUFFER_SIZE - 7, 8);
	struct ibv_send_wr wr = request(0, IBV_WR_SEND, &sge);

	expect_failure(&pair, &wr, IBV_WC_LOC_PROT_ERR);
	end_pair(&pair);
	SHOWS(IBV_WC_LOC_PROT_ERR, IBV_WC_WR_FLUSH_ERR);
}

CASE(gathering_with_the_key_of_another_domain)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct ibv_pd *other = ibv_alloc_pd(pair.world.context);
	struct ibv_mr *mr = ibv_reg_mr(other, pair.world.buffer, 4096, ALL_ACCESS);
	struct ibv_sge sge = {(uintptr_t)pair.world.buffer, 8, mr->lkey};
	struct ibv_send_wr wr = request(0, IBV_WR_SEND, &sge);

	expect_failure(&pair, &wr, IBV_WC_LOC_PROT_ERR);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	CHECK_EQUAL(ibv_dealloc_pd(other), 0);
	end_pair(&pair);
}

CASE(gathering_with_a_key_that_is_over)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct ibv_mr *mr = ibv_reg_mr(pair.world.pd, pair.world.buffer, 4096, ALL_ACCESS);
	struct ibv_sge sge = {(uintptr_t)pair.world.buffer, 8, mr->lkey};
	struct ibv_send_wr wr = request(0, IBV_WR_SEND, &sge);

	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	mr = ibv_reg_mr(pair.world.pd, pair.world.buffer, 4096, ALL_ACCESS);
	CHECK(mr->lkey != sge.lkey);
	expect_failure(&pair, &wr, IBV_WC_LOC_PROT_ERR);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	end_pair(&pair);
}

CASE(reading_into_memory_that_may_not_be_written)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct ibv_mr *mr = ibv_reg_mr(pair.world.pd, pair.world.buffer, 4096, IBV_ACCESS_REMOTE_READ);
	struct ibv_sge sge = {(uintptr_t)pair.world.buffer, 8, mr->lkey};
	struct ibv_send_wr wr =
		remote_request(0, IBV_WR_RDMA_READ, &sge, (uintptr_t)pair.world.buffer + HALF, pair.world.mr->rkey);

	expect_failure(&pair, &wr, IBV_WC_LOC_PROT_ERR);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	end_pair(&pair);
	SHOWS(IBV_ACCESS_LOCAL_WRITE);
}

/* Remote access that the peer does not grant: both sides end in error. */
static void remote_access(
	enum ibv_wr_opcode opcode, unsigned int mr_access, unsigned int qp_access, long offset, int other_pd,
	enum ibv_wc_status status)
{
	struct path path = impatient_path;
	path.access = qp_access;
	struct pair pair = make_pair_over(IBV_QPT_RC, &path);
	struct world *world = &pair.world;
	struct ibv_pd *other = ibv_alloc_pd(world->context);
	struct ibv_mr *mr = ibv_reg_mr(other_pd ? other : world->pd, world->buffer + HALF, 4096, mr_access);
	struct ibv_sge sge = piece(world, 0, 8);
	struct ibv_send_wr wr = request(0, opcode, &sge);

	CHECK(mr != NULL);
	memset(world->buffer, 'x', 4096);
	memset(world->buffer + HALF - 4096, 'y', 3 * 4096);
	if (opcode == IBV_WR_ATOMIC_FETCH_AND_ADD) {
		wr.wr.atomic.remote_addr = (uintptr_t)mr->addr + offset;
		wr.wr.atomic.rkey = mr->rkey;
		wr.wr.atomic.compare_add = 1;
	} else {
		wr.wr.rdma.remote_addr = (uintptr_t)mr->addr + offset;
		wr.wr.rdma.rkey = mr->rkey;
	}
	post_recv(pair.b, 50, piece(world, HALF + 8192, 8));
	expect_failure(&pair, &wr, status);
	/* Nothing was written, and the peer's receive request is flushed. */
	for (int i = 0; i < 3 * 4096; i++)
		CHECK_EQUAL(world->buffer[HALF - 4096 + i], 'y');
	EXPECT_COMPLETION(pair.b_cq, 50, IBV_WC_WR_FLUSH_ERR);
	CHECK_EQUAL(state_of(pair.b), IBV_QPS_ERR);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	CHECK_EQUAL(ibv_dealloc_pd(other), 0);
	end_pair(&pair);
}

CASE(write_that_the_region_does_not_allow)
{
	remote_access(IBV_WR_RDMA_WRITE, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ, ALL_ACCESS, 0, 0, IBV_WC_REM_ACCESS_ERR);
	SHOWS(IBV_WC_REM_ACCESS_ERR, IBV_ACCESS_REMOTE_WRITE);
}
/* What the queue pair does not do at all is an invalid request (IBTA Volume 1, section 11.6.2). */
CASE(write_that_the_queue_pair_does_not_allow)
{
	remote_access(IBV_WR_RDMA_WRITE, ALL_ACCESS, IBV_ACCESS_REMOTE_READ, 0, 0, IBV_WC_REM_INV_REQ_ERR);
	SHOWS(IBV_WC_REM_INV_REQ_ERR, IBV_QP_ACCESS_FLAGS);
}
CASE(write_beyond_the_end)
{
	remote_access(IBV_WR_RDMA_WRITE, ALL_ACCESS, ALL_ACCESS, 4089, 0, IBV_WC_REM_ACCESS_ERR);
}
CASE(write_before_the_beginning)
{
	remote_access(IBV_WR_RDMA_WRITE, ALL_ACCESS, ALL_ACCESS, -1, 0, IBV_WC_REM_ACCESS_ERR);
}
CASE(write_to_another_domain)
{
	remote_access(IBV_WR_RDMA_WRITE, ALL_ACCESS, ALL_ACCESS, 0, 1, IBV_WC_REM_ACCESS_ERR);
}
CASE(read_that_the_region_does_not_allow)
{
	remote_access(IBV_WR_RDMA_READ, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE, ALL_ACCESS, 0, 0, IBV_WC_REM_ACCESS_ERR);
	SHOWS(IBV_ACCESS_REMOTE_READ);
}
CASE(read_that_the_queue_pair_does_not_allow)
{
	remote_access(IBV_WR_RDMA_READ, ALL_ACCESS, IBV_ACCESS_REMOTE_WRITE, 0, 0, IBV_WC_REM_INV_REQ_ERR);
}
CASE(atomic_that_the_region_does_not_allow)
{
	remote_access(IBV_WR_ATOMIC_FETCH_AND_ADD, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE, ALL_ACCESS, 0, 0, IBV_WC_REM_ACCESS_ERR);
	SHOWS(IBV_ACCESS_REMOTE_ATOMIC);
}

CASE(atomic_at_an_odd_address)
{
	struct pair pair = make_pair_over(IBV_QPT_RC, &impatient_path);
	struct ibv_sge sge = piece(&pair.world, 0, 8);
	struct ibv_send_wr wr = request(0, IBV_WR_ATOMIC_FETCH_AND_ADD, &sge);

	wr.wr.atomic.remote_addr = (uintptr_t)pair.world.buffer + HALF + 4;
	wr.wr.atomic.rkey = pair.world.mr->rkey;
	expect_failure(&pair, &wr, IBV_WC_REM_INV_REQ_ERR);
	end_pair(&pair);
}

CASE(message_longer_than_the_receive_request)
{
	struct pair pair = make_pair_over(IBV_QPT_RC, &impatient_path);
	struct ibv_sge sge = piece(&pair.world, 0, 64);
	struct ibv_send_wr wr = request(0, IBV_WR_SEND, &sge);

	memset(pair.world.buffer + HALF, 'y', 128);
	post_recv(pair.b, 50, piece(&pair.world, HALF, 63));
	post_recv(pair.b, 51, piece(&pair.world, HALF, 63));
	expect_failure(&pair, &wr, IBV_WC_REM_INV_REQ_ERR);
	EXPECT_COMPLETION(pair.b_cq, 50, IBV_WC_LOC_LEN_ERR);
	EXPECT_COMPLETION(pair.b_cq, 51, IBV_WC_WR_FLUSH_ERR);
	CHECK_EQUAL(pair.world.buffer[HALF + 63], 'y');
	CHECK_EQUAL(state_of(pair.b), IBV_QPS_ERR);
	end_pair(&pair);
	SHOWS(IBV_WC_LOC_LEN_ERR);
}

CASE(receive_request_with_a_wrong_key)
{
	struct pair pair = make_pair_over(IBV_QPT_RC, &impatient_path);
	struct ibv_sge sge = piece(&pair.world, 0, 64), wrong = piece(&pair.world, HALF, 64);
	struct ibv_send_wr wr = request(0, IBV_WR_SEND, &sge);

	wrong.lkey ^= 0x00010000;
	post_recv(pair.b, 50, wrong);
	expect_failure(&pair, &wr, IBV_WC_REM_OP_ERR);
	EXPECT_COMPLETION(pair.b_cq, 50, IBV_WC_LOC_PROT_ERR);
	CHECK_EQUAL(state_of(pair.b), IBV_QPS_ERR);
	end_pair(&pair);
	SHOWS(IBV_WC_REM_OP_ERR);
}

CASE(no_receive_request_and_few_retries)
{
	struct pair pair = make_pair_over(IBV_QPT_RC, &impatient_path);
	struct ibv_sge sge = piece(&pair.world, 0, 64);
	struct ibv_send_wr wr = request(0, IBV_WR_SEND, &sge);

	expect_failure(&pair, &wr, IBV_WC_RNR_RETRY_EXC_ERR);
	/* The receiver did nothing wrong. */
	CHECK_EQUAL(state_of(pair.b), IBV_QPS_RTS);
	end_pair(&pair);
	SHOWS(IBV_WC_RNR_RETRY_EXC_ERR, IBV_QP_RNR_RETRY);
}

CASE(a_late_receive_request_is_waited_for)
{
	struct path path = usual_path;
	path.min_rnr_timer = 14;
	struct pair pair = make_pair_over(IBV_QPT_RC, &path);
	struct ibv_sge sge = piece(&pair.world, 0, 64);
	struct ibv_send_wr wr = request(1, IBV_WR_SEND, &sge);

	CHECK_EQUAL(try_send(pair.a, &wr), 0);
	expect_empty(pair.world.cq);
	post_recv(pair.b, 2, piece(&pair.world, HALF, 64));
	EXPECT_COMPLETION(pair.b_cq, 2, IBV_WC_SUCCESS);
	EXPECT_COMPLETION(pair.world.cq, 1, IBV_WC_SUCCESS);
	end_pair(&pair);
	SHOWS(IBV_QP_MIN_RNR_TIMER);
}

CASE(nobody_answers)
{
	struct world world = make_world();
	struct ibv_qp *qp = make_qp(&world, IBV_QPT_RC), *gone = make_qp(&world, IBV_QPT_RC);
	struct ibv_sge sge = piece(&world, 0, 64);
	struct ibv_send_wr wr = request(1, IBV_WR_SEND, &sge);
	uint32_t number = gone->qp_num;

	CHECK_EQUAL(ibv_destroy_qp(gone), 0);
	connect_to(&world, qp, number, &impatient_path);
	CHECK_EQUAL(try_send(qp, &wr), 0);
	EXPECT_COMPLETION(world.cq, 1, IBV_WC_RETRY_EXC_ERR);
	CHECK_EQUAL(state_of(qp), IBV_QPS_ERR);
	CHECK_EQUAL(ibv_destroy_qp(qp), 0);
	end_world(&world);
	SHOWS(IBV_WC_RETRY_EXC_ERR, IBV_QP_TIMEOUT, IBV_QP_RETRY_CNT);
}

CASE(requests_are_flushed_in_order)
{
	struct path path = usual_path;
	path.min_rnr_timer = 31;
	struct pair pair = make_pair_over(IBV_QPT_RC, &path);
	struct ibv_sge sge = piece(&pair.world, 0, 8);

	for (int i = 0; i < 10; i++) {
		struct ibv_send_wr wr = request(i, IBV_WR_SEND, &sge);

		/* Flushed requests complete, signaled or not. */
		wr.send_flags = i % 2 ? IBV_SEND_SIGNALED : 0;
		CHECK_EQUAL(try_send(pair.a, &wr), 0);
		CHECK_EQUAL(try_recv(pair.a, 100 + i, &sge, 1), 0);
	}
	to_error(pair.a);
	struct ibv_send_wr late = request(10, IBV_WR_SEND, &sge);
	CHECK_EQUAL(try_send(pair.a, &late), 0);
	CHECK_EQUAL(try_recv(pair.a, 110, &sge, 1), 0);
	int sends = 0, recvs = 0;
	while (sends + recvs < 22) {
		struct ibv_wc wc = next_completion(pair.world.cq);

		CHECK_EQUAL(wc.status, IBV_WC_WR_FLUSH_ERR);
		CHECK_EQUAL(wc.qp_num, pair.a->qp_num);
		if (wc.wr_id >= 100)
			CHECK_EQUAL(wc.wr_id, 100 + recvs++);
		else
			CHECK_EQUAL(wc.wr_id, sends++);
	}
	expect_empty(pair.world.cq);
	end_pair(&pair);
}

CASE(reset_forgets_what_was_posted)
{
	struct path path = usual_path;
	path.min_rnr_timer = 31;
	struct pair pair = make_pair_over(IBV_QPT_RC, &path);
	struct ibv_sge sge = piece(&pair.world, 0, 8);
	struct ibv_send_wr wr = request(1, IBV_WR_SEND, &sge);
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_RESET};

	CHECK_EQUAL(try_send(pair.a, &wr), 0);
	CHECK_EQUAL(try_recv(pair.a, 2, &sge, 1), 0);
	CHECK_EQUAL(ibv_modify_qp(pair.a, &attr, IBV_QP_STATE), 0);
	expect_empty(pair.world.cq);
	end_pair(&pair);
	SHOWS(IBV_QPS_RESET);
}

CASE(destroying_removes_the_completions)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct ibv_sge sge = piece(&pair.world, 0, 8);
	struct ibv_send_wr wr =
		remote_request(1, IBV_WR_RDMA_WRITE, &sge, (uintptr_t)pair.world.buffer + HALF, pair.world.mr->rkey);
	struct ibv_wc wc;

	CHECK_EQUAL(try_send(pair.a, &wr), 0);
	to_error(pair.a);
	CHECK_EQUAL(ibv_destroy_qp(pair.a), 0);
	CHECK_EQUAL(ibv_poll_cq(pair.world.cq, 1, &wc), 0);
	CHECK_EQUAL(ibv_destroy_qp(pair.b), 0);
	CHECK_EQUAL(ibv_destroy_cq(pair.b_cq), 0);
	end_world(&pair.world);
}

CASE(unreliable_requests_fail_locally_only)
{
	struct pair pair = make_pair(IBV_QPT_UC);
	struct ibv_sge sge = piece(&pair.world, 0, 8);
	struct ibv_send_wr wr = remote_request(
		1, IBV_WR_RDMA_WRITE, &sge, (uintptr_t)pair.world.buffer + HALF, pair.world.mr->rkey ^ 0x00100000);

	/* The peer drops it, and says nothing. */
	CHECK_EQUAL(try_send(pair.a, &wr), 0);
	EXPECT_COMPLETION(pair.world.cq, 1, IBV_WC_SUCCESS);
	CHECK_EQUAL(state_of(pair.a), IBV_QPS_RTS);
	CHECK_EQUAL(pair.world.buffer[HALF], 0);
	sge.lkey ^= 0x01000000;
	CHECK_EQUAL(try_send(pair.a, &wr), 0);
	EXPECT_COMPLETION(pair.world.cq, 1, IBV_WC_LOC_PROT_ERR);
	CHECK_EQUAL(state_of(pair.a), IBV_QPS_SQE);
	end_pair(&pair);
	SHOWS(IBV_QPS_SQE);
}

CASE(a_full_completion_queue_is_an_error)
{
	struct world world = make_world();
	struct ibv_cq *small = ibv_create_cq(world.context, 4, NULL, NULL, 0);
	struct ibv_qp_init_attr init = qp_init(&world, IBV_QPT_RC);
	struct ibv_sge sge = piece(&world, 0, 8);
	struct ibv_async_event event;
	struct ibv_wc wc;

	init.send_cq = small;
	init.cap.max_send_wr = 256;
	struct ibv_qp *qp = ibv_create_qp(world.pd, &init);
	connect_to(&world, qp, qp->qp_num, &usual_path);
	struct ibv_send_wr wr =
		remote_request(1, IBV_WR_RDMA_WRITE, &sge, (uintptr_t)world.buffer + HALF, world.mr->rkey);
	for (int i = 0; i < small->cqe + 20; i++)
		try_send(qp, &wr);
	CHECK_EQUAL(ibv_get_async_event(world.context, &event), 0);
	CHECK_EQUAL(event.event_type, IBV_EVENT_CQ_ERR);
	CHECK(event.element.cq == small);
	ibv_ack_async_event(&event);
	CHECK_EQUAL(small->async_events_completed, 1);
	int taken;
	while ((taken = ibv_poll_cq(small, 1, &wc)) > 0)
		;
	CHECK(taken < 0);
	CHECK_EQUAL(state_of(qp), IBV_QPS_ERR);
	CHECK_EQUAL(ibv_destroy_qp(qp), 0);
	CHECK_EQUAL(ibv_destroy_cq(small), 0);
	end_world(&world);
	SHOWS(IBV_EVENT_CQ_ERR);
}
