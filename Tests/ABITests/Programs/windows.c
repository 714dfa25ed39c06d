/* Memory windows: what peers reach through them, and which binds and invalidations are refused. */
#include "check.h"

#define WINDOW_OFFSET 8192
#define WINDOW_LENGTH 4096

/* A pair, and a region of `b`'s side that windows can be bound to. It gives peers no right of its own. */
struct site {
	struct pair pair;
	struct ibv_mr *mr;
	uint64_t start;
};

static struct site make_site(void)
{
	struct site site = {.pair = make_pair(IBV_QPT_RC)};

	site.mr = ibv_reg_mr(
		site.pair.world.pd, site.pair.world.buffer, BUFFER_SIZE, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_MW_BIND);
	CHECK(site.mr != NULL);
	site.start = (uintptr_t)site.pair.world.buffer + WINDOW_OFFSET;
	return site;
}

static void end_site(struct site *site)
{
	CHECK_EQUAL(ibv_dereg_mr(site->mr), 0);
	end_pair(&site->pair);
}

static struct ibv_mw_bind_info info(struct site *site, unsigned int access)
{
	return (struct ibv_mw_bind_info){
		.mr = site->mr, .addr = site->start, .length = WINDOW_LENGTH, .mw_access_flags = access};
}

static struct ibv_send_wr bind_request(struct ibv_mw *mw, uint32_t rkey, struct ibv_mw_bind_info bind_info)
{
	struct ibv_send_wr wr = request(50, IBV_WR_BIND_MW, NULL);

	wr.bind_mw.mw = mw;
	wr.bind_mw.rkey = rkey;
	wr.bind_mw.bind_info = bind_info;
	return wr;
}

/* Binds a window of type 2 to `b`, under a key that follows the one it has. */
static uint32_t bind_type_2(struct site *site, struct ibv_mw *mw, unsigned int access)
{
	uint32_t rkey = ibv_inc_rkey(mw->rkey);
	struct ibv_send_wr wr = bind_request(mw, rkey, info(site, access));
	struct ibv_wc wc;

	CHECK_EQUAL(try_send(site->pair.b, &wr), 0);
	wc = next_completion(site->pair.b_cq);
	CHECK_EQUAL(wc.status, IBV_WC_SUCCESS);
	CHECK_EQUAL(wc.opcode, IBV_WC_BIND_MW);
	CHECK_EQUAL(wc.wr_id, 50);
	mw->rkey = rkey;
	return rkey;
}

static void expect_bind_error(struct site *site, struct ibv_send_wr *wr)
{
	CHECK_EQUAL(try_send(site->pair.b, wr), 0);
	EXPECT_COMPLETION(site->pair.b_cq, wr->wr_id, IBV_WC_MW_BIND_ERR);
	CHECK_EQUAL(state_of(site->pair.b), IBV_QPS_ERR);
}

/* `a` writes 8 bytes to an address under a key. */
static enum ibv_wc_status write_to(struct site *site, uint64_t address, uint32_t rkey)
{
	struct ibv_sge sge = piece(&site->pair.world, 0, 8);
	struct ibv_send_wr wr = remote_request(60, IBV_WR_RDMA_WRITE, &sge, address, rkey);

	memset(site->pair.world.buffer, 0x5A, 8);
	CHECK_EQUAL(try_send(site->pair.a, &wr), 0);
	return next_completion(site->pair.world.cq).status;
}

