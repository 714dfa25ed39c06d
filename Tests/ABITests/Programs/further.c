/* Verbs and attributes that the other programs have no occasion for. */
#include "check.h"

#define HALF (BUFFER_SIZE / 2)

CASE(questions_without_objects)
{
	struct ibv_context *context = open_first_device();

	CHECK_EQUAL(ibv_fork_init(), 0);
	CHECK(ibv_is_fork_initialized() != IBV_FORK_DISABLED);
	/* The low byte alone is the owner's to choose. */
	CHECK_EQUAL(ibv_inc_rkey(0x12345678), 0x12345679);
	CHECK_EQUAL(ibv_inc_rkey(0x123456FF), 0x12345600);
	for (uint32_t label = 0; label < 1 << 20; label += 4093)
		CHECK(ibv_flow_label_to_udp_sport(label) >= 0xC000);
	CHECK(ibv_flow_label_to_udp_sport(1) != ibv_flow_label_to_udp_sport(2));
	CHECK_EQUAL(ibv_close_device(context), 0);
	SHOWS(ibv_fork_init, ibv_is_fork_initialized, ibv_inc_rkey, ibv_flow_label_to_udp_sport);
}

CASE(data_may_not_be_read_before_the_completion)
{
	struct world world = make_world();
	struct ibv_qp *qp = make_qp(&world, IBV_QPT_RC);

	CHECK(ibv_query_qp_data_in_order(qp, IBV_WR_RDMA_WRITE, 0) >= 0);
	CHECK_EQUAL(ibv_is_qpt_supported(1 << IBV_QPT_RC, IBV_QPT_RC), 1);
	CHECK_EQUAL(ibv_is_qpt_supported(1 << IBV_QPT_UD, IBV_QPT_RC), 0);
	CHECK_EQUAL(ibv_destroy_qp(qp), 0);
	end_world(&world);
	SHOWS(ibv_query_qp_data_in_order, ibv_is_qpt_supported);
}

/* The send behind a READ waits for it: it takes what the READ brings. */
CASE(fence_waits_for_reads)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct world *world = &pair.world;

	for (int i = 0; i < 200; i++) {
		struct ibv_sge local = piece(world, 0, 4096), first = piece(world, 0, 4096);
		struct ibv_send_wr read =
			remote_request(1, IBV_WR_RDMA_READ, &local, (uintptr_t)world->buffer + HALF, world->mr->rkey);
		struct ibv_send_wr send = request(2, IBV_WR_SEND, &first), *bad;

		memset(world->buffer, 0, 4096);
		memset(world->buffer + HALF, i + 1, 4096);
		post_recv(pair.b, 3, piece(world, HALF + 8192, 4096));
		send.send_flags |= IBV_SEND_FENCE;
		read.next = &send;
		CHECK_EQUAL(ibv_post_send(pair.a, &read, &bad), 0);
		EXPECT_COMPLETION(world->cq, 1, IBV_WC_SUCCESS);
		EXPECT_COMPLETION(world->cq, 2, IBV_WC_SUCCESS);
		EXPECT_COMPLETION(pair.b_cq, 3, IBV_WC_SUCCESS);
		for (int j = 0; j < 4096; j++)
			CHECK_EQUAL((unsigned char)world->buffer[HALF + 8192 + j], (unsigned char)(i + 1));
	}
	end_pair(&pair);
	SHOWS(IBV_SEND_FENCE);
}

