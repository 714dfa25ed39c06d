/* Data between two queue pairs of one process, by each operation of each service. */
#include "check.h"

static void fill(char *memory, size_t length, unsigned int seed)
{
	for (size_t i = 0; i < length; i++) {
		seed = seed * 1103515245 + 12345;
		memory[i] = seed >> 16;
	}
}

/* Lengths around the limits of packets. */
static const uint32_t lengths[] = {0, 1, 3, 4, 255, 256, 257, 1023, 1024, 1025, 4096, 65536, 200001};

#define HALF (BUFFER_SIZE / 2)

static void send_lengths(enum ibv_qp_type type)
{
	struct pair pair = make_pair(type);
	struct world *world = &pair.world;

	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		uint32_t length = lengths[i];
		struct ibv_sge sge = piece(world, 0, length);
		struct ibv_send_wr wr = request(i, IBV_WR_SEND_WITH_IMM, &sge);

		fill(world->buffer, HALF, i);
		memset(world->buffer + HALF, 0, HALF);
		wr.imm_data = htonl(0xCAFE0000 + i);
		post_recv(pair.b, 1000 + i, piece(world, HALF, length));
		CHECK_EQUAL(try_send(pair.a, &wr), 0);
		struct ibv_wc wc = next_completion(pair.b_cq);
		CHECK_EQUAL(wc.status, IBV_WC_SUCCESS);
		CHECK_EQUAL(wc.wr_id, 1000 + i);
		CHECK_EQUAL(wc.opcode, IBV_WC_RECV);
		CHECK_EQUAL(wc.byte_len, length);
		CHECK_EQUAL(wc.qp_num, pair.b->qp_num);
		CHECK_EQUAL(wc.wc_flags, IBV_WC_WITH_IMM | IBV_WC_GRH);
		CHECK_EQUAL(wc.imm_data, htonl(0xCAFE0000 + i));
		CHECK(memcmp(world->buffer, world->buffer + HALF, length) == 0);
		CHECK_EQUAL(world->buffer[HALF + length], 0);
		wc = next_completion(world->cq);
		CHECK_EQUAL(wc.status, IBV_WC_SUCCESS);
		CHECK_EQUAL(wc.wr_id, i);
		CHECK_EQUAL(wc.opcode, IBV_WC_SEND);
		CHECK_EQUAL(wc.qp_num, pair.a->qp_num);
	}
	end_pair(&pair);
}

CASE(reliable_sends_of_every_length)
{
	send_lengths(IBV_QPT_RC);
	SHOWS(ibv_post_send, ibv_post_recv, IBV_WR_SEND_WITH_IMM, IBV_WC_SEND, IBV_WC_RECV, IBV_WC_WITH_IMM,
	      IBV_WC_SUCCESS);
}
CASE(unreliable_sends_of_every_length)
{
	send_lengths(IBV_QPT_UC);
	SHOWS(IBV_QPT_UC);
}

static void write_lengths(enum ibv_qp_type type)
{
	struct pair pair = make_pair(type);
	struct world *world = &pair.world;

	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		uint32_t length = lengths[i];
		struct ibv_sge sge = piece(world, 0, length);
		struct ibv_send_wr wr = remote_request(
			i, IBV_WR_RDMA_WRITE_WITH_IMM, &sge, (uintptr_t)world->buffer + HALF, world->mr->rkey);

		fill(world->buffer, HALF, i);
		memset(world->buffer + HALF, 0, HALF);
		wr.imm_data = htonl(i);
		CHECK_EQUAL(try_recv(pair.b, 2000 + i, NULL, 0), 0);
		CHECK_EQUAL(try_send(pair.a, &wr), 0);
		struct ibv_wc wc = next_completion(pair.b_cq);
		CHECK_EQUAL(wc.status, IBV_WC_SUCCESS);
		CHECK_EQUAL(wc.wr_id, 2000 + i);
		CHECK_EQUAL(wc.opcode, IBV_WC_RECV_RDMA_WITH_IMM);
		CHECK_EQUAL(wc.byte_len, length);
		CHECK_EQUAL(wc.imm_data, htonl(i));
		CHECK(memcmp(world->buffer, world->buffer + HALF, length) == 0);
		CHECK_EQUAL(world->buffer[HALF + length], 0);
		wc = next_completion(world->cq);
		CHECK_EQUAL(wc.status, IBV_WC_SUCCESS);
		CHECK_EQUAL(wc.opcode, IBV_WC_RDMA_WRITE);
	}
	end_pair(&pair);
}