CASE(type_1_is_bound_bound_anew_and_unbound)
{
	struct site site = make_site();
	struct ibv_mw *mw = ibv_alloc_mw(site.pair.world.pd, IBV_MW_TYPE_1);
	struct ibv_mw_bind bind = {.wr_id = 7, .send_flags = IBV_SEND_SIGNALED};
	uint32_t first;

	CHECK(mw != NULL);
	CHECK_EQUAL(mw->type, IBV_MW_TYPE_1);
	/* A right that windows do not have is passed over, as drivers do. */
	bind.bind_info = info(&site, IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_LOCAL_WRITE);
	CHECK_EQUAL(ibv_bind_mw(site.pair.b, mw, &bind), 0);
	EXPECT_COMPLETION(site.pair.b_cq, 7, IBV_WC_SUCCESS);
	first = mw->rkey;
	CHECK_EQUAL(write_to(&site, site.start, first), IBV_WC_SUCCESS);
	CHECK_EQUAL(site.pair.world.buffer[WINDOW_OFFSET], 0x5A);
	CHECK_EQUAL(ibv_dereg_mr(site.mr), EBUSY);

	/* Bound anew, it has another key, and the old one is over. */
	bind.bind_info.addr += WINDOW_LENGTH;
	CHECK_EQUAL(ibv_bind_mw(site.pair.b, mw, &bind), 0);
	EXPECT_COMPLETION(site.pair.b_cq, 7, IBV_WC_SUCCESS);
	CHECK(mw->rkey != first);
	CHECK_EQUAL(write_to(&site, site.start + WINDOW_LENGTH, mw->rkey), IBV_WC_SUCCESS);

	/* A bind of length 0 unbinds. */
	bind.bind_info = (struct ibv_mw_bind_info){0};
	CHECK_EQUAL(ibv_bind_mw(site.pair.b, mw, &bind), 0);
	EXPECT_COMPLETION(site.pair.b_cq, 7, IBV_WC_SUCCESS);
	CHECK_EQUAL(write_to(&site, site.start, first), IBV_WC_REM_ACCESS_ERR);
	CHECK_EQUAL(ibv_dealloc_mw(mw), 0);
	end_site(&site);
	SHOWS(ibv_alloc_mw, ibv_bind_mw, ibv_dealloc_mw, IBV_MW_TYPE_1, IBV_ACCESS_MW_BIND);
}

CASE(type_2_is_bound_and_invalidated_here)
{
	struct site site = make_site();
	struct ibv_mw *mw = ibv_alloc_mw(site.pair.world.pd, IBV_MW_TYPE_2);
	uint32_t rkey = bind_type_2(&site, mw, IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ);
	struct ibv_send_wr wr = request(51, IBV_WR_LOCAL_INV, NULL);
	struct ibv_wc wc;

	CHECK_EQUAL(write_to(&site, site.start, rkey), IBV_WC_SUCCESS);
	wr.invalidate_rkey = rkey;
	CHECK_EQUAL(try_send(site.pair.b, &wr), 0);
	wc = next_completion(site.pair.b_cq);
	CHECK_EQUAL(wc.status, IBV_WC_SUCCESS);
	CHECK_EQUAL(wc.opcode, IBV_WC_LOCAL_INV);
	/* It can be bound again, under the key that comes next; the one before stays over. */
	CHECK(bind_type_2(&site, mw, IBV_ACCESS_REMOTE_WRITE) != rkey);
	CHECK_EQUAL(write_to(&site, site.start, mw->rkey), IBV_WC_SUCCESS);
	CHECK_EQUAL(write_to(&site, site.start, rkey), IBV_WC_REM_ACCESS_ERR);
	CHECK_EQUAL(ibv_dealloc_mw(mw), 0);
	end_site(&site);
	SHOWS(IBV_WR_BIND_MW, IBV_WR_LOCAL_INV, IBV_WC_BIND_MW, IBV_WC_LOCAL_INV, IBV_MW_TYPE_2, ibv_inc_rkey);
}

CASE(type_2_is_invalidated_by_a_send_of_the_peer)
{
	struct site site = make_site();
	struct ibv_mw *mw = ibv_alloc_mw(site.pair.world.pd, IBV_MW_TYPE_2);
	uint32_t rkey = bind_type_2(&site, mw, IBV_ACCESS_REMOTE_WRITE);
	struct ibv_sge sge = piece(&site.pair.world, 0, 100);
	struct ibv_send_wr wr = request(52, IBV_WR_SEND_WITH_INV, &sge);
	struct ibv_wc wc;

	post_recv(site.pair.b, 53, piece(&site.pair.world, 65536, 4096));
	wr.invalidate_rkey = rkey;
	CHECK_EQUAL(try_send(site.pair.a, &wr), 0);
	EXPECT_COMPLETION(site.pair.world.cq, 52, IBV_WC_SUCCESS);
	wc = next_completion(site.pair.b_cq);
	CHECK_EQUAL(wc.status, IBV_WC_SUCCESS);
	CHECK_EQUAL(wc.wr_id, 53);
	CHECK_EQUAL(wc.opcode, IBV_WC_RECV);
	CHECK_EQUAL(wc.wc_flags & IBV_WC_WITH_INV, IBV_WC_WITH_INV);
	CHECK_EQUAL(wc.invalidated_rkey, rkey);
	CHECK_EQUAL(wc.byte_len, 100);
	CHECK_EQUAL(write_to(&site, site.start, rkey), IBV_WC_REM_ACCESS_ERR);
	CHECK_EQUAL(ibv_dealloc_mw(mw), 0);
	end_site(&site);
	SHOWS(IBV_WR_SEND_WITH_INV, IBV_WC_WITH_INV);
}

