/* ATOMIC WRITE: eight bytes that are seen whole. See ibv_post_send(3) and ibv_wr_post(3). */
#include "check.h"

#define HALF (BUFFER_SIZE / 2)

static struct ibv_send_wr atomic_write(struct pair *pair, struct ibv_sge *sge, uint64_t address)
{
	return remote_request(1, IBV_WR_ATOMIC_WRITE, sge, address, pair->world.mr->rkey);
}

CASE(eight_bytes_are_written)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct ibv_sge sge = piece(&pair.world, 0, 8);
	struct ibv_send_wr wr = atomic_write(&pair, &sge, (uintptr_t)pair.world.buffer + HALF);
	struct ibv_device_attr_ex attr;

	CHECK_EQUAL(ibv_query_device_ex(pair.world.context, NULL, &attr), 0);
	CHECK(attr.device_cap_flags_ex >> 40 & 1);
	for (uint64_t i = 1; i < 100; i++) {
		*(uint64_t *)pair.world.buffer = i * 0x0101010101010101;
		CHECK_EQUAL(try_send(pair.a, &wr), 0);
		struct ibv_wc wc = next_completion(pair.world.cq);
		CHECK_EQUAL(wc.status, IBV_WC_SUCCESS);
		CHECK_EQUAL(wc.opcode, IBV_WC_ATOMIC_WRITE);
		CHECK(*(uint64_t *)(pair.world.buffer + HALF) == i * 0x0101010101010101);
	}
	wr.send_flags |= IBV_SEND_INLINE;
	*(uint64_t *)pair.world.buffer = 77;
	CHECK_EQUAL(try_send(pair.a, &wr), 0);
	EXPECT_COMPLETION(pair.world.cq, 1, IBV_WC_SUCCESS);
	CHECK_EQUAL(*(uint64_t *)(pair.world.buffer + HALF), 77);
	end_pair(&pair);
	SHOWS(IBV_WR_ATOMIC_WRITE, IBV_WC_ATOMIC_WRITE);
}

CASE(another_length_is_an_error)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct ibv_sge sge = piece(&pair.world, 0, 4);
	struct ibv_send_wr wr = atomic_write(&pair, &sge, (uintptr_t)pair.world.buffer + HALF);

	CHECK_EQUAL(try_send(pair.a, &wr), 0);
	EXPECT_COMPLETION(pair.world.cq, 1, IBV_WC_LOC_LEN_ERR);
	end_pair(&pair);
}

CASE(an_odd_address_is_an_invalid_request)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct ibv_sge sge = piece(&pair.world, 0, 8);
	struct ibv_send_wr wr = atomic_write(&pair, &sge, (uintptr_t)pair.world.buffer + HALF + 4);

	CHECK_EQUAL(try_send(pair.a, &wr), 0);
	EXPECT_COMPLETION(pair.world.cq, 1, IBV_WC_REM_INV_REQ_ERR);
	end_pair(&pair);
}

CASE(a_wrong_key_is_an_access_error)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct ibv_sge sge = piece(&pair.world, 0, 8);
	struct ibv_send_wr wr = atomic_write(&pair, &sge, (uintptr_t)pair.world.buffer + HALF);

	wr.wr.rdma.rkey ^= 0x00010000;
	CHECK_EQUAL(try_send(pair.a, &wr), 0);
	EXPECT_COMPLETION(pair.world.cq, 1, IBV_WC_REM_ACCESS_ERR);
	end_pair(&pair);
}

CASE(other_services_do_not_have_it)
{
	struct pair pair = make_pair(IBV_QPT_UC);
	struct ibv_sge sge = piece(&pair.world, 0, 8);
	struct ibv_send_wr wr = atomic_write(&pair, &sge, (uintptr_t)pair.world.buffer + HALF);

	CHECK_EQUAL(try_send(pair.a, &wr), EINVAL);
	end_pair(&pair);
}

CASE(extended_face_brings_the_value_along)
{
	struct world world = make_world();
	struct ibv_qp_init_attr plain = qp_init(&world, IBV_QPT_RC);
	struct ibv_qp_init_attr_ex init = {
		.send_cq = world.cq,
		.recv_cq = world.cq,
		.cap = plain.cap,
		.qp_type = IBV_QPT_RC,
		.comp_mask = IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_SEND_OPS_FLAGS,
		.pd = world.pd,
		.send_ops_flags = IBV_QP_EX_WITH_ATOMIC_WRITE,
	};
	uint64_t value = 0x1122334455667788;

	/* No inline data was asked for, and none is needed. */
	init.cap.max_inline_data = 0;
	struct ibv_qp *qp = ibv_create_qp_ex(world.context, &init);
	CHECK(qp != NULL);
	struct ibv_qp_ex *ex = ibv_qp_to_qp_ex(qp);
	connect_to(&world, qp, qp->qp_num, &usual_path);
	ibv_wr_start(ex);
	ex->wr_id = 5;
	ex->wr_flags = IBV_SEND_SIGNALED;
	ibv_wr_atomic_write(ex, world.mr->rkey, (uintptr_t)world.buffer + HALF, &value);
	value = 0;
	CHECK_EQUAL(ibv_wr_complete(ex), 0);
	EXPECT_COMPLETION(world.cq, 5, IBV_WC_SUCCESS);
	CHECK(*(uint64_t *)(world.buffer + HALF) == 0x1122334455667788);
	CHECK_EQUAL(ibv_destroy_qp(qp), 0);
	end_world(&world);
	SHOWS(IBV_QP_EX_WITH_ATOMIC_WRITE, ibv_wr_atomic_write);
}
