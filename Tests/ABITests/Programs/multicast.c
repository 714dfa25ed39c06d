/* Multicast groups of datagram queue pairs. See ibv_attach_mcast(3). */
#include "check.h"

#include <signal.h>
#include <sys/wait.h>

#define HALF (BUFFER_SIZE / 2)
#define GRH 40
#define GROUP_QPN 0xFFFFFF

/* 239.7.8.N, as RoCEv2 maps it. */
static union ibv_gid group(uint8_t n)
{
	union ibv_gid gid = {.raw = {[10] = 0xFF, [11] = 0xFF, 239, 7, 8, n}};

	return gid;
}

static struct ibv_qp *make_member(struct world *world, struct ibv_cq *cq, uint32_t flags)
{
	struct ibv_qp_init_attr_ex init = {
		.send_cq = cq,
		.recv_cq = cq,
		.qp_type = IBV_QPT_UD,
		.cap = {.max_send_wr = 16, .max_recv_wr = 16, .max_send_sge = 1, .max_recv_sge = 1},
		.comp_mask = IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_CREATE_FLAGS,
		.pd = world->pd,
		.create_flags = flags,
	};
	struct ibv_qp *qp = ibv_create_qp_ex(world->context, &init);

	CHECK(qp != NULL);
	connect_to(world, qp, 0, &usual_path);
	return qp;
}

static void send_to_group(struct world *world, struct ibv_qp *qp, uint8_t n, uint32_t qkey)
{
	struct ibv_ah_attr attr = {
		.is_global = 1,
		.port_num = PORT,
		.grh = {.dgid = group(n), .sgid_index = world->gid_index, .hop_limit = 1},
	};
	struct ibv_ah *ah = ibv_create_ah(world->pd, &attr);
	struct ibv_sge sge = piece(world, 0, 100);
	struct ibv_send_wr wr = request(99, IBV_WR_SEND_WITH_IMM, &sge);

	CHECK(ah != NULL);
	wr.imm_data = htonl(n);
	wr.wr.ud.ah = ah;
	wr.wr.ud.remote_qpn = GROUP_QPN;
	wr.wr.ud.remote_qkey = qkey;
	CHECK_EQUAL(try_send(qp, &wr), 0);
	EXPECT_COMPLETION(world->cq, 99, IBV_WC_SUCCESS);
	CHECK_EQUAL(ibv_destroy_ah(ah), 0);
}

CASE(attaching_refuses_what_it_must)
{
	struct world world = make_world();
	struct ibv_qp *ud = make_qp(&world, IBV_QPT_UD), *rc = make_qp(&world, IBV_QPT_RC);
	union ibv_gid gid = group(1), none = {.raw = {0}};
	struct ibv_device_attr attr;

	CHECK_EQUAL(ibv_query_device(world.context, &attr), 0);
	CHECK(attr.max_mcast_grp > 0 && attr.max_mcast_qp_attach > 0 && attr.max_total_mcast_qp_attach > 0);
	CHECK_EQUAL(ibv_attach_mcast(rc, &gid, 0), EINVAL);
	CHECK_EQUAL(ibv_attach_mcast(ud, &world.gid, 0), EINVAL);
	CHECK_EQUAL(ibv_attach_mcast(ud, &none, 0), EINVAL);
	CHECK_EQUAL(ibv_attach_mcast(ud, NULL, 0), EINVAL);
	CHECK_EQUAL(ibv_attach_mcast(NULL, &gid, 0), EINVAL);
	CHECK_EQUAL(ibv_detach_mcast(ud, &gid, 0), EINVAL);
	CHECK_EQUAL(ibv_attach_mcast(ud, &gid, 0), 0);
	CHECK_EQUAL(ibv_attach_mcast(ud, &gid, 0), 0);
	CHECK_EQUAL(ibv_destroy_qp(ud), EBUSY);
	CHECK_EQUAL(ibv_detach_mcast(ud, &gid, 0), 0);
	CHECK_EQUAL(ibv_detach_mcast(ud, &gid, 0), EINVAL);
	CHECK_EQUAL(ibv_destroy_qp(ud), 0);
	CHECK_EQUAL(ibv_destroy_qp(rc), 0);
	end_world(&world);
}

