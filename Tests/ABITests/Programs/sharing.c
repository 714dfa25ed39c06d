/* What one process of a host lets the other reach besides plain regions: windows, bound and invalidated by either side, and
 * device memory. */
#include "processes.h"

#define OFFSET 8192
#define LENGTH 4096

/* --- Windows --- */

/* What the target tells the initiator of: the key of its window, and where that begins. */
struct offer {
	uint32_t rkey;
	uint64_t address;
};

static uint32_t bind_window(struct side *side, struct ibv_mr *mr, struct ibv_mw *mw)
{
	struct ibv_send_wr wr = request(50, IBV_WR_BIND_MW, NULL);

	wr.bind_mw.mw = mw;
	wr.bind_mw.rkey = ibv_inc_rkey(mw->rkey);
	wr.bind_mw.bind_info = (struct ibv_mw_bind_info){.mr = mr, .addr = (uintptr_t)side->world.buffer + OFFSET,
		.length = LENGTH, .mw_access_flags = IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ};
	CHECK_EQUAL(try_send(side->qp, &wr), 0);
	EXPECT_COMPLETION(side->world.cq, 50, IBV_WC_SUCCESS);
	return mw->rkey = wr.bind_mw.rkey;
}

static void tell(struct side *side, int out, uint32_t rkey)
{
	struct offer offer = {rkey, (uintptr_t)side->world.buffer + OFFSET};

	put(out, &offer, sizeof offer);
}

static enum ibv_wc_status reach(struct side *side, struct offer *offer, enum ibv_wr_opcode opcode, uint32_t length)
{
	struct ibv_sge sge = piece(&side->world, 0, length);
	struct ibv_send_wr wr = remote_request(60, opcode, &sge, offer->address, offer->rkey);

	CHECK_EQUAL(try_send(side->qp, &wr), 0);
	return next_completion(side->world.cq).status;
}

static void offer_windows(struct side *side, int in, int out)
{
	struct ibv_mr *mr = ibv_reg_mr(
		side->world.pd, side->world.buffer, BUFFER_SIZE, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_MW_BIND);
	struct ibv_mw *mw = ibv_alloc_mw(side->world.pd, IBV_MW_TYPE_2);
	struct ibv_wc wc;
	char go;

	CHECK(mr != NULL && mw != NULL);
	uint32_t rkey = bind_window(side, mr, mw);
	post_recv(side->qp, 70, piece(&side->world, 65536, 4096));
	tell(side, out, rkey);
	/* The peer's SEND takes the key back, and only then completes here. */
	wc = next_completion(side->recv_cq);
	CHECK_EQUAL(wc.status, IBV_WC_SUCCESS);
	CHECK_EQUAL(wc.wr_id, 70);
	CHECK_EQUAL(wc.byte_len, 40);
	CHECK_EQUAL(wc.wc_flags & IBV_WC_WITH_INV, IBV_WC_WITH_INV);
	CHECK_EQUAL(wc.invalidated_rkey, rkey);
	CHECK_EQUAL(memcmp(side->world.buffer + OFFSET, side->world.buffer + 65536, 40), 0);
	/* A new key for the same window, taken back by this side while the peer knows it. */
	rkey = bind_window(side, mr, mw);
	tell(side, out, rkey);
	get(in, &go, 1);
	struct ibv_send_wr wr = request(71, IBV_WR_LOCAL_INV, NULL);
	wr.invalidate_rkey = rkey;
	CHECK_EQUAL(try_send(side->qp, &wr), 0);
	EXPECT_COMPLETION(side->world.cq, 71, IBV_WC_SUCCESS);
	put(out, "i", 1);
	get(in, &go, 1);
	CHECK_EQUAL(ibv_dealloc_mw(mw), 0);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
}

CASE(windows_are_used_and_invalidated_by_the_other_process)
{
	struct side side;
	struct target target = start_target(&side, IBV_QPT_RC, &usual_path, offer_windows);
	struct ibv_sge sge = piece(&side.world, 0, 40);
	struct offer offer;
	char done;

	get(target.from, &offer, sizeof offer);
	for (size_t i = 0; i < LENGTH; i++)
		side.world.buffer[i] = i * 5 + 1;
	CHECK_EQUAL(reach(&side, &offer, IBV_WR_RDMA_WRITE, LENGTH), IBV_WC_SUCCESS);
	memset(side.world.buffer, 0, LENGTH);
	CHECK_EQUAL(reach(&side, &offer, IBV_WR_RDMA_READ, LENGTH), IBV_WC_SUCCESS);
	for (size_t i = 0; i < LENGTH; i++)
		CHECK_EQUAL((uint8_t)side.world.buffer[i], (uint8_t)(i * 5 + 1));
	struct ibv_send_wr wr = request(61, IBV_WR_SEND_WITH_INV, &sge);
	wr.invalidate_rkey = offer.rkey;
	CHECK_EQUAL(try_send(side.qp, &wr), 0);
	EXPECT_COMPLETION(side.world.cq, 61, IBV_WC_SUCCESS);

	get(target.from, &offer, sizeof offer);
	CHECK_EQUAL(reach(&side, &offer, IBV_WR_RDMA_WRITE, 8), IBV_WC_SUCCESS);
	put(target.to, "w", 1);
	get(target.from, &done, 1);
	CHECK_EQUAL(reach(&side, &offer, IBV_WR_RDMA_WRITE, 8), IBV_WC_REM_ACCESS_ERR);
	put(target.to, "e", 1);
	expect_end(&target);
	end_side(&side);
}

