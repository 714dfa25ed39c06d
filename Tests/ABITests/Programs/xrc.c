/* Extended reliable connections: domains, their shared receive queues, initiators and targets. See ibv_open_xrcd(3). */
#include "xrc.h"

CASE(domains_are_opened_and_closed)
{
	struct world world = make_world();
	int fd = memfd_create("domain", MFD_CLOEXEC), other = dup(fd);
	struct ibv_xrcd_init_attr attr = {.comp_mask = IBV_XRCD_INIT_ATTR_FD, .fd = -1, .oflags = O_CREAT};

	CHECK_NULL(ibv_open_xrcd(world.context, &attr), EINVAL);
	attr.comp_mask = 1 << 7;
	CHECK_NULL(ibv_open_xrcd(world.context, &attr), EOPNOTSUPP);
	CHECK_NULL(try_open(&world, -1, 0), EINVAL);
	CHECK_NULL(try_open(&world, 12345, O_CREAT), EBADF);
	CHECK_NULL(try_open(&world, fd, 0), EAGAIN);
	struct ibv_xrcd *first = try_open(&world, fd, O_CREAT | O_EXCL);
	CHECK(first != NULL);
	CHECK(first->context == world.context);
	/* The same file by another descriptor. */
	CHECK_NULL(try_open(&world, other, O_CREAT | O_EXCL), EINVAL);
	struct ibv_xrcd *second = try_open(&world, other, 0);
	CHECK(second != NULL);
	CHECK_EQUAL(ibv_close_xrcd(first), 0);
	struct ibv_xrcd *third = try_open(&world, fd, O_CREAT);
	CHECK(third != NULL);
	CHECK_EQUAL(ibv_close_xrcd(second), 0);
	CHECK_EQUAL(ibv_close_xrcd(third), 0);
	CHECK_NULL(try_open(&world, fd, 0), EAGAIN);
	end_world(&world);
	SHOWS(ibv_open_xrcd, ibv_close_xrcd);
}

CASE(creation_refuses_what_it_must)
{
	struct world world = make_world();
	struct ibv_xrcd *xrcd = try_open(&world, -1, O_CREAT);
	struct ibv_qp_init_attr_ex init = {.qp_type = IBV_QPT_XRC_RECV, .comp_mask = IBV_QP_INIT_ATTR_PD, .pd = world.pd};
	struct ibv_srq_init_attr_ex queue = {
		.attr = {.max_wr = 16, .max_sge = 2},
		.comp_mask = IBV_SRQ_INIT_ATTR_TYPE | IBV_SRQ_INIT_ATTR_PD | IBV_SRQ_INIT_ATTR_XRCD,
		.srq_type = IBV_SRQT_XRC,
		.pd = world.pd,
		.xrcd = xrcd,
	};
	struct ibv_device_attr attr;

	CHECK_EQUAL(ibv_query_device(world.context, &attr), 0);
	CHECK(attr.device_cap_flags & IBV_DEVICE_XRC);
	init.send_cq = init.recv_cq = world.cq;
	CHECK_NULL(ibv_create_qp_ex(world.context, &init), EINVAL);
	CHECK_NULL(ibv_create_srq_ex(world.context, &queue), EINVAL);
	queue.comp_mask |= IBV_SRQ_INIT_ATTR_CQ;
	CHECK_NULL(ibv_create_srq_ex(world.context, &queue), EINVAL);
	/* Nothing is received on an initiator, nor sent on a target. */
	struct ibv_qp *initiator = make_initiator(&world), *target = make_target(&world, xrcd);
	struct ibv_sge sge = piece(&world, 0, 8);
	struct ibv_send_wr wr = request(1, IBV_WR_SEND, &sge);
	CHECK_EQUAL(try_recv(initiator, 1, &sge, 1), EINVAL);
	connect_half(&world, target, initiator->qp_num);
	CHECK_EQUAL(try_send(target, &wr), EINVAL);
	CHECK_EQUAL(try_recv(target, 1, &sge, 1), EINVAL);
	CHECK_EQUAL(ibv_destroy_qp(initiator), 0);
	CHECK_EQUAL(ibv_destroy_qp(target), 0);
	CHECK_EQUAL(ibv_close_xrcd(xrcd), 0);
	end_world(&world);
}

