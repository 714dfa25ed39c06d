/* What a connection takes at most: messages of 2 GiB, READs under way, a drained queue, as many queue pairs as there are. */
#include "check.h"

#define HALF (BUFFER_SIZE / 2)

static void change(struct ibv_qp *qp, struct ibv_qp_attr attr, int mask)
{
	CHECK_EQUAL(ibv_modify_qp(qp, &attr, mask), 0);
}

static void post_reads(struct pair *pair, int count)
{
	for (int i = 0; i < count; i++) {
		struct ibv_sge sge = piece(&pair->world, 64 * i, 64);
		struct ibv_send_wr wr = remote_request(
			i, IBV_WR_RDMA_READ, &sge, (uintptr_t)pair->world.buffer + HALF + 64 * i, pair->world.mr->rkey);

		CHECK_EQUAL(try_send(pair->a, &wr), 0);
	}
}

CASE(more_reads_than_may_be_under_way)
{
	struct pair pair = make_pair(IBV_QPT_RC);

	memset(pair.world.buffer + HALF, 'r', HALF);
	post_reads(&pair, 60);
	for (int i = 0; i < 60; i++)
		EXPECT_COMPLETION(pair.world.cq, i, IBV_WC_SUCCESS);
	for (int i = 0; i < 60 * 64; i++)
		CHECK(pair.world.buffer[i] == 'r');
	end_pair(&pair);
	SHOWS(IBV_QP_MAX_QP_RD_ATOMIC);
}

/* The responder is made for one READ, then for sixteen; the requester uses them all. */
CASE(responder_takes_more_reads_after_draining)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct ibv_qp_attr drained = {.qp_state = IBV_QPS_SQD}, running = {.qp_state = IBV_QPS_RTS};
	struct ibv_qp_attr more = {.max_dest_rd_atomic = 16, .max_rd_atomic = 16}, now;
	struct ibv_qp_init_attr init;

	change(pair.a, drained, IBV_QP_STATE);
	change(pair.b, drained, IBV_QP_STATE);
	change(pair.b, more, IBV_QP_MAX_DEST_RD_ATOMIC);
	change(pair.a, more, IBV_QP_MAX_QP_RD_ATOMIC);
	change(pair.a, running, IBV_QP_STATE);
	change(pair.b, running, IBV_QP_STATE);
	CHECK_EQUAL(ibv_query_qp(pair.b, &now, IBV_QP_MAX_DEST_RD_ATOMIC, &init), 0);
	CHECK_EQUAL(now.max_dest_rd_atomic, 16);
	for (int round = 0; round < 10; round++) {
		post_reads(&pair, 60);
		for (int i = 0; i < 60; i++)
			EXPECT_COMPLETION(pair.world.cq, i, IBV_WC_SUCCESS);
	}
	end_pair(&pair);
	SHOWS(IBV_QP_MAX_DEST_RD_ATOMIC, IBV_QPS_SQD);
}

CASE(no_reads_may_be_under_way)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct ibv_qp_attr drained = {.qp_state = IBV_QPS_SQD}, none = {.max_rd_atomic = 0};
	struct ibv_qp_attr running = {.qp_state = IBV_QPS_RTS};

	change(pair.a, drained, IBV_QP_STATE);
	change(pair.a, none, IBV_QP_MAX_QP_RD_ATOMIC);
	change(pair.a, running, IBV_QP_STATE);
	post_reads(&pair, 1);
	EXPECT_COMPLETION(pair.world.cq, 0, IBV_WC_LOC_QP_OP_ERR);
	end_pair(&pair);
	SHOWS(IBV_WC_LOC_QP_OP_ERR);
}

CASE(fenced_request_waits_for_reads)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct world *world = &pair.world;
	volatile uint64_t *there = (uint64_t *)(world->buffer + HALF), *copied = there + 8;

	for (uint64_t round = 1; round <= 200; round++) {
		struct ibv_sge sge = piece(world, 0, 8);
		struct ibv_send_wr read =
			remote_request(1, IBV_WR_RDMA_READ, &sge, (uintptr_t)there, world->mr->rkey);
		struct ibv_send_wr write =
			remote_request(2, IBV_WR_RDMA_WRITE, &sge, (uintptr_t)copied, world->mr->rkey);

		*there = round;
		*(uint64_t *)world->buffer = 0;
		write.send_flags |= IBV_SEND_FENCE;
		read.next = &write;
		CHECK_EQUAL(try_send(pair.a, &read), 0);
		EXPECT_COMPLETION(world->cq, 1, IBV_WC_SUCCESS);
		EXPECT_COMPLETION(world->cq, 2, IBV_WC_SUCCESS);
		CHECK_EQUAL(*copied, round);
	}
	end_pair(&pair);
	SHOWS(IBV_SEND_FENCE);
}