CASE(reliable_writes_of_every_length)
{
	write_lengths(IBV_QPT_RC);
	SHOWS(IBV_WR_RDMA_WRITE_WITH_IMM, IBV_WC_RECV_RDMA_WITH_IMM, IBV_WC_RDMA_WRITE);
}
CASE(unreliable_writes_of_every_length) { write_lengths(IBV_QPT_UC); }

CASE(reads_of_every_length)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct world *world = &pair.world;

	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		uint32_t length = lengths[i];
		struct ibv_sge sge = piece(world, HALF, length);
		struct ibv_send_wr wr = remote_request(
			i, IBV_WR_RDMA_READ, &sge, (uintptr_t)world->buffer, world->mr->rkey);

		fill(world->buffer, HALF, i);
		memset(world->buffer + HALF, 0, HALF);
		CHECK_EQUAL(try_send(pair.a, &wr), 0);
		struct ibv_wc wc = next_completion(world->cq);
		CHECK_EQUAL(wc.status, IBV_WC_SUCCESS);
		CHECK_EQUAL(wc.opcode, IBV_WC_RDMA_READ);
		CHECK_EQUAL(wc.byte_len, length);
		CHECK(memcmp(world->buffer, world->buffer + HALF, length) == 0);
		CHECK_EQUAL(world->buffer[HALF + length], 0);
	}
	expect_empty(pair.b_cq);
	end_pair(&pair);
	SHOWS(IBV_WR_RDMA_READ, IBV_WC_RDMA_READ);
}

CASE(atomics)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct world *world = &pair.world;
	uint64_t *target = (uint64_t *)(world->buffer + HALF), *answer = (uint64_t *)world->buffer;
	struct ibv_sge sge = piece(world, 0, 8);
	struct ibv_send_wr wr = request(1, IBV_WR_ATOMIC_FETCH_AND_ADD, &sge);

	*target = 40;
	wr.wr.atomic.remote_addr = (uintptr_t)target;
	wr.wr.atomic.rkey = world->mr->rkey;
	wr.wr.atomic.compare_add = 2;
	CHECK_EQUAL(try_send(pair.a, &wr), 0);
	struct ibv_wc wc = next_completion(world->cq);
	CHECK_EQUAL(wc.status, IBV_WC_SUCCESS);
	CHECK_EQUAL(wc.opcode, IBV_WC_FETCH_ADD);
	CHECK_EQUAL(wc.byte_len, 8);
	CHECK_EQUAL(*answer, 40);
	CHECK_EQUAL(*target, 42);

	wr.opcode = IBV_WR_ATOMIC_CMP_AND_SWP;
	wr.wr.atomic.compare_add = 42;
	wr.wr.atomic.swap = 0x1122334455667788;
	CHECK_EQUAL(try_send(pair.a, &wr), 0);
	wc = next_completion(world->cq);
	CHECK_EQUAL(wc.status, IBV_WC_SUCCESS);
	CHECK_EQUAL(wc.opcode, IBV_WC_COMP_SWAP);
	CHECK_EQUAL(*answer, 42);
	CHECK_EQUAL(*target, 0x1122334455667788);

	/* Another value is there: nothing is swapped. */
	wr.wr.atomic.swap = 7;
	CHECK_EQUAL(try_send(pair.a, &wr), 0);
	EXPECT_COMPLETION(world->cq, 1, IBV_WC_SUCCESS);
	CHECK_EQUAL(*answer, 0x1122334455667788);
	CHECK_EQUAL(*target, 0x1122334455667788);
	end_pair(&pair);
	SHOWS(IBV_WR_ATOMIC_FETCH_AND_ADD, IBV_WR_ATOMIC_CMP_AND_SWP, IBV_WC_FETCH_ADD, IBV_WC_COMP_SWAP);
}