/* Linux passes over what only the other half of a connection needs, and perftest names it for both. */
CASE(a_half_takes_the_attributes_of_the_other)
{
	struct world world = make_world();
	struct ibv_xrcd *xrcd = try_open(&world, -1, O_CREAT);
	struct ibv_qp *initiator = make_initiator(&world), *target = make_target(&world, xrcd);

	connect_naming(&world, initiator, target->qp_num, TARGET_ATTRIBUTES | INITIATOR_ATTRIBUTES);
	connect_naming(&world, target, initiator->qp_num, TARGET_ATTRIBUTES | INITIATOR_ATTRIBUTES);
	CHECK_EQUAL(ibv_destroy_qp(initiator), 0);
	CHECK_EQUAL(ibv_destroy_qp(target), 0);
	CHECK_EQUAL(ibv_close_xrcd(xrcd), 0);
	end_world(&world);
}

CASE(each_message_goes_to_the_queue_that_it_names)
{
	struct extended x = make_extended();

	for (int i = 0; i < 20; i++) {
		int which = i % 3 == 0;
		uint32_t length = 1 + i * 300;
		struct ibv_sge sge = piece(&x.world, 0, length);
		struct ibv_send_wr wr = to_queue(x.number[which], request(i, IBV_WR_SEND_WITH_IMM, &sge));

		memset(x.world.buffer, 'a' + i, length);
		wr.imm_data = htonl(i);
		post_to(x.srq[which], 100 + i, piece(&x.world, HALF, length));
		CHECK_EQUAL(try_send(x.initiator, &wr), 0);
		struct ibv_wc wc = next_completion(x.cq[which]);
		CHECK_EQUAL(wc.status, IBV_WC_SUCCESS);
		CHECK_EQUAL(wc.wr_id, 100 + i);
		CHECK_EQUAL(wc.byte_len, length);
		CHECK_EQUAL(wc.imm_data, htonl(i));
		CHECK_EQUAL(wc.qp_num, x.target->qp_num);
		CHECK_EQUAL(wc.src_qp, x.initiator->qp_num);
		CHECK(memcmp(x.world.buffer, x.world.buffer + HALF, length) == 0);
		EXPECT_COMPLETION(x.world.cq, i, IBV_WC_SUCCESS);
		expect_empty(x.cq[!which]);
	}
	end_extended(&x);
	SHOWS(IBV_QPT_XRC_SEND, IBV_QPT_XRC_RECV, IBV_SRQT_XRC, ibv_create_srq_ex, ibv_get_srq_num);
}

CASE(one_sided_operations)
{
	struct extended x = make_extended();
	struct world *world = &x.world;
	struct ibv_sge sge = piece(world, 0, 5000), small = piece(world, 8192, 8);
	uint64_t there = (uintptr_t)world->buffer + HALF;
	uint32_t rkey = world->mr->rkey;
	struct ibv_send_wr wr = to_queue(x.number[0], remote_request(1, IBV_WR_RDMA_WRITE, &sge, there, rkey));

	memset(world->buffer, 'w', 5000);
	CHECK_EQUAL(try_send(x.initiator, &wr), 0);
	EXPECT_COMPLETION(world->cq, 1, IBV_WC_SUCCESS);
	CHECK(memcmp(world->buffer, world->buffer + HALF, 5000) == 0);
	memset(world->buffer, 0, 5000);
	wr = to_queue(x.number[1], remote_request(2, IBV_WR_RDMA_READ, &sge, there, rkey));
	CHECK_EQUAL(try_send(x.initiator, &wr), 0);
	EXPECT_COMPLETION(world->cq, 2, IBV_WC_SUCCESS);
	CHECK(memcmp(world->buffer, world->buffer + HALF, 5000) == 0);
	wr = to_queue(x.number[1], remote_request(3, IBV_WR_RDMA_WRITE_WITH_IMM, &sge, there, rkey));
	post_to(x.srq[1], 9, piece(world, 0, 0));
	CHECK_EQUAL(try_send(x.initiator, &wr), 0);
	EXPECT_COMPLETION(world->cq, 3, IBV_WC_SUCCESS);
	EXPECT_COMPLETION(x.cq[1], 9, IBV_WC_SUCCESS);
	*(uint64_t *)(world->buffer + HALF) = 10;
	wr = to_queue(x.number[0], request(4, IBV_WR_ATOMIC_FETCH_AND_ADD, &small));
	wr.wr.atomic.remote_addr = there;
	wr.wr.atomic.rkey = rkey;
	wr.wr.atomic.compare_add = 5;
	CHECK_EQUAL(try_send(x.initiator, &wr), 0);
	EXPECT_COMPLETION(world->cq, 4, IBV_WC_SUCCESS);
	CHECK_EQUAL(*(uint64_t *)(world->buffer + 8192), 10);
	CHECK_EQUAL(*(uint64_t *)(world->buffer + HALF), 15);
	end_extended(&x);
}