CASE(as_many_groups_as_the_device_says)
{
	struct world world = make_world();
	struct ibv_qp *ud = make_qp(&world, IBV_QPT_UD);
	struct ibv_device_attr attr;
	int count = 0, error = 0;

	CHECK_EQUAL(ibv_query_device(world.context, &attr), 0);
	while (count < 250 && error == 0) {
		union ibv_gid gid = group(count);

		error = ibv_attach_mcast(ud, &gid, 0);
		count += error == 0;
	}
	CHECK(count >= attr.max_mcast_grp || count == 250);
	CHECK(error == 0 || error == ENOMEM);
	for (int i = 0; i < count; i++) {
		union ibv_gid gid = group(i);

		CHECK_EQUAL(ibv_detach_mcast(ud, &gid, 0), 0);
	}
	CHECK_EQUAL(ibv_destroy_qp(ud), 0);
	end_world(&world);
}

CASE(every_member_gets_one_copy)
{
	struct world world = make_world();
	union ibv_gid gid = group(2), other = group(3);
	struct ibv_qp *sender = make_member(&world, world.cq, 0), *qps[4];
	struct ibv_cq *cqs[4];

	/* Two members, one of another group, and one of none. */
	for (int i = 0; i < 4; i++) {
		cqs[i] = ibv_create_cq(world.context, 16, NULL, NULL, 0);
		qps[i] = make_member(&world, cqs[i], 0);
		post_recv(qps[i], i, piece(&world, HALF + 4096 * i, 200));
		post_recv(qps[i], i, piece(&world, HALF + 4096 * i + 2048, 200));
	}
	CHECK_EQUAL(ibv_attach_mcast(qps[0], &gid, 0), 0);
	CHECK_EQUAL(ibv_attach_mcast(qps[1], &gid, 0), 0);
	CHECK_EQUAL(ibv_attach_mcast(qps[1], &gid, 0), 0);
	CHECK_EQUAL(ibv_attach_mcast(qps[2], &other, 0), 0);
	memset(world.buffer, 'm', 100);
	send_to_group(&world, sender, 2, QKEY);
	for (int i = 0; i < 2; i++) {
		struct ibv_wc wc = next_completion(cqs[i]);
		char *received = world.buffer + HALF + 4096 * i;

		CHECK_EQUAL(wc.status, IBV_WC_SUCCESS);
		CHECK_EQUAL(wc.byte_len, GRH + 100);
		CHECK_EQUAL(wc.qp_num, qps[i]->qp_num);
		CHECK_EQUAL(wc.src_qp, sender->qp_num);
		CHECK_EQUAL(wc.wc_flags, IBV_WC_GRH | IBV_WC_WITH_IMM);
		CHECK_EQUAL(wc.imm_data, htonl(2));
		CHECK(memcmp(received + GRH, world.buffer, 100) == 0);
		/* The route says that it was sent to the group. */
		CHECK(memcmp(received + GRH - 4, gid.raw + 12, 4) == 0);
	}
	for (int i = 0; i < 4; i++)
		expect_empty(cqs[i]);
	/* A wrong Q_Key is dropped; a member that left gets nothing. */
	send_to_group(&world, sender, 2, QKEY + 1);
	CHECK_EQUAL(ibv_detach_mcast(qps[0], &gid, 0), 0);
	send_to_group(&world, sender, 2, QKEY);
	EXPECT_COMPLETION(cqs[1], 1, IBV_WC_SUCCESS);
	for (int i = 0; i < 4; i++)
		expect_empty(cqs[i]);
	CHECK_EQUAL(ibv_detach_mcast(qps[1], &gid, 0), 0);
	CHECK_EQUAL(ibv_detach_mcast(qps[2], &other, 0), 0);
	for (int i = 0; i < 4; i++) {
		CHECK_EQUAL(ibv_destroy_qp(qps[i]), 0);
		CHECK_EQUAL(ibv_destroy_cq(cqs[i]), 0);
	}
	CHECK_EQUAL(ibv_destroy_qp(sender), 0);
	end_world(&world);
	SHOWS(ibv_attach_mcast, ibv_detach_mcast);
}