CASE(datagrams)
{
	struct world world = make_world();
	struct ibv_qp *a = make_qp(&world, IBV_QPT_UD), *b = make_qp(&world, IBV_QPT_UD);
	struct ibv_ah *ah = make_ah(&world);
	static const uint32_t sizes[] = {0, 1, 7, 256, 1024};

	connect_to(&world, a, 0, &usual_path);
	connect_to(&world, b, 0, &usual_path);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct ibv_sge sge = piece(&world, 0, sizes[i]);
		struct ibv_send_wr wr = request(1, IBV_WR_SEND_WITH_IMM, &sge);
		struct ibv_wc wc;

		fill(world.buffer, HALF, i);
		memset(world.buffer + HALF, 0, HALF);
		post_recv(b, 2, piece(&world, HALF, 40 + sizes[i]));
		wr.imm_data = htonl(i);
		address_datagram(&wr, ah, b, QKEY);
		CHECK_EQUAL(try_send(a, &wr), 0);
		/* Both report to one queue, in either order. */
		for (int side = 0; side < 2; side++) {
			wc = next_completion(world.cq);
			CHECK_EQUAL(wc.status, IBV_WC_SUCCESS);
			if (wc.opcode != IBV_WC_RECV)
				continue;
			CHECK_EQUAL(wc.wr_id, 2);
			CHECK_EQUAL(wc.byte_len, 40 + sizes[i]);
			CHECK_EQUAL(wc.src_qp, a->qp_num);
			CHECK(wc.wc_flags & IBV_WC_GRH);
			CHECK_EQUAL(wc.imm_data, htonl(i));
			CHECK(memcmp(world.buffer, world.buffer + HALF + 40, sizes[i]) == 0);
			struct ibv_ah *back = ibv_create_ah_from_wc(world.pd, &wc, (struct ibv_grh *)(world.buffer + HALF), PORT);
			CHECK(back != NULL);
			CHECK_EQUAL(ibv_destroy_ah(back), 0);
		}
	}
	CHECK_EQUAL(ibv_destroy_qp(a), 0);
	CHECK_EQUAL(ibv_destroy_qp(b), 0);
	CHECK_EQUAL(ibv_destroy_ah(ah), 0);
	end_world(&world);
	SHOWS(IBV_QPT_UD, IBV_WC_GRH, ibv_create_ah_from_wc);
}

CASE(datagram_with_a_wrong_key_is_dropped)
{
	struct world world = make_world();
	struct ibv_cq *b_cq = ibv_create_cq(world.context, 16, NULL, NULL, 0);
	struct ibv_qp_init_attr init = qp_init(&world, IBV_QPT_UD);
	struct ibv_qp *a = make_qp(&world, IBV_QPT_UD), *b;
	struct ibv_ah *ah = make_ah(&world);
	struct ibv_sge sge = piece(&world, 0, 8);
	struct ibv_send_wr wr = request(1, IBV_WR_SEND, &sge);

	init.recv_cq = b_cq;
	b = ibv_create_qp(world.pd, &init);
	connect_to(&world, a, 0, &usual_path);
	connect_to(&world, b, 0, &usual_path);
	post_recv(b, 2, piece(&world, HALF, 48));
	address_datagram(&wr, ah, b, QKEY + 1);
	CHECK_EQUAL(try_send(a, &wr), 0);
	EXPECT_COMPLETION(world.cq, 1, IBV_WC_SUCCESS);
	expect_empty(b_cq);
	wr.wr.ud.remote_qkey = QKEY;
	CHECK_EQUAL(try_send(a, &wr), 0);
	EXPECT_COMPLETION(world.cq, 1, IBV_WC_SUCCESS);
	EXPECT_COMPLETION(b_cq, 2, IBV_WC_SUCCESS);
	CHECK_EQUAL(ibv_destroy_qp(a), 0);
	CHECK_EQUAL(ibv_destroy_qp(b), 0);
	CHECK_EQUAL(ibv_destroy_cq(b_cq), 0);
	CHECK_EQUAL(ibv_destroy_ah(ah), 0);
	end_world(&world);
	SHOWS(IBV_QP_QKEY);
}