CASE(a_key_that_is_none_of_a_window_is_not_invalidated)
{
	struct site site = make_site();
	struct ibv_sge sge = piece(&site.pair.world, 0, 100);
	struct ibv_send_wr wr = request(52, IBV_WR_SEND_WITH_INV, &sge);

	post_recv(site.pair.b, 53, piece(&site.pair.world, 65536, 4096));
	wr.invalidate_rkey = site.pair.world.mr->rkey;
	CHECK_EQUAL(try_send(site.pair.a, &wr), 0);
	EXPECT_COMPLETION(site.pair.world.cq, 52, IBV_WC_REM_ACCESS_ERR);
	CHECK_EQUAL(state_of(site.pair.a), IBV_QPS_ERR);
	end_site(&site);
}

CASE(invalidating_what_is_not_bound_is_an_error)
{
	struct site site = make_site();
	struct ibv_send_wr wr = request(54, IBV_WR_LOCAL_INV, NULL);

	wr.invalidate_rkey = site.pair.world.mr->rkey;
	expect_bind_error(&site, &wr);
	end_site(&site);
	SHOWS(IBV_WC_MW_BIND_ERR);
}

CASE(a_bound_window_of_type_2_is_not_bound_again)
{
	struct site site = make_site();
	struct ibv_mw *mw = ibv_alloc_mw(site.pair.world.pd, IBV_MW_TYPE_2);
	uint32_t rkey = bind_type_2(&site, mw, IBV_ACCESS_REMOTE_READ);
	struct ibv_send_wr wr = bind_request(mw, ibv_inc_rkey(rkey), info(&site, IBV_ACCESS_REMOTE_READ));

	expect_bind_error(&site, &wr);
	CHECK_EQUAL(ibv_dealloc_mw(mw), 0);
	end_site(&site);
}

CASE(a_region_without_the_right_is_not_bound)
{
	struct site site = make_site();
	struct ibv_mw *mw = ibv_alloc_mw(site.pair.world.pd, IBV_MW_TYPE_2);
	struct ibv_send_wr wr = bind_request(mw, mw->rkey, info(&site, IBV_ACCESS_REMOTE_READ));

	wr.bind_mw.bind_info.mr = site.pair.world.mr;
	expect_bind_error(&site, &wr);
	CHECK_EQUAL(ibv_dealloc_mw(mw), 0);
	end_site(&site);
}

CASE(a_window_onto_memory_that_is_read_only_gives_no_right_to_write)
{
	struct site site = make_site();
	struct ibv_mr *mr = ibv_reg_mr(site.pair.world.pd, site.pair.world.buffer, BUFFER_SIZE, IBV_ACCESS_MW_BIND);
	struct ibv_mw *mw = ibv_alloc_mw(site.pair.world.pd, IBV_MW_TYPE_2);
	struct ibv_send_wr wr = bind_request(mw, mw->rkey, info(&site, IBV_ACCESS_REMOTE_WRITE));

	wr.bind_mw.bind_info.mr = mr;
	expect_bind_error(&site, &wr);
	CHECK_EQUAL(ibv_dealloc_mw(mw), 0);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	end_site(&site);
}