CASE(drained_queue_says_so_and_goes_on)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct world *world = &pair.world;
	struct ibv_sge sge = piece(world, 0, HALF);
	struct ibv_send_wr wr =
		remote_request(1, IBV_WR_RDMA_WRITE, &sge, (uintptr_t)world->buffer + HALF, world->mr->rkey);
	struct ibv_qp_attr drained = {.qp_state = IBV_QPS_SQD, .en_sqd_async_notify = 1};
	struct ibv_qp_attr running = {.qp_state = IBV_QPS_RTS};
	struct pollfd entry = {.fd = world->context->async_fd, .events = POLLIN};
	struct ibv_async_event event;

	CHECK_EQUAL(try_send(pair.a, &wr), 0);
	change(pair.a, drained, IBV_QP_STATE | IBV_QP_EN_SQD_ASYNC_NOTIFY);
	wr.wr_id = 2;
	CHECK_EQUAL(try_send(pair.a, &wr), 0);
	/* What had begun ends, and nothing else begins. */
	EXPECT_COMPLETION(world->cq, 1, IBV_WC_SUCCESS);
	CHECK_EQUAL(poll(&entry, 1, PATIENCE_SECONDS * 1000), 1);
	CHECK_EQUAL(ibv_get_async_event(world->context, &event), 0);
	CHECK_EQUAL(event.event_type, IBV_EVENT_SQ_DRAINED);
	CHECK(event.element.qp == pair.a);
	ibv_ack_async_event(&event);
	expect_empty(world->cq);
	CHECK_EQUAL(state_of(pair.a), IBV_QPS_SQD);
	change(pair.a, running, IBV_QP_STATE);
	EXPECT_COMPLETION(world->cq, 2, IBV_WC_SUCCESS);
	end_pair(&pair);
	SHOWS(IBV_EVENT_SQ_DRAINED, IBV_QP_EN_SQD_ASYNC_NOTIFY);
}

#define WINDOW (64UL << 20)
#define LONGEST (2UL << 30)