CASE(pieces_are_gathered_and_scattered)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct world *world = &pair.world;
	struct ibv_sge from[4] = {piece(world, 10, 3), piece(world, 5000, 0), piece(world, 100, 2000), piece(world, 9000, 97)};
	struct ibv_sge to[3] = {piece(world, HALF + 1, 1), piece(world, HALF + 999, 1500), piece(world, HALF + 9000, 599)};
	struct ibv_send_wr wr = request(1, IBV_WR_SEND, from);
	char sent[2100], received[2100];

	fill(world->buffer, HALF, 5);
	wr.num_sge = 4;
	CHECK_EQUAL(try_recv(pair.b, 2, to, 3), 0);
	CHECK_EQUAL(try_send(pair.a, &wr), 0);
	EXPECT_COMPLETION(world->cq, 1, IBV_WC_SUCCESS);
	struct ibv_wc wc = next_completion(pair.b_cq);
	CHECK_EQUAL(wc.byte_len, 2100);
	memcpy(sent, world->buffer + 10, 3);
	memcpy(sent + 3, world->buffer + 100, 2000);
	memcpy(sent + 2003, world->buffer + 9000, 97);
	memcpy(received, world->buffer + HALF + 1, 1);
	memcpy(received + 1, world->buffer + HALF + 999, 1500);
	memcpy(received + 1501, world->buffer + HALF + 9000, 599);
	CHECK(memcmp(sent, received, 2100) == 0);
	end_pair(&pair);
}

CASE(inline_data_may_be_reused_at_once)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct world *world = &pair.world;
	/* Neither registered nor kept. */
	char text[128];
	struct ibv_sge list[2] = {{(uintptr_t)text, 100, 0}, {(uintptr_t)text + 100, 28, 12345}};
	struct ibv_send_wr wr = request(1, IBV_WR_SEND, list);

	wr.num_sge = 2;
	wr.send_flags |= IBV_SEND_INLINE;
	for (int i = 0; i < 20; i++)
		post_recv(pair.b, i, piece(world, HALF + i * 128, 128));
	for (int i = 0; i < 20; i++) {
		memset(text, 'a' + i, sizeof text);
		CHECK_EQUAL(try_send(pair.a, &wr), 0);
		memset(text, 0, sizeof text);
	}
	for (int i = 0; i < 20; i++) {
		EXPECT_COMPLETION(pair.b_cq, i, IBV_WC_SUCCESS);
		CHECK_EQUAL(world->buffer[HALF + i * 128], 'a' + i);
		CHECK_EQUAL(world->buffer[HALF + i * 128 + 127], 'a' + i);
	}
	end_pair(&pair);
	SHOWS(IBV_SEND_INLINE, IBV_WR_SEND);
}

CASE(lists_are_posted_whole_or_up_to_the_bad_one)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct world *world = &pair.world;
	struct ibv_sge sge = piece(world, 0, 16), out = piece(world, HALF, 16);
	struct ibv_send_wr send[3], *bad = NULL;
	struct ibv_recv_wr recv[3], *bad_recv = NULL;

	for (int i = 0; i < 3; i++) {
		send[i] = request(i, IBV_WR_SEND, &sge);
		send[i].next = i < 2 ? &send[i + 1] : NULL;
		recv[i] = (struct ibv_recv_wr){.wr_id = i, .next = i < 2 ? &recv[i + 1] : NULL, .sg_list = &out, .num_sge = 1};
	}
	CHECK_EQUAL(ibv_post_recv(pair.b, recv, &bad_recv), 0);
	CHECK_EQUAL(ibv_post_send(pair.a, send, &bad), 0);
	for (int i = 0; i < 3; i++) {
		EXPECT_COMPLETION(world->cq, i, IBV_WC_SUCCESS);
		EXPECT_COMPLETION(pair.b_cq, i, IBV_WC_SUCCESS);
	}
	send[1].num_sge = 99;
	recv[2].num_sge = 99;
	CHECK_EQUAL(ibv_post_recv(pair.b, recv, &bad_recv), EINVAL);
	CHECK(bad_recv == &recv[2]);
	CHECK_EQUAL(ibv_post_send(pair.a, send, &bad), EINVAL);
	CHECK(bad == &send[1]);
	EXPECT_COMPLETION(world->cq, 0, IBV_WC_SUCCESS);
	EXPECT_COMPLETION(pair.b_cq, 0, IBV_WC_SUCCESS);
	expect_empty(world->cq);
	end_pair(&pair);
}

