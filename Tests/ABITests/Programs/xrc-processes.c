/* Extended connections between processes that have a domain open by the same file. */
#include "xrc.h"

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

/* What the owner of a queue tells whoever sends to it. */
struct queue_card {
	uint32_t number, rkey;
	uint64_t address;
};

/* The process that owns a shared receive queue of the domain: it sleeps until a message is there. It has no queue pair. */
static void own_queue(int fd, int to, int from)
{
	struct world world = make_world();
	struct ibv_xrcd *xrcd = try_open(&world, fd, O_CREAT);
	struct ibv_comp_channel *channel = ibv_create_comp_channel(world.context);
	struct ibv_cq *cq = ibv_create_cq(world.context, 16, NULL, channel, 0), *event_cq;
	struct ibv_srq *srq = make_queue(&world, xrcd, cq, world.pd);
	struct ibv_sge sge = piece(&world, 0, 20000);
	struct ibv_recv_wr wr = {.wr_id = 40, .sg_list = &sge, .num_sge = 1}, *bad;
	struct queue_card card = {number_of(srq), world.mr->rkey, (uintptr_t)world.buffer + HALF};
	struct ibv_wc wc;
	void *tag;
	char byte = 0;

	*(uint64_t *)(world.buffer + HALF + 64) = 7;
	CHECK_EQUAL(ibv_req_notify_cq(cq, 0), 0);
	CHECK_EQUAL(ibv_post_srq_recv(srq, &wr, &bad), 0);
	CHECK_EQUAL(write(to, &card, sizeof card), sizeof card);
	CHECK_EQUAL(ibv_get_cq_event(channel, &event_cq, &tag), 0);
	ibv_ack_cq_events(cq, 1);
	wc = next_completion(cq);
	CHECK_EQUAL(wc.status, IBV_WC_SUCCESS);
	CHECK_EQUAL(wc.wr_id, 40);
	CHECK_EQUAL(wc.opcode, IBV_WC_RECV);
	CHECK_EQUAL(wc.byte_len, 10000);
	for (int i = 0; i < 10000; i++)
		CHECK_EQUAL((unsigned char)world.buffer[i], (unsigned char)(i * 7));
	CHECK_EQUAL(write(to, &byte, 1), 1);
	/* Until the one-sided requests are done. */
	CHECK_EQUAL(read(from, &byte, 1), 1);
	CHECK_EQUAL(memcmp(world.buffer + HALF, "written", 7), 0);
	CHECK_EQUAL(*(uint64_t *)(world.buffer + HALF + 64), 12);
	CHECK_EQUAL(ibv_destroy_srq(srq), 0);
	CHECK_EQUAL(ibv_destroy_cq(cq), 0);
	CHECK_EQUAL(ibv_destroy_comp_channel(channel), 0);
	CHECK_EQUAL(ibv_close_xrcd(xrcd), 0);
	end_world(&world);
	CHECK_EQUAL(write(to, &byte, 1), 1);
	exit(0);
}

static enum ibv_wc_status ask(struct world *world, struct ibv_qp *qp, struct ibv_send_wr wr, uint32_t number)
{
	wr.qp_type.xrc.remote_srqn = number;
	CHECK_EQUAL(try_send(qp, &wr), 0);
	return next_completion(world->cq).status;
}

/* A message comes to a target of this process and is for a queue of another: its memory, its completion, its event. */
CASE(a_target_serves_the_queue_of_another_process)
{
	char path[] = "/tmp/xrc-test-XXXXXX", byte = 0;
	int fd = mkstemp(path), from[2], to[2], status;
	struct queue_card card;

	CHECK(fd >= 0 && pipe(from) == 0 && pipe(to) == 0);
	pid_t child = fork();
	if (child == 0)
		own_queue(fd, from[1], to[0]);
	close(from[1]);
	struct world world = make_world();
	struct ibv_xrcd *xrcd = try_open(&world, fd, O_CREAT);
	struct ibv_qp *initiator = make_initiator(&world), *target = make_target(&world, xrcd);
	struct ibv_sge sge = piece(&world, 0, 10000), word = piece(&world, 20000, 8), answer = piece(&world, 20008, 7);
	struct ibv_send_wr add;

	connect_half(&world, initiator, target->qp_num);
	connect_half(&world, target, initiator->qp_num);
	CHECK_EQUAL(read(from[0], &card, sizeof card), sizeof card);
	for (int i = 0; i < 10000; i++)
		world.buffer[i] = i * 7;
	CHECK_EQUAL(ask(&world, initiator, request(1, IBV_WR_SEND, &sge), card.number), IBV_WC_SUCCESS);
	CHECK_EQUAL(read(from[0], &byte, 1), 1);

	memcpy(world.buffer, "written", 7);
	sge.length = 7;
	CHECK_EQUAL(ask(&world, initiator, remote_request(2, IBV_WR_RDMA_WRITE, &sge, card.address, card.rkey), card.number),
		IBV_WC_SUCCESS);
	CHECK_EQUAL(
		ask(&world, initiator, remote_request(3, IBV_WR_RDMA_READ, &answer, card.address, card.rkey), card.number),
		IBV_WC_SUCCESS);
	CHECK_EQUAL(memcmp(world.buffer + 20008, "written", 7), 0);
	add = request(4, IBV_WR_ATOMIC_FETCH_AND_ADD, &word);
	add.wr.atomic.remote_addr = card.address + 64;
	add.wr.atomic.rkey = card.rkey;
	add.wr.atomic.compare_add = 5;
	CHECK_EQUAL(ask(&world, initiator, add, card.number), IBV_WC_SUCCESS);
	CHECK_EQUAL(*(uint64_t *)(world.buffer + 20000), 7);

	/* The queue goes, and with it what could take a message. */
	CHECK_EQUAL(write(to[1], &byte, 1), 1);
	CHECK_EQUAL(read(from[0], &byte, 1), 1);
	CHECK_EQUAL(ask(&world, initiator, request(5, IBV_WR_SEND, &sge), card.number), IBV_WC_REM_INV_REQ_ERR);
	CHECK_EQUAL(waitpid(child, &status, 0), child);
	CHECK_EQUAL(status, 0);
	CHECK_EQUAL(ibv_destroy_qp(initiator), 0);
	CHECK_EQUAL(ibv_destroy_qp(target), 0);
	CHECK_EQUAL(ibv_close_xrcd(xrcd), 0);
	unlink(path);
	end_world(&world);
}