static void offer_window_for_a_send(struct side *side, int in, int out)
{
	struct ibv_mr *mr = ibv_reg_mr(
		side->world.pd, side->world.buffer, BUFFER_SIZE, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_MW_BIND);
	struct ibv_mw *mw = ibv_alloc_mw(side->world.pd, IBV_MW_TYPE_2);
	char go;

	CHECK(mr != NULL && mw != NULL);
	tell(side, out, bind_window(side, mr, mw));
	get(in, &go, 1);
	CHECK_EQUAL(ibv_dealloc_mw(mw), 0);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
}

CASE(a_window_ends_where_it_ends_also_for_the_other_process)
{
	struct side side;
	struct target target = start_target(&side, IBV_QPT_RC, &usual_path, offer_window_for_a_send);
	struct offer offer;

	get(target.from, &offer, sizeof offer);
	CHECK_EQUAL(reach(&side, &offer, IBV_WR_RDMA_WRITE, LENGTH), IBV_WC_SUCCESS);
	CHECK_EQUAL(reach(&side, &offer, IBV_WR_RDMA_WRITE, LENGTH + 1), IBV_WC_REM_ACCESS_ERR);
	put(target.to, "e", 1);
	expect_end(&target);
	end_side(&side);
}

/* --- Device memory --- */

static void offer_device_memory(struct side *side, int in, int out)
{
	struct ibv_alloc_dm_attr attr = {.length = 65536};
	struct ibv_dm *dm = ibv_alloc_dm(side->world.context, &attr);
	struct ibv_mr *mr;
	uint64_t word = 41;
	char go, bytes[LENGTH];

	CHECK(dm != NULL);
	mr = ibv_reg_dm_mr(side->world.pd, dm, 0, 65536, ALL_ACCESS | IBV_ACCESS_ZERO_BASED);
	CHECK(mr != NULL);
	CHECK_EQUAL(ibv_memcpy_to_dm(dm, 40000, &word, 8), 0);
	struct ibv_sge sge = {50000, 4096, mr->lkey};
	CHECK_EQUAL(try_recv(side->qp, 80, &sge, 1), 0);
	tell(side, out, mr->rkey);
	get(in, &go, 1);
	CHECK_EQUAL(ibv_memcpy_from_dm(&word, dm, 40000, 8), 0);
	CHECK_EQUAL(word, 43);
	CHECK_EQUAL(ibv_memcpy_from_dm(bytes, dm, OFFSET, LENGTH), 0);
	for (size_t i = 0; i < LENGTH; i++)
		CHECK_EQUAL((uint8_t)bytes[i], (uint8_t)(i * 11));
	/* A short message, which this side's poll puts in place. */
	EXPECT_COMPLETION(side->recv_cq, 80, IBV_WC_SUCCESS);
	CHECK_EQUAL(ibv_memcpy_from_dm(bytes, dm, 50000, 12), 0);
	for (size_t i = 0; i < 12; i++)
		CHECK_EQUAL((uint8_t)bytes[i], (uint8_t)(i * 11));
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	CHECK_EQUAL(ibv_free_dm(dm), 0);
}

CASE(device_memory_is_reached_by_the_other_process)
{
	struct side side;
	struct target target = start_target(&side, IBV_QPT_RC, &usual_path, offer_device_memory);
	struct ibv_sge sge = piece(&side.world, 0, 12);
	struct offer offer;

	get(target.from, &offer, sizeof offer);
	offer.address = OFFSET;
	for (size_t i = 0; i < LENGTH; i++)
		side.world.buffer[i] = i * 11;
	CHECK_EQUAL(reach(&side, &offer, IBV_WR_RDMA_WRITE, LENGTH), IBV_WC_SUCCESS);
	struct ibv_send_wr wr = request(81, IBV_WR_SEND, &sge);
	CHECK_EQUAL(try_send(side.qp, &wr), 0);
	EXPECT_COMPLETION(side.world.cq, 81, IBV_WC_SUCCESS);
	memset(side.world.buffer, 0, LENGTH);
	CHECK_EQUAL(reach(&side, &offer, IBV_WR_RDMA_READ, LENGTH), IBV_WC_SUCCESS);
	for (size_t i = 0; i < LENGTH; i++)
		CHECK_EQUAL((uint8_t)side.world.buffer[i], (uint8_t)(i * 11));
	target.card = (struct card){target.card.qp_num, offer.rkey, 40000};
	CHECK_EQUAL(change_word(&side, &target, IBV_WR_ATOMIC_FETCH_AND_ADD, 1, 0), 41);
	CHECK_EQUAL(change_word(&side, &target, IBV_WR_ATOMIC_CMP_AND_SWP, 42, 43), 42);
	put(target.to, "e", 1);
	expect_end(&target);
	end_side(&side);
}