/* LONGEST bytes of addresses that show the same WINDOW bytes again and again. */
static char *map_windows(char fill)
{
	int fd = memfd_create("window", MFD_CLOEXEC);
	char *base = mmap(NULL, LONGEST, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(fd >= 0 && base != MAP_FAILED);
	CHECK_EQUAL(ftruncate(fd, WINDOW), 0);
	for (size_t offset = 0; offset < LONGEST; offset += WINDOW)
		CHECK(mmap(base + offset, WINDOW, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED);
	for (size_t i = 0; i < WINDOW; i++)
		base[i] = fill ? fill : (char)(i * 31 + (i >> 12));
	close(fd);
	return base;
}

CASE(longest_message)
{
	struct path path = usual_path;

	path.mtu = IBV_MTU_4096;
	struct pair pair = make_pair_over(IBV_QPT_RC, &path);
	char *from = map_windows(0), *to = map_windows('x');
	struct ibv_mr *from_mr = ibv_reg_mr(pair.world.pd, from, LONGEST, IBV_ACCESS_LOCAL_WRITE);
	struct ibv_mr *to_mr = ibv_reg_mr(pair.world.pd, to, LONGEST, ALL_ACCESS);
	CHECK(from_mr != NULL && to_mr != NULL);
	struct ibv_sge out = {(uintptr_t)from, LONGEST, from_mr->lkey}, in = {(uintptr_t)to, LONGEST, to_mr->lkey};
	struct ibv_send_wr wr = request(7, IBV_WR_SEND, &out);
	struct ibv_port_attr port;

	CHECK_EQUAL(ibv_query_port(pair.world.context, PORT, &port), 0);
	CHECK_EQUAL(port.max_msg_sz, LONGEST);
	post_recv(pair.b, 1, in);
	CHECK_EQUAL(try_send(pair.a, &wr), 0);
	EXPECT_COMPLETION(pair.world.cq, 7, IBV_WC_SUCCESS);
	struct ibv_wc wc = next_completion(pair.b_cq);
	CHECK_EQUAL(wc.status, IBV_WC_SUCCESS);
	CHECK_EQUAL(wc.byte_len, LONGEST);
	CHECK(memcmp(from, to, WINDOW) == 0);
	memset(to, 'x', WINDOW);
	struct ibv_send_wr write =
		remote_request(8, IBV_WR_RDMA_WRITE_WITH_IMM, &out, (uintptr_t)to, to_mr->rkey);
	CHECK_EQUAL(try_recv(pair.b, 2, NULL, 0), 0);
	CHECK_EQUAL(try_send(pair.a, &write), 0);
	EXPECT_COMPLETION(pair.world.cq, 8, IBV_WC_SUCCESS);
	wc = next_completion(pair.b_cq);
	CHECK_EQUAL(wc.status, IBV_WC_SUCCESS);
	CHECK_EQUAL(wc.byte_len, LONGEST);
	CHECK(memcmp(from, to, WINDOW) == 0);
	memset(to, 'y', WINDOW);
	struct ibv_send_wr read = remote_request(9, IBV_WR_RDMA_READ, &out, (uintptr_t)to, to_mr->rkey);
	CHECK_EQUAL(try_send(pair.a, &read), 0);
	wc = next_completion(pair.world.cq);
	CHECK_EQUAL(wc.status, IBV_WC_SUCCESS);
	CHECK_EQUAL(wc.byte_len, LONGEST);
	for (size_t i = 0; i < WINDOW; i++)
		CHECK(from[i] == 'y');
	/* One byte more is too long. */
	struct ibv_sge list[2] = {out, piece(&pair.world, 0, 1)};
	wr.sg_list = list;
	wr.num_sge = 2;
	CHECK_EQUAL(try_send(pair.a, &wr), 0);
	EXPECT_COMPLETION(pair.world.cq, 7, IBV_WC_LOC_LEN_ERR);
	CHECK_EQUAL(ibv_dereg_mr(from_mr), 0);
	CHECK_EQUAL(ibv_dereg_mr(to_mr), 0);
	end_pair(&pair);
	SHOWS(IBV_WC_LOC_LEN_ERR);
}

CASE(as_many_queue_pairs_as_the_device_says)
{
	struct world world = make_world();
	struct ibv_qp_init_attr init = qp_init(&world, IBV_QPT_RC);
	struct ibv_device_attr attr;

	CHECK_EQUAL(ibv_query_device(world.context, &attr), 0);
	struct ibv_qp **qps = calloc(attr.max_qp, sizeof *qps);
	init.cap = (struct ibv_qp_cap){.max_send_wr = 1, .max_recv_wr = 1, .max_send_sge = 1, .max_recv_sge = 1};
	for (int i = 0; i < attr.max_qp; i++) {
		qps[i] = ibv_create_qp(world.pd, &init);
		CHECK(qps[i] != NULL);
	}
	/* A few more may be had; then there is an error, and one that goes makes room for another. */
	struct ibv_qp *extra[64];
	int count = 0;
	while (count < 64 && (extra[count] = ibv_create_qp(world.pd, &init)) != NULL)
		count++;
	CHECK(count < 64);
	CHECK_EQUAL(errno, ENOMEM);
	CHECK_EQUAL(ibv_destroy_qp(qps[0]), 0);
	qps[0] = ibv_create_qp(world.pd, &init);
	CHECK(qps[0] != NULL);
	for (int i = 0; i < attr.max_qp; i++)
		CHECK_EQUAL(ibv_destroy_qp(qps[i]), 0);
	for (int i = 0; i < count; i++)
		CHECK_EQUAL(ibv_destroy_qp(extra[i]), 0);
	free(qps);
	end_world(&world);
}

/* A connection to itself does all that one to another does. */
CASE(queue_pair_talks_to_itself)
{
	struct world world = make_world();
	struct ibv_qp *qp = make_qp(&world, IBV_QPT_RC);
	struct ibv_sge sge = piece(&world, 0, 5000), small = piece(&world, 8192, 8);
	uint64_t there = (uintptr_t)world.buffer + HALF;

	connect_to(&world, qp, qp->qp_num, &usual_path);
	memset(world.buffer, 's', 5000);
	post_recv(qp, 9, piece(&world, HALF, 5000));
	struct ibv_send_wr send = request(1, IBV_WR_SEND, &sge);
	CHECK_EQUAL(try_send(qp, &send), 0);
	struct ibv_wc first = next_completion(world.cq), second = next_completion(world.cq);
	CHECK_EQUAL(first.status, IBV_WC_SUCCESS);
	CHECK_EQUAL(second.status, IBV_WC_SUCCESS);
	CHECK_EQUAL(first.wr_id + second.wr_id, 10);
	CHECK(memcmp(world.buffer, world.buffer + HALF, 5000) == 0);
	*(uint64_t *)(world.buffer + HALF) = 40;
	struct ibv_send_wr add = request(2, IBV_WR_ATOMIC_FETCH_AND_ADD, &small);
	add.wr.atomic.remote_addr = there;
	add.wr.atomic.rkey = world.mr->rkey;
	add.wr.atomic.compare_add = 2;
	CHECK_EQUAL(try_send(qp, &add), 0);
	EXPECT_COMPLETION(world.cq, 2, IBV_WC_SUCCESS);
	CHECK_EQUAL(*(uint64_t *)(world.buffer + 8192), 40);
	CHECK_EQUAL(*(uint64_t *)(world.buffer + HALF), 42);
	CHECK_EQUAL(ibv_destroy_qp(qp), 0);
	end_world(&world);
}