CASE(nonsense_is_refused_at_posting)
{
	struct site site = make_site();
	struct ibv_mw *one = ibv_alloc_mw(site.pair.world.pd, IBV_MW_TYPE_1);
	struct ibv_mw *two = ibv_alloc_mw(site.pair.world.pd, IBV_MW_TYPE_2);
	struct ibv_mw_bind bind = {.bind_info = info(&site, IBV_ACCESS_MW_BIND)};
	struct ibv_send_wr wr = bind_request(one, one->rkey, info(&site, 0));

	CHECK_NULL(ibv_alloc_mw(site.pair.world.pd, 3), EINVAL);
	CHECK_EQUAL(ibv_bind_mw(site.pair.b, two, &bind), EINVAL);
	CHECK_EQUAL(ibv_bind_mw(site.pair.b, one, &bind), EINVAL);
	CHECK_EQUAL(try_send(site.pair.b, &wr), EINVAL);
	/* Only the lowest byte of the key is the program's. */
	wr = bind_request(two, two->rkey + 0x100, info(&site, 0));
	CHECK_EQUAL(try_send(site.pair.b, &wr), EINVAL);
	CHECK_EQUAL(ibv_dealloc_pd(site.pair.world.pd), EBUSY);
	CHECK_EQUAL(ibv_dealloc_mw(one), 0);
	CHECK_EQUAL(ibv_dealloc_mw(two), 0);
	end_site(&site);
}

CASE(a_window_can_count_from_0)
{
	struct site site = make_site();
	struct ibv_mw *mw = ibv_alloc_mw(site.pair.world.pd, IBV_MW_TYPE_2);
	uint32_t rkey = bind_type_2(&site, mw, IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_ZERO_BASED);

	CHECK_EQUAL(write_to(&site, 16, rkey), IBV_WC_SUCCESS);
	CHECK_EQUAL(site.pair.world.buffer[WINDOW_OFFSET + 16], 0x5A);
	CHECK_EQUAL(site.pair.world.buffer[WINDOW_OFFSET + 15], 0);
	CHECK_EQUAL(write_to(&site, WINDOW_LENGTH - 7, rkey), IBV_WC_REM_ACCESS_ERR);
	CHECK_EQUAL(ibv_dealloc_mw(mw), 0);
	end_site(&site);
}

CASE(a_window_ends_with_its_queue_pair)
{
	struct site site = make_site();
	struct ibv_mw *mw = ibv_alloc_mw(site.pair.world.pd, IBV_MW_TYPE_2);

	bind_type_2(&site, mw, IBV_ACCESS_REMOTE_WRITE);
	CHECK_EQUAL(ibv_dereg_mr(site.mr), EBUSY);
	CHECK_EQUAL(ibv_destroy_qp(site.pair.b), 0);
	CHECK_EQUAL(ibv_dereg_mr(site.mr), 0);
	CHECK_EQUAL(ibv_dealloc_mw(mw), 0);
	CHECK_EQUAL(ibv_destroy_qp(site.pair.a), 0);
	CHECK_EQUAL(ibv_destroy_cq(site.pair.b_cq), 0);
	end_world(&site.pair.world);
}

