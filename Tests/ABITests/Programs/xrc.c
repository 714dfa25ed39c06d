/* Extended reliable connections: domains, their shared receive queues, initiators and targets. See ibv_open_xrcd(3). */
#include "check.h"

#include <signal.h>
#include <sys/wait.h>

#define HALF (BUFFER_SIZE / 2)

static struct ibv_xrcd *try_open(struct world *world, int fd, int oflags)
{
	struct ibv_xrcd_init_attr attr = {
		.comp_mask = IBV_XRCD_INIT_ATTR_FD | IBV_XRCD_INIT_ATTR_OFLAGS, .fd = fd, .oflags = oflags};

	return ibv_open_xrcd(world->context, &attr);
}

static struct ibv_srq *make_queue(struct world *world, struct ibv_xrcd *xrcd, struct ibv_cq *cq, struct ibv_pd *pd)
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

static uint32_t number_of(struct ibv_srq *srq)
{
	uint32_t number = 0;

	CHECK_EQUAL(ibv_get_srq_num(srq, &number), 0);
	CHECK(number > 0 && number < 0xFFFFFF);
	return number;
}

static struct ibv_qp *make_target(struct world *world, struct ibv_xrcd *xrcd)
{
	struct ibv_qp_init_attr_ex init = {
		.qp_type = IBV_QPT_XRC_RECV, .comp_mask = IBV_QP_INIT_ATTR_XRCD, .xrcd = xrcd};
	struct ibv_qp *qp = ibv_create_qp_ex(world->context, &init);

	CHECK(qp != NULL);
	return qp;
}

static struct ibv_qp *make_initiator(struct world *world)
{
	struct ibv_qp_init_attr init = {
		.qp_type = IBV_QPT_XRC_SEND, .send_cq = world->cq, .cap = {.max_send_wr = 32, .max_send_sge = 2}};
	struct ibv_qp *qp = ibv_create_qp(world->pd, &init);

	CHECK(qp != NULL);
	return qp;
}

/* The transitions of check.h, with the attributes that these halves need. */
static void connect_half(struct world *world, struct ibv_qp *qp, uint32_t peer)
{
	int is_target = qp->qp_type == IBV_QPT_XRC_RECV;
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
				    (is_target ? IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER : 0)),
		0);
	attr = (struct ibv_qp_attr){
		.qp_state = IBV_QPS_RTS, .sq_psn = 100, .timeout = 14, .retry_cnt = 7, .rnr_retry = 7, .max_rd_atomic = 4};
	CHECK_EQUAL(ibv_modify_qp(qp, &attr,
			    IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_SQ_PSN |
				    (is_target ? 0 : IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY | IBV_QP_MAX_QP_RD_ATOMIC)),
		0);
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

static struct extended make_extended(void)
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

static void end_extended(struct extended *x)
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

static void post_to(struct ibv_srq *srq, uint64_t id, struct ibv_sge sge)
{
	struct ibv_recv_wr wr = {.wr_id = id, .sg_list = &sge, .num_sge = 1}, *bad;

	CHECK_EQUAL(ibv_post_srq_recv(srq, &wr, &bad), 0);
}

static struct ibv_send_wr to_queue(uint32_t number, struct ibv_send_wr wr)
{
	wr.qp_type.xrc.remote_srqn = number;
	return wr;
}

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

/* Another process sees whether a domain is there, also when its owner was killed. */
CASE(domains_are_known_to_other_processes)
{
	char path[] = "/tmp/xrc-test-XXXXXX";
	int fd = mkstemp(path), ready[2], done[2];
	char byte = 0;

	CHECK(fd >= 0 && pipe(ready) == 0 && pipe(done) == 0);
	pid_t child = fork();
	if (child == 0) {
		struct world world = make_world();
		CHECK(try_open(&world, fd, O_CREAT) != NULL);
		CHECK_EQUAL(write(ready[1], &byte, 1), 1);
		CHECK_EQUAL(read(done[0], &byte, 1), 1);
		_exit(0);
	}
	CHECK_EQUAL(read(ready[0], &byte, 1), 1);
	struct world world = make_world();
	CHECK_NULL(try_open(&world, fd, O_CREAT | O_EXCL), EINVAL);
	struct ibv_xrcd *xrcd = try_open(&world, fd, 0);
	CHECK(xrcd != NULL);
	CHECK_EQUAL(ibv_close_xrcd(xrcd), 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	CHECK_NULL(try_open(&world, fd, 0), EAGAIN);
	xrcd = try_open(&world, fd, O_CREAT | O_EXCL);
	CHECK(xrcd != NULL);
	CHECK_EQUAL(ibv_close_xrcd(xrcd), 0);
	unlink(path);
	end_world(&world);
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
