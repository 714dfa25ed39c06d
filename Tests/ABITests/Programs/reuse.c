/* What goes on: queue pairs that begin anew after a failure, queues that are resized at work or run over, and retries. */
#include "check.h"
#include <time.h>

#define HALF (BUFFER_SIZE / 2)

static void pause_milliseconds(long count)
{
	struct timespec time = {.tv_sec = count / 1000, .tv_nsec = count % 1000 * 1000000};

	nanosleep(&time, NULL);
}

/* --- RESET and on --- */

/* A request to `b`, in whatever way the service needs. */
static struct ibv_send_wr message(struct pair *pair, struct ibv_ah *ah, struct ibv_sge *sge)
{
	struct ibv_send_wr wr = request(1, IBV_WR_SEND, sge);

	if (ah)
		address_datagram(&wr, ah, pair->b, QKEY);
	return wr;
}

/* Ten times: messages, requests that are left lying on both sides, an error, RESET, and all from the beginning. */
static void begin_anew(enum ibv_qp_type type)
{
	struct pair pair = make_pair(type);
	struct world *world = &pair.world;
	struct ibv_ah *ah = type == IBV_QPT_UD ? make_ah(world) : NULL;
	uint32_t grh = type == IBV_QPT_UD ? 40 : 0, length = 1000;

	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < 5; i++) {
			struct ibv_sge sge = piece(world, 0, length);
			struct ibv_send_wr wr = message(&pair, ah, &sge);

			memset(world->buffer, 1 + 5 * round + i, length);
			post_recv(pair.b, 2, piece(world, HALF, grh + length));
			CHECK_EQUAL(try_send(pair.a, &wr), 0);
			EXPECT_COMPLETION(pair.b_cq, 2, IBV_WC_SUCCESS);
			EXPECT_COMPLETION(world->cq, 1, IBV_WC_SUCCESS);
			CHECK(memcmp(world->buffer, world->buffer + HALF + grh, length) == 0);
		}
		/* Of these nothing may be left. */
		for (int i = 0; i < 3; i++) {
			post_recv(pair.a, 77, piece(world, HALF, length));
			post_recv(pair.b, 77, piece(world, HALF, length));
		}
		if (round % 2) {
			to_error(pair.a);
			EXPECT_COMPLETION(world->cq, 77, IBV_WC_WR_FLUSH_ERR);
		}
		to_reset(pair.a);
		to_reset(pair.b);
		expect_empty(world->cq);
		expect_empty(pair.b_cq);
		connect_to(world, pair.a, pair.b->qp_num, &usual_path);
		connect_to(world, pair.b, pair.a->qp_num, &usual_path);
	}
	if (ah)
		CHECK_EQUAL(ibv_destroy_ah(ah), 0);
	end_pair(&pair);
}

CASE(reliable_begins_anew) { begin_anew(IBV_QPT_RC); }
CASE(unreliable_begins_anew) { begin_anew(IBV_QPT_UC); }
CASE(datagrams_begin_anew) { begin_anew(IBV_QPT_UD); }

/* The send queue of an unreliable service goes on from SQE, and what the peer expects has not changed. */
CASE(unreliable_goes_on_after_a_failed_send)
{
	struct pair pair = make_pair(IBV_QPT_UC);
	struct ibv_qp_attr running = {.qp_state = IBV_QPS_RTS, .cur_qp_state = IBV_QPS_SQE};

	for (int round = 0; round < 3; round++) {
		struct ibv_sge sge = piece(&pair.world, 0, 64), wrong = sge;
		struct ibv_send_wr bad = request(1, IBV_WR_SEND, &wrong), good = request(2, IBV_WR_SEND, &sge);

		wrong.lkey ^= 0x01000000;
		CHECK_EQUAL(try_send(pair.a, &bad), 0);
		CHECK_EQUAL(try_send(pair.a, &good), 0);
		EXPECT_COMPLETION(pair.world.cq, 1, IBV_WC_LOC_PROT_ERR);
		EXPECT_COMPLETION(pair.world.cq, 2, IBV_WC_WR_FLUSH_ERR);
		CHECK_EQUAL(state_of(pair.a), IBV_QPS_SQE);
		CHECK_EQUAL(ibv_modify_qp(pair.a, &running, IBV_QP_STATE | IBV_QP_CUR_STATE), 0);
		post_recv(pair.b, 3, piece(&pair.world, HALF, 64));
		CHECK_EQUAL(try_send(pair.a, &good), 0);
		EXPECT_COMPLETION(pair.world.cq, 2, IBV_WC_SUCCESS);
		EXPECT_COMPLETION(pair.b_cq, 3, IBV_WC_SUCCESS);
	}
	end_pair(&pair);
}

/* --- Completion queues --- */