CASE(extended_face_names_the_queue)
{
	struct extended x = make_extended();
	struct ibv_qp_init_attr_ex init = {
		.qp_type = IBV_QPT_XRC_SEND,
		.send_cq = x.world.cq,
		.cap = {.max_send_wr = 8, .max_send_sge = 1},
		.comp_mask = IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_SEND_OPS_FLAGS,
		.pd = x.world.pd,
		.send_ops_flags = IBV_QP_EX_WITH_SEND,
	};
	struct ibv_qp *initiator = ibv_create_qp_ex(x.world.context, &init), *target = make_target(&x.world, x.xrcd);
	CHECK(initiator != NULL);
	struct ibv_qp_ex *ex = ibv_qp_to_qp_ex(initiator);

	connect_half(&x.world, initiator, target->qp_num);
	connect_half(&x.world, target, initiator->qp_num);
	post_to(x.srq[1], 7, piece(&x.world, HALF, 64));
	ibv_wr_start(ex);
	ex->wr_id = 3;
	ex->wr_flags = IBV_SEND_SIGNALED;
	ibv_wr_send(ex);
	ibv_wr_set_xrc_srqn(ex, x.number[1]);
	ibv_wr_set_sge(ex, x.world.mr->lkey, (uintptr_t)x.world.buffer, 64);
	CHECK_EQUAL(ibv_wr_complete(ex), 0);
	EXPECT_COMPLETION(x.world.cq, 3, IBV_WC_SUCCESS);
	EXPECT_COMPLETION(x.cq[1], 7, IBV_WC_SUCCESS);
	CHECK_EQUAL(ibv_destroy_qp(initiator), 0);
	CHECK_EQUAL(ibv_destroy_qp(target), 0);
	end_extended(&x);
	SHOWS(ibv_wr_set_xrc_srqn);
}

CASE(a_queue_that_is_not_there_is_an_invalid_request)
{
	struct extended x = make_extended();
	struct ibv_sge sge = piece(&x.world, 0, 8);
	struct ibv_send_wr wr = to_queue(x.number[0] ^ 0x155, request(1, IBV_WR_SEND, &sge));

	CHECK_EQUAL(try_send(x.initiator, &wr), 0);
	EXPECT_COMPLETION(x.world.cq, 1, IBV_WC_REM_INV_REQ_ERR);
	end_extended(&x);
}

CASE(a_queue_of_another_domain_is_an_invalid_request)
{
	struct extended x = make_extended();
	struct ibv_xrcd *other = try_open(&x.world, -1, O_CREAT);
	struct ibv_srq *srq = make_queue(&x.world, other, x.cq[0], x.world.pd);
	struct ibv_sge sge = piece(&x.world, 0, 8);
	struct ibv_send_wr wr = to_queue(number_of(srq), request(1, IBV_WR_SEND, &sge));

	post_to(srq, 1, piece(&x.world, HALF, 64));
	CHECK_EQUAL(try_send(x.initiator, &wr), 0);
	EXPECT_COMPLETION(x.world.cq, 1, IBV_WC_REM_INV_REQ_ERR);
	expect_empty(x.cq[0]);
	CHECK_EQUAL(ibv_destroy_srq(srq), 0);
	CHECK_EQUAL(ibv_close_xrcd(other), 0);
	end_extended(&x);
}

/* What a request may touch is said by the protection domain of the queue that it names. */
CASE(the_queue_brings_the_protection_domain)
{
	struct extended x = make_extended();
	struct ibv_pd *pd = ibv_alloc_pd(x.world.context);
	struct ibv_srq *srq = make_queue(&x.world, x.xrcd, x.cq[0], pd);
	struct ibv_sge sge = piece(&x.world, 0, 8);
	struct ibv_send_wr wr = to_queue(
		number_of(srq),
		remote_request(1, IBV_WR_RDMA_WRITE, &sge, (uintptr_t)x.world.buffer + HALF, x.world.mr->rkey));

	CHECK_EQUAL(try_send(x.initiator, &wr), 0);
	EXPECT_COMPLETION(x.world.cq, 1, IBV_WC_REM_ACCESS_ERR);
	CHECK_EQUAL(ibv_destroy_srq(srq), 0);
	CHECK_EQUAL(ibv_dealloc_pd(pd), 0);
	end_extended(&x);
}