CASE(only_signaled_requests_complete)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct world *world = &pair.world;
	struct ibv_sge sge = piece(world, 0, 16);

	for (int i = 0; i < 4; i++) {
		struct ibv_send_wr wr = request(i, IBV_WR_SEND, &sge);

		wr.send_flags = i == 3 ? IBV_SEND_SIGNALED : 0;
		post_recv(pair.b, i, piece(world, HALF, 16));
		CHECK_EQUAL(try_send(pair.a, &wr), 0);
	}
	EXPECT_COMPLETION(world->cq, 3, IBV_WC_SUCCESS);
	for (int i = 0; i < 4; i++)
		EXPECT_COMPLETION(pair.b_cq, i, IBV_WC_SUCCESS);
	expect_empty(world->cq);
	end_pair(&pair);
	SHOWS(IBV_SEND_SIGNALED);
}

CASE(all_requests_complete_where_the_queue_pair_says_so)
{
	struct world world = make_world();
	struct ibv_qp_init_attr init = qp_init(&world, IBV_QPT_RC);
	struct ibv_sge sge = piece(&world, 0, 16);

	init.sq_sig_all = 1;
	struct ibv_qp *qp = ibv_create_qp(world.pd, &init);
	/* A queue pair may be its own peer. */
	connect_to(&world, qp, qp->qp_num, &usual_path);
	struct ibv_send_wr wr =
		remote_request(7, IBV_WR_RDMA_WRITE, &sge, (uintptr_t)world.buffer + HALF, world.mr->rkey);
	wr.send_flags = 0;
	for (int i = 0; i < 3; i++)
		CHECK_EQUAL(try_send(qp, &wr), 0);
	for (int i = 0; i < 3; i++)
		EXPECT_COMPLETION(world.cq, 7, IBV_WC_SUCCESS);
	CHECK_EQUAL(ibv_destroy_qp(qp), 0);
	end_world(&world);
	SHOWS(IBV_WR_RDMA_WRITE);
}

/* More requests than the queue holds, and completions in order, for a while. */
CASE(a_full_send_queue_refuses_and_recovers)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct world *world = &pair.world;
	struct ibv_sge sge = piece(world, 0, 64);
	uint64_t posted = 0, completed = 0;

	while (completed < 2000) {
		struct ibv_wc wc[16];

		/* No more than the completion queue holds, whichever requests are done meanwhile. */
		while (posted < 2000 && posted - completed < 200) {
			struct ibv_send_wr wr = remote_request(
				posted, IBV_WR_RDMA_WRITE, &sge, (uintptr_t)world->buffer + HALF, world->mr->rkey);
			int error = try_send(pair.a, &wr);

			if (error != 0) {
				CHECK_EQUAL(error, ENOMEM);
				break;
			}
			posted++;
		}
		int count = ibv_poll_cq(world->cq, 16, wc);
		CHECK(count >= 0);
		for (int i = 0; i < count; i++) {
			CHECK_EQUAL(wc[i].status, IBV_WC_SUCCESS);
			CHECK_EQUAL(wc[i].wr_id, completed);
			completed++;
		}
	}
	end_pair(&pair);
}