CASE(own_messages_come_back_unless_blocked)
{
	struct world world = make_world();
	union ibv_gid gid = group(4);
	struct ibv_cq *cq = ibv_create_cq(world.context, 16, NULL, NULL, 0);
	struct ibv_qp_init_attr_ex wrong = {
		.send_cq = cq,
		.recv_cq = cq,
		.qp_type = IBV_QPT_RC,
		.comp_mask = IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_CREATE_FLAGS,
		.pd = world.pd,
		.create_flags = IBV_QP_CREATE_BLOCK_SELF_MCAST_LB,
	};

	CHECK_NULL(ibv_create_qp_ex(world.context, &wrong), EINVAL);
	for (int blocks = 0; blocks < 2; blocks++) {
		struct ibv_qp *qp = make_member(&world, world.cq, blocks ? IBV_QP_CREATE_BLOCK_SELF_MCAST_LB : 0);
		struct ibv_qp *other = make_member(&world, cq, 0);

		post_recv(qp, 1, piece(&world, HALF, 200));
		post_recv(other, 2, piece(&world, HALF + 4096, 200));
		CHECK_EQUAL(ibv_attach_mcast(qp, &gid, 0), 0);
		CHECK_EQUAL(ibv_attach_mcast(other, &gid, 0), 0);
		send_to_group(&world, qp, 4, QKEY);
		EXPECT_COMPLETION(cq, 2, IBV_WC_SUCCESS);
		if (blocks)
			expect_empty(world.cq);
		else
			EXPECT_COMPLETION(world.cq, 1, IBV_WC_SUCCESS);
		CHECK_EQUAL(ibv_detach_mcast(qp, &gid, 0), 0);
		CHECK_EQUAL(ibv_detach_mcast(other, &gid, 0), 0);
		CHECK_EQUAL(ibv_destroy_qp(qp), 0);
		CHECK_EQUAL(ibv_destroy_qp(other), 0);
	}
	CHECK_EQUAL(ibv_destroy_cq(cq), 0);
	end_world(&world);
}

/* Several processes of one host are members, and each gets a copy. */
CASE(other_processes_get_their_copies)
{
	enum { CHILDREN = 3 };
	union ibv_gid gid = group(5);
	int ready[2];
	pid_t children[CHILDREN];
	char byte = 0;

	CHECK_EQUAL(pipe(ready), 0);
	for (int i = 0; i < CHILDREN; i++) {
		children[i] = fork();
		if (children[i] != 0)
			continue;
		struct world world = make_world();
		struct ibv_qp *qp = make_member(&world, world.cq, 0);
		/* The last one is no member. */
		int is_member = i < CHILDREN - 1;

		for (int k = 0; k < 10; k++)
			post_recv(qp, k, piece(&world, HALF, 200));
		if (is_member)
			CHECK_EQUAL(ibv_attach_mcast(qp, &gid, 0), 0);
		CHECK_EQUAL(write(ready[1], &byte, 1), 1);
		if (is_member) {
			for (int k = 0; k < 5; k++)
				EXPECT_COMPLETION(world.cq, k, IBV_WC_SUCCESS);
		} else {
			usleep(300000);
		}
		expect_empty(world.cq);
		_exit(0);
	}
	for (int i = 0; i < CHILDREN; i++)
		CHECK_EQUAL(read(ready[0], &byte, 1), 1);
	struct world world = make_world();
	struct ibv_qp *qp = make_member(&world, world.cq, 0);

	for (int k = 0; k < 5; k++)
		send_to_group(&world, qp, 5, QKEY);
	for (int i = 0; i < CHILDREN; i++) {
		int status;

		CHECK_EQUAL(waitpid(children[i], &status, 0), children[i]);
		CHECK_EQUAL(status, 0);
	}
	CHECK_EQUAL(ibv_destroy_qp(qp), 0);
	end_world(&world);
}