/* What waits stays, in order, while the queue grows and shrinks; what comes afterwards stands behind it. */
CASE(completions_stay_while_their_queue_is_resized)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct world *world = &pair.world;
	static const int sizes[] = {300, 4000, 64, 40, 256};
	uint64_t sent = 0, polled = 0;

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		for (int j = 0; j < 20; j++) {
			struct ibv_sge sge = piece(world, 0, 8);
			struct ibv_send_wr wr = remote_request(
				sent++, IBV_WR_RDMA_WRITE, &sge, (uintptr_t)world->buffer + HALF, world->mr->rkey);

			CHECK_EQUAL(try_send(pair.a, &wr), 0);
		}
		CHECK_EQUAL(ibv_resize_cq(world->cq, sizes[i]), 0);
		CHECK(world->cq->cqe >= sizes[i]);
		/* Ten stay behind for the next size. */
		while (polled < sent - (i < 4 ? 10 : 0))
			EXPECT_COMPLETION(world->cq, polled++, IBV_WC_SUCCESS);
	}
	expect_empty(world->cq);
	/* Fewer places than completions: a send that has ended has its completion there, too. */
	for (int j = 0; j < 20; j++) {
		struct ibv_sge sge = piece(world, 0, 8);
		struct ibv_send_wr wr = request(j, IBV_WR_SEND, &sge);

		post_recv(pair.b, j, piece(world, HALF, 8));
		CHECK_EQUAL(try_send(pair.a, &wr), 0);
		EXPECT_COMPLETION(world->cq, j, IBV_WC_SUCCESS);
	}
	CHECK_EQUAL(ibv_resize_cq(pair.b_cq, 16), EINVAL);
	for (int j = 0; j < 20; j++)
		EXPECT_COMPLETION(pair.b_cq, j, IBV_WC_SUCCESS);
	end_pair(&pair);
}

/* The receiver's queue runs over: he is told, and his queue pair stops. The sender hears that nobody answers. */
CASE(a_full_queue_of_the_receiver_stops_him)
{
	struct path path = usual_path;
	path.timeout = 12;
	path.retry_cnt = 1;
	struct world world = make_world();
	struct ibv_cq *small = ibv_create_cq(world.context, 4, NULL, NULL, 0);
	struct ibv_qp_init_attr init = qp_init(&world, IBV_QPT_RC);
	struct ibv_sge sge = piece(&world, 0, 8);
	struct ibv_async_event event;
	struct ibv_wc wc;
	int places = small->cqe;

	struct ibv_qp *a = ibv_create_qp(world.pd, &init);
	init.recv_cq = small;
	struct ibv_qp *b = ibv_create_qp(world.pd, &init);
	connect_to(&world, a, b->qp_num, &path);
	connect_to(&world, b, a->qp_num, &path);
	for (int i = 0; i <= places; i++) {
		struct ibv_send_wr wr = request(i, IBV_WR_SEND, &sge);

		post_recv(b, i, piece(&world, HALF, 8));
		CHECK_EQUAL(try_send(a, &wr), 0);
		/* The last may be acknowledged before its completion finds no room. */
		wc = next_completion(world.cq);
		CHECK_EQUAL(wc.wr_id, i);
		CHECK(wc.status == IBV_WC_SUCCESS || i == places);
	}
	CHECK_EQUAL(ibv_get_async_event(world.context, &event), 0);
	CHECK_EQUAL(event.event_type, IBV_EVENT_CQ_ERR);
	CHECK(event.element.cq == small);
	ibv_ack_async_event(&event);
	CHECK_EQUAL(state_of(b), IBV_QPS_ERR);
	struct ibv_send_wr wr = request(99, IBV_WR_SEND, &sge);
	if (state_of(a) == IBV_QPS_RTS) {
		CHECK_EQUAL(try_send(a, &wr), 0);
		EXPECT_COMPLETION(world.cq, 99, IBV_WC_RETRY_EXC_ERR);
	}
	/* What was there before it ran over is still to be had. */
	for (int i = 0; i < places; i++) {
		CHECK_EQUAL(ibv_poll_cq(small, 1, &wc), 1);
		CHECK_EQUAL(wc.wr_id, i);
		CHECK_EQUAL(wc.status, IBV_WC_SUCCESS);
	}
	CHECK(ibv_poll_cq(small, 1, &wc) < 0);
	CHECK_EQUAL(ibv_destroy_qp(a), 0);
	CHECK_EQUAL(ibv_destroy_qp(b), 0);
	CHECK_EQUAL(ibv_destroy_cq(small), 0);
	end_world(&world);
}

/* --- Shared receive queues --- */

static int post_shared(struct ibv_srq *srq, uint64_t id, struct ibv_sge sge)
{
	struct ibv_recv_wr wr = {.wr_id = id, .sg_list = &sge, .num_sge = 1}, *bad = NULL;

	return ibv_post_srq_recv(srq, &wr, &bad);
}