CASE(regions_with_other_addresses)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct world *world = &pair.world;
	struct ibv_mr *zero = ibv_reg_mr(world->pd, world->buffer, 8192, ALL_ACCESS | IBV_ACCESS_ZERO_BASED);
	struct ibv_mr *moved = ibv_reg_mr_iova(world->pd, world->buffer + HALF, 8192, 0x7000000000001000, ALL_ACCESS);
	struct ibv_sge sge = {0, 100, zero->lkey};
	struct ibv_send_wr wr = remote_request(1, IBV_WR_RDMA_WRITE, &sge, 0x7000000000001000 + 50, moved->rkey);

	fill(world->buffer, 100, 9);
	CHECK_EQUAL(try_send(pair.a, &wr), 0);
	EXPECT_COMPLETION(world->cq, 1, IBV_WC_SUCCESS);
	CHECK(memcmp(world->buffer, world->buffer + HALF + 50, 100) == 0);
	CHECK_EQUAL(ibv_dereg_mr(zero), 0);
	CHECK_EQUAL(ibv_dereg_mr(moved), 0);
	end_pair(&pair);
	SHOWS(ibv_reg_mr_iova, IBV_ACCESS_ZERO_BASED);
}

CASE(shared_receive_queue_feeds_several)
{
	struct world world = make_world();
	struct ibv_srq_init_attr srq_init = {.attr = {.max_wr = 32, .max_sge = 1}};
	struct ibv_srq *srq = ibv_create_srq(world.pd, &srq_init);
	struct ibv_cq *recv_cq = ibv_create_cq(world.context, 64, NULL, NULL, 0);
	struct ibv_qp_init_attr init = qp_init(&world, IBV_QPT_RC);
	struct ibv_qp *senders[2], *receivers[2];
	struct ibv_sge sge = piece(&world, 0, 32);

	for (int i = 0; i < 2; i++) {
		init = qp_init(&world, IBV_QPT_RC);
		senders[i] = ibv_create_qp(world.pd, &init);
		init.recv_cq = recv_cq;
		init.srq = srq;
		receivers[i] = ibv_create_qp(world.pd, &init);
		CHECK(receivers[i] != NULL);
		CHECK(receivers[i]->srq == srq);
		connect_to(&world, senders[i], receivers[i]->qp_num, &usual_path);
		connect_to(&world, receivers[i], senders[i]->qp_num, &usual_path);
		CHECK_EQUAL(try_recv(receivers[i], 1, &sge, 1), EINVAL);
	}
	CHECK_EQUAL(ibv_destroy_srq(srq), EBUSY);
	for (int i = 0; i < 8; i++) {
		struct ibv_sge out = piece(&world, HALF + 32 * i, 32);
		struct ibv_recv_wr wr = {.wr_id = i, .sg_list = &out, .num_sge = 1}, *bad;

		CHECK_EQUAL(ibv_post_srq_recv(srq, &wr, &bad), 0);
	}
	for (int i = 0; i < 8; i++) {
		struct ibv_send_wr wr = request(i, IBV_WR_SEND, &sge);

		memset(world.buffer, 'A' + i, 32);
		CHECK_EQUAL(try_send(senders[i % 2], &wr), 0);
		EXPECT_COMPLETION(world.cq, i, IBV_WC_SUCCESS);
		struct ibv_wc wc = next_completion(recv_cq);
		CHECK_EQUAL(wc.status, IBV_WC_SUCCESS);
		CHECK_EQUAL(wc.wr_id, i);
		CHECK_EQUAL(wc.qp_num, receivers[i % 2]->qp_num);
		CHECK_EQUAL(world.buffer[HALF + 32 * i], 'A' + i);
	}
	for (int i = 0; i < 2; i++) {
		CHECK_EQUAL(ibv_destroy_qp(senders[i]), 0);
		CHECK_EQUAL(ibv_destroy_qp(receivers[i]), 0);
	}
	CHECK_EQUAL(ibv_destroy_srq(srq), 0);
	CHECK_EQUAL(ibv_destroy_cq(recv_cq), 0);
	end_world(&world);
	SHOWS(IBV_SRQT_BASIC);
}