CASE(no_receive_request_is_waited_for)
{
	struct extended x = make_extended();
	struct ibv_sge sge = piece(&x.world, 0, 8);
	struct ibv_send_wr wr = to_queue(x.number[0], request(1, IBV_WR_SEND, &sge));

	CHECK_EQUAL(try_send(x.initiator, &wr), 0);
	usleep(5000);
	expect_empty(x.world.cq);
	post_to(x.srq[0], 2, piece(&x.world, HALF, 64));
	EXPECT_COMPLETION(x.world.cq, 1, IBV_WC_SUCCESS);
	EXPECT_COMPLETION(x.cq[0], 2, IBV_WC_SUCCESS);
	end_extended(&x);
}

CASE(a_target_is_opened_by_its_number)
{
	struct extended x = make_extended();
	struct ibv_qp_open_attr attr = {
		.comp_mask = IBV_QP_OPEN_ATTR_NUM | IBV_QP_OPEN_ATTR_XRCD | IBV_QP_OPEN_ATTR_TYPE | IBV_QP_OPEN_ATTR_CONTEXT,
		.qp_num = x.target->qp_num,
		.xrcd = x.xrcd,
		.qp_context = &x,
		.qp_type = IBV_QPT_XRC_RECV,
	};
	struct ibv_sge sge = piece(&x.world, 0, 8);
	struct ibv_send_wr wr = to_queue(x.number[0], request(1, IBV_WR_SEND, &sge));
	struct ibv_qp *again = ibv_open_qp(x.world.context, &attr);

	CHECK(again != NULL && again != x.target);
	CHECK_EQUAL(again->qp_num, x.target->qp_num);
	CHECK(again->qp_context == &x);
	CHECK_EQUAL(state_of(again), IBV_QPS_RTS);
	attr.qp_num ^= 0x20;
	CHECK_NULL(ibv_open_qp(x.world.context, &attr), EINVAL);
	attr.qp_num = x.initiator->qp_num;
	CHECK_NULL(ibv_open_qp(x.world.context, &attr), EINVAL);
	attr.qp_num = x.target->qp_num;
	attr.comp_mask = IBV_QP_OPEN_ATTR_NUM;
	CHECK_NULL(ibv_open_qp(x.world.context, &attr), EINVAL);
	/* The first goes, and the connection works on. */
	CHECK_EQUAL(ibv_destroy_qp(x.target), 0);
	x.target = again;
	post_to(x.srq[0], 2, piece(&x.world, HALF, 64));
	CHECK_EQUAL(try_send(x.initiator, &wr), 0);
	EXPECT_COMPLETION(x.world.cq, 1, IBV_WC_SUCCESS);
	EXPECT_COMPLETION(x.cq[0], 2, IBV_WC_SUCCESS);
	end_extended(&x);
	SHOWS(ibv_open_qp);
}

/* A queue is destroyed while a message for it is on its way. */
CASE(a_queue_goes_in_the_middle)
{
	struct extended x = make_extended();
	struct ibv_sge sge = piece(&x.world, 0, HALF);
	struct ibv_send_wr wr = to_queue(x.number[0], request(1, IBV_WR_SEND, &sge));

	for (int i = 0; i < 8; i++)
		post_to(x.srq[0], i, piece(&x.world, HALF, HALF));
	for (int i = 0; i < 8; i++)
		CHECK_EQUAL(try_send(x.initiator, &wr), 0);
	CHECK_EQUAL(ibv_destroy_srq(x.srq[0]), 0);
	struct ibv_wc wc;
	do
		wc = next_completion(x.world.cq);
	while (wc.status == IBV_WC_SUCCESS);
	/* Between two messages there is no such queue; in the middle of one the receiver cannot go on. */
	CHECK(wc.status == IBV_WC_REM_INV_REQ_ERR || wc.status == IBV_WC_REM_OP_ERR);
	x.srq[0] = make_queue(&x.world, x.xrcd, x.cq[0], x.world.pd);
	end_extended(&x);
}