/* A queue pair that is drained finishes what it has begun, says so once, begins nothing, and goes on afterwards. */
CASE(drained_queue_pair_waits)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct world *world = &pair.world;
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_SQD, .en_sqd_async_notify = 1};
	struct ibv_async_event event;
	struct ibv_sge sge = piece(world, 0, 8);
	struct ibv_send_wr wr =
		remote_request(1, IBV_WR_RDMA_WRITE, &sge, (uintptr_t)world->buffer + HALF, world->mr->rkey);

	CHECK_EQUAL(ibv_modify_qp(pair.a, &attr, IBV_QP_STATE | IBV_QP_EN_SQD_ASYNC_NOTIFY), 0);
	CHECK_EQUAL(ibv_get_async_event(world->context, &event), 0);
	CHECK_EQUAL(event.event_type, IBV_EVENT_SQ_DRAINED);
	CHECK(event.element.qp == pair.a);
	ibv_ack_async_event(&event);
	CHECK_EQUAL(state_of(pair.a), IBV_QPS_SQD);
	CHECK_EQUAL(try_send(pair.a, &wr), 0);
	expect_empty(world->cq);
	attr.qp_state = IBV_QPS_RTS;
	CHECK_EQUAL(ibv_modify_qp(pair.a, &attr, IBV_QP_STATE), 0);
	EXPECT_COMPLETION(world->cq, 1, IBV_WC_SUCCESS);
	end_pair(&pair);
	SHOWS(IBV_QPS_SQD, IBV_QP_EN_SQD_ASYNC_NOTIFY, IBV_EVENT_SQ_DRAINED);
}

CASE(responder_is_told_of_an_invalid_request)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct ibv_sge sge = piece(&pair.world, 0, 8);
	struct ibv_send_wr wr = request(1, IBV_WR_ATOMIC_FETCH_AND_ADD, &sge);
	struct ibv_async_event event;

	/* An atomic at an odd address. */
	wr.wr.atomic.remote_addr = (uintptr_t)pair.world.buffer + HALF + 4;
	wr.wr.atomic.rkey = pair.world.mr->rkey;
	CHECK_EQUAL(try_send(pair.a, &wr), 0);
	EXPECT_COMPLETION(pair.world.cq, 1, IBV_WC_REM_INV_REQ_ERR);
	CHECK_EQUAL(ibv_get_async_event(pair.world.context, &event), 0);
	CHECK_EQUAL(event.event_type, IBV_EVENT_QP_REQ_ERR);
	CHECK(event.element.qp == pair.b);
	ibv_ack_async_event(&event);
	end_pair(&pair);
	SHOWS(IBV_EVENT_QP_REQ_ERR);
}

CASE(sender_of_a_datagram_is_named)
{
	struct world world = make_world();
	struct ibv_cq_init_attr_ex attr = {.cqe = 16, .wc_flags = IBV_WC_EX_WITH_SRC_QP | IBV_WC_EX_WITH_BYTE_LEN};
	struct ibv_cq_ex *cq = ibv_create_cq_ex(world.context, &attr);
	struct ibv_qp_init_attr init = qp_init(&world, IBV_QPT_UD);
	struct ibv_poll_cq_attr poll_attr = {0};
	struct ibv_ah *ah = make_ah(&world);
	struct ibv_sge sge = piece(&world, 0, 8);
	struct ibv_send_wr wr = request(1, IBV_WR_SEND, &sge);
	double deadline = seconds_now() + PATIENCE_SECONDS;
	int answer;

	struct ibv_qp *a = ibv_create_qp(world.pd, &init);
	init.recv_cq = ibv_cq_ex_to_cq(cq);
	struct ibv_qp *b = ibv_create_qp(world.pd, &init);
	connect_to(&world, a, 0, &usual_path);
	connect_to(&world, b, 0, &usual_path);
	post_recv(b, 2, piece(&world, HALF, 48));
	address_datagram(&wr, ah, b, QKEY);
	CHECK_EQUAL(try_send(a, &wr), 0);
	while ((answer = ibv_start_poll(cq, &poll_attr)) == ENOENT && seconds_now() < deadline)
		;
	CHECK_EQUAL(answer, 0);
	CHECK_EQUAL(ibv_wc_read_src_qp(cq), a->qp_num);
	CHECK_EQUAL(ibv_wc_read_byte_len(cq), 48);
	ibv_end_poll(cq);
	CHECK_EQUAL(ibv_destroy_qp(a), 0);
	CHECK_EQUAL(ibv_destroy_qp(b), 0);
	CHECK_EQUAL(ibv_destroy_cq(ibv_cq_ex_to_cq(cq)), 0);
	CHECK_EQUAL(ibv_destroy_ah(ah), 0);
	end_world(&world);
	SHOWS(ibv_wc_read_src_qp, IBV_WC_EX_WITH_SRC_QP);
}