/* As IBV_DEVICE_SRQ_RESIZE says: requests that wait stay, in order, and there is room for as many as were asked for. */
CASE(requests_stay_while_their_queue_is_resized)
{
	struct world world = make_world();
	struct ibv_srq_init_attr srq_init = {.attr = {.max_wr = 8, .max_sge = 1}};
	struct ibv_srq *srq = ibv_create_srq(world.pd, &srq_init);
	struct ibv_qp_init_attr init = qp_init(&world, IBV_QPT_RC);
	struct ibv_cq *recv_cq = ibv_create_cq(world.context, 256, NULL, NULL, 0);
	struct ibv_device_attr device;
	struct ibv_sge sge = piece(&world, 0, 32);
	struct ibv_srq_attr attr;
	uint64_t posted = 0, received = 0;

	CHECK_EQUAL(ibv_query_device(world.context, &device), 0);
	CHECK(device.device_cap_flags & IBV_DEVICE_SRQ_RESIZE);
	struct ibv_qp *a = ibv_create_qp(world.pd, &init);
	init.srq = srq;
	init.recv_cq = recv_cq;
	struct ibv_qp *b = ibv_create_qp(world.pd, &init);
	connect_to(&world, a, b->qp_num, &usual_path);
	connect_to(&world, b, a->qp_num, &usual_path);
	static const uint32_t sizes[] = {8, 100, 33, 64};
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		attr.max_wr = sizes[i];
		CHECK_EQUAL(ibv_modify_srq(srq, &attr, IBV_SRQ_MAX_WR), 0);
		CHECK_EQUAL(ibv_query_srq(srq, &attr), 0);
		CHECK(attr.max_wr >= sizes[i]);
		int error;
		while ((error = post_shared(srq, posted, piece(&world, HALF + 32 * (posted % 512), 32))) == 0)
			posted++;
		CHECK_EQUAL(error, ENOMEM);
		CHECK_EQUAL(posted - received, attr.max_wr);
		/* All are in use: fewer cannot be. */
		attr.max_wr = 4;
		CHECK_EQUAL(ibv_modify_srq(srq, &attr, IBV_SRQ_MAX_WR), EINVAL);
		/* Five stay behind for the next size. */
		while (received + 5 < posted) {
			struct ibv_send_wr wr = request(7, IBV_WR_SEND, &sge);

			memset(world.buffer, 1 + received % 100, 32);
			CHECK_EQUAL(try_send(a, &wr), 0);
			EXPECT_COMPLETION(world.cq, 7, IBV_WC_SUCCESS);
			EXPECT_COMPLETION(recv_cq, received, IBV_WC_SUCCESS);
			CHECK_EQUAL(world.buffer[HALF + 32 * (received % 512) + 31], 1 + received % 100);
			received++;
		}
	}
	CHECK_EQUAL(ibv_destroy_qp(a), 0);
	CHECK_EQUAL(ibv_destroy_qp(b), 0);
	CHECK_EQUAL(ibv_destroy_srq(srq), 0);
	CHECK_EQUAL(ibv_destroy_cq(recv_cq), 0);
	end_world(&world);
}

/* --- Retries --- */

/* 7 has no end for a receiver that is not ready: far more NAKs come than seven. */
CASE(seven_rnr_retries_have_no_end)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct ibv_sge sge = piece(&pair.world, 0, 64);
	struct ibv_send_wr wr = request(1, IBV_WR_SEND, &sge);

	CHECK_EQUAL(try_send(pair.a, &wr), 0);
	/* The timer of 1 is 10 microseconds. */
	for (int i = 0; i < 30; i++) {
		pause_milliseconds(10);
		expect_empty(pair.world.cq);
	}
	CHECK_EQUAL(state_of(pair.a), IBV_QPS_RTS);
	post_recv(pair.b, 2, piece(&pair.world, HALF, 64));
	EXPECT_COMPLETION(pair.b_cq, 2, IBV_WC_SUCCESS);
	EXPECT_COMPLETION(pair.world.cq, 1, IBV_WC_SUCCESS);
	end_pair(&pair);
}

/* 6 has an end, and 7 retries of a peer that does not answer have one, too: after eight timeouts, not before. */
CASE(other_retries_have_an_end)
{
	struct path path = usual_path;
	path.rnr_retry = 6;
	struct pair pair = make_pair_over(IBV_QPT_RC, &path);
	struct ibv_sge sge = piece(&pair.world, 0, 64);
	struct ibv_send_wr wr = request(1, IBV_WR_SEND, &sge);

	CHECK_EQUAL(try_send(pair.a, &wr), 0);
	EXPECT_COMPLETION(pair.world.cq, 1, IBV_WC_RNR_RETRY_EXC_ERR);
	to_reset(pair.a);
	to_reset(pair.b);
	/* 4.096 us * 2^12 = 17 ms. */
	path.timeout = 12;
	connect_to(&pair.world, pair.a, pair.b->qp_num, &path);
	double start = seconds_now();
	CHECK_EQUAL(try_send(pair.a, &wr), 0);
	EXPECT_COMPLETION(pair.world.cq, 1, IBV_WC_RETRY_EXC_ERR);
	CHECK(seconds_now() - start >= 8 * 0.016777);
	end_pair(&pair);
}