/* The extended face: binding, taking back here, and by a send of the peer, whose completion names the key. */
CASE(the_extended_face_binds_and_invalidates)
{
	struct site site = make_site();
	struct ibv_cq_init_attr_ex cq_init = {.cqe = 16, .wc_flags = IBV_WC_STANDARD_FLAGS};
	struct ibv_cq_ex *cq = ibv_create_cq_ex(site.pair.world.context, &cq_init);
	struct ibv_qp_init_attr plain = qp_init(&site.pair.world, IBV_QPT_RC);
	struct ibv_qp_init_attr_ex init = {
		.send_cq = ibv_cq_ex_to_cq(cq),
		.recv_cq = ibv_cq_ex_to_cq(cq),
		.cap = plain.cap,
		.qp_type = IBV_QPT_RC,
		.comp_mask = IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_SEND_OPS_FLAGS,
		.pd = site.pair.world.pd,
		.send_ops_flags = IBV_QP_EX_WITH_BIND_MW | IBV_QP_EX_WITH_LOCAL_INV | IBV_QP_EX_WITH_SEND_WITH_INV,
	};
	struct ibv_qp *qp = ibv_create_qp_ex(site.pair.world.context, &init);
	struct ibv_qp_ex *ex = ibv_qp_to_qp_ex(qp);
	struct ibv_mw *mw = ibv_alloc_mw(site.pair.world.pd, IBV_MW_TYPE_2);
	struct ibv_mw_bind_info bind_info = info(&site, IBV_ACCESS_REMOTE_WRITE);
	enum ibv_wc_opcode expected[] = {IBV_WC_BIND_MW, IBV_WC_LOCAL_INV, IBV_WC_BIND_MW};
	struct ibv_poll_cq_attr poll_attr = {0};
	uint32_t rkey, next;
	int received = 0, sent = 0, i;

	CHECK(cq && ex && mw);
	/* It is connected to itself, so the peer's window is its own. */
	connect_to(&site.pair.world, qp, qp->qp_num, &usual_path);
	rkey = ibv_inc_rkey(mw->rkey);
	next = ibv_inc_rkey(rkey);
	ibv_wr_start(ex);
	ex->wr_id = 70;
	ex->wr_flags = IBV_SEND_SIGNALED;
	ibv_wr_bind_mw(ex, mw, rkey, &bind_info);
	ex->wr_id = 71;
	ibv_wr_local_inv(ex, rkey);
	ex->wr_id = 72;
	ibv_wr_bind_mw(ex, mw, next, &bind_info);
	CHECK_EQUAL(ibv_wr_complete(ex), 0);
	for (i = 0; i < 3; i++) {
		while (ibv_start_poll(cq, &poll_attr) == ENOENT)
			;
		CHECK_EQUAL(cq->status, IBV_WC_SUCCESS);
		CHECK_EQUAL(cq->wr_id, 70 + i);
		CHECK_EQUAL(ibv_wc_read_opcode(cq), expected[i]);
		ibv_end_poll(cq);
	}
	post_recv(qp, 73, piece(&site.pair.world, 65536, 4096));
	ibv_wr_start(ex);
	ex->wr_id = 74;
	ex->wr_flags = IBV_SEND_SIGNALED;
	ibv_wr_send_inv(ex, next);
	ibv_wr_set_sge(ex, site.pair.world.mr->lkey, (uintptr_t)site.pair.world.buffer, 100);
	CHECK_EQUAL(ibv_wr_complete(ex), 0);
	while (received + sent < 2) {
		if (ibv_start_poll(cq, &poll_attr) == ENOENT)
			continue;
		CHECK_EQUAL(cq->status, IBV_WC_SUCCESS);
		if (cq->wr_id == 73) {
			CHECK_EQUAL(ibv_wc_read_wc_flags(cq) & IBV_WC_WITH_INV, IBV_WC_WITH_INV);
			CHECK_EQUAL(ibv_wc_read_invalidated_rkey(cq), next);
			received++;
		} else {
			CHECK_EQUAL(cq->wr_id, 74);
			sent++;
		}
		ibv_end_poll(cq);
	}
	CHECK_EQUAL(received, 1);
	CHECK_EQUAL(ibv_dealloc_mw(mw), 0);
	CHECK_EQUAL(ibv_destroy_qp(qp), 0);
	CHECK_EQUAL(ibv_destroy_cq(ibv_cq_ex_to_cq(cq)), 0);
	end_site(&site);
	SHOWS(ibv_wr_bind_mw, ibv_wr_local_inv, ibv_wr_send_inv, ibv_wc_read_invalidated_rkey, IBV_QP_EX_WITH_BIND_MW,
		IBV_QP_EX_WITH_LOCAL_INV, IBV_QP_EX_WITH_SEND_WITH_INV);
}

CASE(the_device_says_what_it_has)
{
	struct world world = make_world();
	struct ibv_device_attr attr;

	CHECK_EQUAL(ibv_query_device(world.context, &attr), 0);
	CHECK(attr.device_cap_flags & IBV_DEVICE_MEM_WINDOW);
	CHECK(attr.device_cap_flags & IBV_DEVICE_MEM_WINDOW_TYPE_2B);
	CHECK(!(attr.device_cap_flags & IBV_DEVICE_MEM_WINDOW_TYPE_2A));
	CHECK(attr.device_cap_flags & IBV_DEVICE_MEM_MGT_EXTENSIONS);
	CHECK(attr.max_mw > 0);
	end_world(&world);
}
