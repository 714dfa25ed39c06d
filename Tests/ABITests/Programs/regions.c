/* Regions of every kind, and memory that is not there when it is needed. */
#define _GNU_SOURCE
#include "check.h"

#include <signal.h>
#include <setjmp.h>

static char *map_pages(int count)
{
	char *pages = mmap(NULL, count * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(pages != MAP_FAILED);
	return pages;
}

static enum ibv_wc_status run(struct pair *pair, enum ibv_wr_opcode opcode, struct ibv_sge sge, void *remote, uint32_t rkey)
{
	struct ibv_send_wr wr = remote_request(70, opcode, &sge, (uintptr_t)remote, rkey);

	CHECK_EQUAL(try_send(pair->a, &wr), 0);
	return next_completion(pair->world.cq).status;
}

/* --- Memory that is gone --- */

CASE(unmapped_memory_of_the_requester_is_a_protection_error)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	char *pages = map_pages(2);
	struct ibv_mr *mr = ibv_reg_mr(pair.world.pd, pages, 8192, ALL_ACCESS);
	struct ibv_sge sge = {(uintptr_t)pages + 4096, 4096, mr->lkey};

	munmap(pages + 4096, 4096);
	CHECK_EQUAL(run(&pair, IBV_WR_RDMA_WRITE, sge, pair.world.buffer, pair.world.mr->rkey), IBV_WC_LOC_PROT_ERR);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	end_pair(&pair);
}

CASE(unmapped_memory_of_the_responder_is_a_remote_error)
{
	static const enum ibv_wr_opcode opcodes[] = {
		IBV_WR_RDMA_WRITE, IBV_WR_RDMA_READ, IBV_WR_ATOMIC_FETCH_AND_ADD, IBV_WR_ATOMIC_CMP_AND_SWP};

	for (int i = 0; i < 4; i++) {
		struct pair pair = make_pair(IBV_QPT_RC);
		char *pages = map_pages(1);
		struct ibv_mr *mr = ibv_reg_mr(pair.world.pd, pages, 4096, ALL_ACCESS);
		struct ibv_sge sge = piece(&pair.world, 0, 8);
		struct ibv_send_wr wr = remote_request(70, opcodes[i], &sge, (uintptr_t)pages, mr->rkey);
		enum ibv_wc_status status;

		if (opcodes[i] >= IBV_WR_ATOMIC_CMP_AND_SWP) {
			wr.wr.atomic.remote_addr = (uintptr_t)pages;
			wr.wr.atomic.rkey = mr->rkey;
		}
		munmap(pages, 4096);
		CHECK_EQUAL(try_send(pair.a, &wr), 0);
		status = next_completion(pair.world.cq).status;
		CHECK_EQUAL(status, IBV_WC_REM_ACCESS_ERR);
		CHECK_EQUAL(ibv_dereg_mr(mr), 0);
		end_pair(&pair);
	}
}

CASE(protected_memory_takes_no_answer)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	char *pages = map_pages(1);
	struct ibv_mr *mr = ibv_reg_mr(pair.world.pd, pages, 4096, ALL_ACCESS);
	struct ibv_sge sge = {(uintptr_t)pages, 4096, mr->lkey};

	mprotect(pages, 4096, PROT_NONE);
	CHECK_EQUAL(run(&pair, IBV_WR_RDMA_READ, sge, pair.world.buffer, pair.world.mr->rkey), IBV_WC_LOC_PROT_ERR);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	end_pair(&pair);
}

CASE(a_file_that_was_cut_short_is_not_sent)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	int file = memfd_create("short", 0);
	char *pages;
	struct ibv_mr *mr;

	CHECK_EQUAL(ftruncate(file, 8192), 0);
	pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	mr = ibv_reg_mr(pair.world.pd, pages, 8192, ALL_ACCESS);
	CHECK(mr != NULL);
	CHECK_EQUAL(ftruncate(file, 4096), 0);
	struct ibv_sge sge = {(uintptr_t)pages, 8192, mr->lkey};
	CHECK_EQUAL(run(&pair, IBV_WR_RDMA_WRITE, sge, pair.world.buffer, pair.world.mr->rkey), IBV_WC_LOC_PROT_ERR);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	end_pair(&pair);
}

/* --- The program's own faults --- */

static sigjmp_buf after_fault;
static volatile sig_atomic_t fault_count;

static void note_fault(int signal)
{
	(void)signal;
	fault_count++;
	siglongjmp(after_fault, 1);
}

static void fault(void)
{
	if (sigsetjmp(after_fault, 1) == 0)
		*(volatile int *)8 = 1;
}

CASE(faults_of_the_program_reach_its_own_handler)
{
	struct sigaction action = {.sa_handler = note_fault};
	struct pair pair;

	CHECK_EQUAL(sigaction(SIGSEGV, &action, NULL), 0);
	pair = make_pair(IBV_QPT_RC);
	fault();
	fault();
	CHECK_EQUAL(fault_count, 2);
	end_pair(&pair);
}

CASE(a_handler_that_comes_later_costs_no_safety)
{
	struct sigaction action = {.sa_handler = note_fault};
	struct pair pair = make_pair(IBV_QPT_RC);
	char *pages = map_pages(1);
	struct ibv_sge sge;
	struct ibv_mr *mr;

	CHECK_EQUAL(sigaction(SIGSEGV, &action, NULL), 0);
	mr = ibv_reg_mr(pair.world.pd, pages, 4096, ALL_ACCESS);
	munmap(pages, 4096);
	sge = (struct ibv_sge){(uintptr_t)pages, 4096, mr->lkey};
	CHECK_EQUAL(run(&pair, IBV_WR_RDMA_WRITE, sge, pair.world.buffer, pair.world.mr->rkey), IBV_WC_LOC_PROT_ERR);
	CHECK_EQUAL(fault_count, 0);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	end_pair(&pair);
}

/* --- On demand --- */

#define ON_DEMAND (ALL_ACCESS | IBV_ACCESS_ON_DEMAND)

CASE(the_whole_address_space_is_a_region)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct ibv_mr *mr = ibv_reg_mr(pair.world.pd, NULL, SIZE_MAX, ON_DEMAND);
	char *later = map_pages(1);
	struct ibv_sge sge;

	CHECK(mr != NULL);
	strcpy(later, "mapped after the registration");
	sge = (struct ibv_sge){(uintptr_t)later, 64, mr->lkey};
	CHECK_EQUAL(run(&pair, IBV_WR_RDMA_WRITE, sge, later + 1024, mr->rkey), IBV_WC_SUCCESS);
	CHECK(strcmp(later + 1024, later) == 0);
	/* Beyond what any process has: the processor does not even say where. */
	sge.addr = 0x8000000000001000;
	CHECK_EQUAL(run(&pair, IBV_WR_RDMA_WRITE, sge, later, mr->rkey), IBV_WC_LOC_PROT_ERR);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	CHECK_NULL(ibv_reg_mr(pair.world.pd, NULL, SIZE_MAX, ON_DEMAND | IBV_ACCESS_HUGETLB), EINVAL);
	CHECK_NULL(ibv_reg_mr(pair.world.pd, NULL, SIZE_MAX, ALL_ACCESS), EINVAL);
	end_pair(&pair);
	SHOWS(IBV_ACCESS_ON_DEMAND);
}

CASE(pages_on_demand_may_come_after_the_registration)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	char *pages = map_pages(2);
	struct ibv_mr *mr;

	munmap(pages, 8192);
	mr = ibv_reg_mr(pair.world.pd, pages, 8192, ON_DEMAND);
	CHECK(mr != NULL);
	CHECK(mmap(pages, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == pages);
	pair.world.buffer[0] = 99;
	CHECK_EQUAL(run(&pair, IBV_WR_RDMA_WRITE, piece(&pair.world, 0, 8192), pages, mr->rkey), IBV_WC_SUCCESS);
	CHECK_EQUAL(pages[0], 99);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	end_pair(&pair);
}

CASE(advice_is_checked_and_brings_pages)
{
	struct world world = make_world();
	struct ibv_pd *other = ibv_alloc_pd(world.context);
	char *pages = map_pages(4);
	struct ibv_mr *mr = ibv_reg_mr(world.pd, pages, 4 * 4096, ON_DEMAND);
	struct ibv_mr *read_only = ibv_reg_mr(world.pd, pages, 4096, IBV_ACCESS_ON_DEMAND);
	struct ibv_sge sge = {(uintptr_t)pages, 2 * 4096, mr->lkey};
	unsigned char present[4] = {0};
	const int flush = IBV_ADVISE_MR_FLAG_FLUSH;
	const int write_advice = IBV_ADVISE_MR_ADVICE_PREFETCH_WRITE;

	CHECK_EQUAL(ibv_advise_mr(world.pd, write_advice, flush, &sge, 1), 0);
	CHECK_EQUAL(mincore(pages, 4 * 4096, present), 0);
	CHECK(present[0] & present[1] & 1);
	CHECK(!(present[2] & 1));
	CHECK_EQUAL(ibv_advise_mr(world.pd, IBV_ADVISE_MR_ADVICE_PREFETCH, 0, &sge, 1), 0);
	CHECK_EQUAL(ibv_advise_mr(world.pd, IBV_ADVISE_MR_ADVICE_PREFETCH_NO_FAULT, 0, &sge, 1), 0);
	CHECK_EQUAL(ibv_advise_mr(world.pd, 77, 0, &sge, 1), EOPNOTSUPP);
	CHECK_EQUAL(ibv_advise_mr(world.pd, write_advice, 2, &sge, 1), EINVAL);
	CHECK_EQUAL(ibv_advise_mr(world.pd, write_advice, 0, NULL, 0), EINVAL);
	CHECK_EQUAL(ibv_advise_mr(other, write_advice, 0, &sge, 1), EPERM);
	sge.length = 5 * 4096;
	CHECK_EQUAL(ibv_advise_mr(world.pd, write_advice, 0, &sge, 1), EFAULT);
	sge = (struct ibv_sge){(uintptr_t)pages, 4096, read_only->lkey};
	CHECK_EQUAL(ibv_advise_mr(world.pd, write_advice, 0, &sge, 1), EPERM);
	sge = piece(&world, 0, 4096);
	CHECK_EQUAL(ibv_advise_mr(world.pd, write_advice, 0, &sge, 1), EINVAL);
	sge = (struct ibv_sge){(uintptr_t)pages, 4096, mr->lkey ^ 0x01000000};
	CHECK_EQUAL(ibv_advise_mr(world.pd, write_advice, 0, &sge, 1), ENOENT);
	munmap(pages + 4096, 4096);
	sge = (struct ibv_sge){(uintptr_t)pages, 8192, mr->lkey};
	CHECK_EQUAL(ibv_advise_mr(world.pd, write_advice, flush, &sge, 1), EFAULT);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	CHECK_EQUAL(ibv_dereg_mr(read_only), 0);
	CHECK_EQUAL(ibv_dealloc_pd(other), 0);
	end_world(&world);
	SHOWS(ibv_advise_mr);
}

/* --- Device memory and the null region --- */

CASE(device_memory_is_read_and_written)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct ibv_alloc_dm_attr attr = {.length = 8192, .log_align_req = 16};
	struct ibv_dm *dm = ibv_alloc_dm(pair.world.context, &attr);
	const unsigned int access = ALL_ACCESS | IBV_ACCESS_ZERO_BASED;
	struct ibv_sge sge = piece(&pair.world, 0, 8);
	struct ibv_send_wr wr;
	struct ibv_mr *mr;
	uint64_t word = 41;

	CHECK(dm != NULL);
	mr = ibv_reg_dm_mr(pair.world.pd, dm, 4096, 4096, access);
	CHECK(mr != NULL);
	CHECK_EQUAL(ibv_memcpy_to_dm(dm, 4096 + 8, &word, 8), 0);
	wr = request(80, IBV_WR_ATOMIC_FETCH_AND_ADD, &sge);
	wr.wr.atomic.remote_addr = 8;
	wr.wr.atomic.rkey = mr->rkey;
	wr.wr.atomic.compare_add = 1;
	CHECK_EQUAL(try_send(pair.a, &wr), 0);
	EXPECT_COMPLETION(pair.world.cq, 80, IBV_WC_SUCCESS);
	memcpy(&word, pair.world.buffer, 8);
	CHECK_EQUAL(word, 41);
	CHECK_EQUAL(ibv_memcpy_from_dm(&word, dm, 4096 + 8, 8), 0);
	CHECK_EQUAL(word, 42);
	/* As the source of a request, and as its target. */
	sge = (struct ibv_sge){8, 8, mr->lkey};
	CHECK_EQUAL(run(&pair, IBV_WR_RDMA_WRITE, sge, (void *)256, mr->rkey), IBV_WC_SUCCESS);
	CHECK_EQUAL(ibv_memcpy_from_dm(&word, dm, 4096 + 256, 8), 0);
	CHECK_EQUAL(word, 42);

	CHECK_EQUAL(ibv_memcpy_to_dm(dm, 8192, &word, 8), EINVAL);
	CHECK_EQUAL(ibv_memcpy_to_dm(dm, 3, &word, 4), EINVAL);
	CHECK_NULL(ibv_reg_dm_mr(pair.world.pd, dm, 4096, 4100, access), EINVAL);
	CHECK_NULL(ibv_reg_dm_mr(pair.world.pd, dm, 0, 4096, ALL_ACCESS), EINVAL);
	CHECK_EQUAL(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_ACCESS, NULL, NULL, 0, 0), IBV_REREG_MR_ERR_INPUT);
	CHECK_EQUAL(ibv_free_dm(dm), EBUSY);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	CHECK_EQUAL(ibv_free_dm(dm), 0);
	end_pair(&pair);
	SHOWS(ibv_alloc_dm, ibv_free_dm, ibv_reg_dm_mr, ibv_memcpy_to_dm, ibv_memcpy_from_dm);
}

CASE(device_memory_has_limits)
{
	struct world world = make_world();
	struct ibv_device_attr_ex limits;
	struct ibv_alloc_dm_attr attr = {0};

	CHECK_EQUAL(ibv_query_device_ex(world.context, NULL, &limits), 0);
	CHECK(limits.max_dm_size > 0);
	CHECK_EQUAL(limits.odp_caps.general_caps, IBV_ODP_SUPPORT | IBV_ODP_SUPPORT_IMPLICIT);
	CHECK_NULL(ibv_alloc_dm(world.context, &attr), EINVAL);
	attr.length = limits.max_dm_size + 1;
	CHECK_NULL(ibv_alloc_dm(world.context, &attr), EINVAL);
	attr.length = limits.max_dm_size;
	struct ibv_dm *dm = ibv_alloc_dm(world.context, &attr);
	CHECK(dm != NULL);
	CHECK_EQUAL(ibv_free_dm(dm), 0);
	attr.comp_mask = 1;
	CHECK_NULL(ibv_alloc_dm(world.context, &attr), EINVAL);
	end_world(&world);
}

CASE(the_null_region_reads_as_zeros_and_forgets)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct ibv_mr *null = ibv_alloc_null_mr(pair.world.pd);
	struct ibv_sge sge;

	CHECK(null != NULL);
	sge = (struct ibv_sge){0x123456, 4096, null->lkey};
	memset(pair.world.buffer, 0x77, 8192);
	CHECK_EQUAL(run(&pair, IBV_WR_RDMA_WRITE, sge, pair.world.buffer, pair.world.mr->rkey), IBV_WC_SUCCESS);
	CHECK_EQUAL(pair.world.buffer[0], 0);
	CHECK_EQUAL(pair.world.buffer[4095], 0);
	CHECK_EQUAL(pair.world.buffer[4096], 0x77);
	CHECK_EQUAL(run(&pair, IBV_WR_RDMA_READ, sge, pair.world.buffer + 4096, pair.world.mr->rkey), IBV_WC_SUCCESS);
	/* No peer may name it. */
	sge = piece(&pair.world, 0, 8);
	CHECK_EQUAL(run(&pair, IBV_WR_RDMA_READ, sge, pair.world.buffer, null->lkey), IBV_WC_REM_ACCESS_ERR);
	CHECK_EQUAL(ibv_dereg_mr(null), 0);
	end_pair(&pair);
	SHOWS(ibv_alloc_null_mr);
}

CASE(an_atomic_write_arrives_whole)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct ibv_sge sge = piece(&pair.world, 0, 8);
	char *target = pair.world.buffer + 4096;

	memset(pair.world.buffer, 0x33, 8);
	CHECK_EQUAL(run(&pair, IBV_WR_ATOMIC_WRITE, sge, target, pair.world.mr->rkey), IBV_WC_SUCCESS);
	CHECK(memcmp(target, pair.world.buffer, 8) == 0);
	CHECK_EQUAL(target[8], 0);
	struct ibv_qp_init_attr_ex init = {
		.qp_type = IBV_QPT_RC,
		.send_cq = pair.world.cq,
		.recv_cq = pair.world.cq,
		.cap = {.max_send_wr = 1, .max_send_sge = 1},
		.comp_mask = IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_SEND_OPS_FLAGS,
		.pd = pair.world.pd,
		.send_ops_flags = IBV_QP_EX_WITH_ATOMIC_WRITE,
	};
	struct ibv_qp *qp = ibv_create_qp_ex(pair.world.context, &init);
	struct ibv_qp_ex *ex = ibv_qp_to_qp_ex(qp);
	uint64_t word = 0x1122334455667788;

	/* The word is inline, also where nothing else may be. */
	connect_to(&pair.world, qp, qp->qp_num, &usual_path);
	ibv_wr_start(ex);
	ex->wr_id = 71;
	ex->wr_flags = IBV_SEND_SIGNALED;
	ibv_wr_atomic_write(ex, pair.world.mr->rkey, (uintptr_t)target + 64, &word);
	CHECK_EQUAL(ibv_wr_complete(ex), 0);
	EXPECT_COMPLETION(pair.world.cq, 71, IBV_WC_SUCCESS);
	CHECK(memcmp(target + 64, &word, 8) == 0);
	CHECK_EQUAL(ibv_destroy_qp(qp), 0);
	CHECK_EQUAL(run(&pair, IBV_WR_ATOMIC_WRITE, sge, target + 4, pair.world.mr->rkey), IBV_WC_REM_INV_REQ_ERR);
	end_pair(&pair);
	SHOWS(IBV_WR_ATOMIC_WRITE);
}

/* --- Regions that change while they are in use --- */

/* Connects anew after an error. */
static void renew(struct pair *pair)
{
	struct ibv_qp_init_attr init = qp_init(&pair->world, IBV_QPT_RC);

	CHECK_EQUAL(ibv_destroy_qp(pair->a), 0);
	CHECK_EQUAL(ibv_destroy_qp(pair->b), 0);
	CHECK((pair->a = ibv_create_qp(pair->world.pd, &init)) != NULL);
	init.send_cq = init.recv_cq = pair->b_cq;
	CHECK((pair->b = ibv_create_qp(pair->world.pd, &init)) != NULL);
	connect_to(&pair->world, pair->a, pair->b->qp_num, &usual_path);
	connect_to(&pair->world, pair->b, pair->a->qp_num, &usual_path);
}

/* How a WRITE of eight bytes into the region ends; they must be there if, and only if, it ends well. */
static enum ibv_wc_status write_into(struct pair *pair, char *target, uint32_t rkey, char mark)
{
	enum ibv_wc_status status;

	memset(pair->world.buffer, mark, 8);
	status = run(pair, IBV_WR_RDMA_WRITE, piece(&pair->world, 0, 8), target, rkey);
	CHECK_EQUAL(memcmp(target, pair->world.buffer, 8) == 0, status == IBV_WC_SUCCESS);
	if (status != IBV_WC_SUCCESS)
		renew(pair);
	return status;
}

CASE(changed_access_is_obeyed_by_traffic)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	char *pages = map_pages(1);
	struct ibv_mr *mr = ibv_reg_mr(pair.world.pd, pages, 4096, IBV_ACCESS_LOCAL_WRITE);

	CHECK_EQUAL(write_into(&pair, pages, mr->rkey, 1), IBV_WC_REM_ACCESS_ERR);
	CHECK_EQUAL(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_ACCESS, NULL, NULL, 0, ALL_ACCESS), 0);
	CHECK_EQUAL(write_into(&pair, pages, mr->rkey, 2), IBV_WC_SUCCESS);
	CHECK_EQUAL(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_ACCESS, NULL, NULL, 0, IBV_ACCESS_LOCAL_WRITE), 0);
	CHECK_EQUAL(write_into(&pair, pages, mr->rkey, 3), IBV_WC_REM_ACCESS_ERR);
	/* What comes later keeps the access that was changed, not the one of the beginning. */
	CHECK_EQUAL(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_ACCESS, NULL, NULL, 0, ALL_ACCESS), 0);
	CHECK_EQUAL(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_TRANSLATION, NULL, pages, 2048, 0), 0);
	CHECK_EQUAL(write_into(&pair, pages, mr->rkey, 4), IBV_WC_SUCCESS);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	end_pair(&pair);
}

CASE(changed_domain_is_obeyed_by_traffic)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct ibv_pd *other = ibv_alloc_pd(pair.world.context);
	char *pages = map_pages(1);
	struct ibv_mr *mr = ibv_reg_mr(pair.world.pd, pages, 4096, ALL_ACCESS);
	struct ibv_sge local = {(uintptr_t)pages, 8, mr->lkey};

	CHECK_EQUAL(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_PD, other, NULL, 0, 0), 0);
	CHECK_EQUAL(write_into(&pair, pages, mr->rkey, 1), IBV_WC_REM_ACCESS_ERR);
	local.lkey = mr->lkey;
	CHECK_EQUAL(run(&pair, IBV_WR_RDMA_WRITE, local, pair.world.buffer, pair.world.mr->rkey), IBV_WC_LOC_PROT_ERR);
	renew(&pair);
	/* The region holds its new domain, and no longer the old one. */
	CHECK_EQUAL(ibv_dealloc_pd(other), EBUSY);
	CHECK_EQUAL(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_PD, pair.world.pd, NULL, 0, 0), 0);
	CHECK_EQUAL(ibv_dealloc_pd(other), 0);
	CHECK_EQUAL(write_into(&pair, pages, mr->rkey, 2), IBV_WC_SUCCESS);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	end_pair(&pair);
}

CASE(changed_translation_is_obeyed_by_traffic)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct ibv_context *foreign = ibv_open_device(pair.world.context->device);
	struct ibv_pd *foreign_pd = ibv_alloc_pd(foreign);
	char *pages = map_pages(3);
	struct ibv_mr *mr = ibv_reg_mr(pair.world.pd, pages, 4096, ALL_ACCESS);
	uint32_t old = mr->rkey;

	CHECK_EQUAL(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_TRANSLATION, NULL, pages + 4096, 4096, 0), 0);
	CHECK_EQUAL(write_into(&pair, pages, old, 1), IBV_WC_REM_ACCESS_ERR);
	CHECK_EQUAL(write_into(&pair, pages, mr->rkey, 2), IBV_WC_REM_ACCESS_ERR);
	CHECK_EQUAL(write_into(&pair, pages + 4096, mr->rkey, 3), IBV_WC_SUCCESS);
	CHECK_EQUAL(write_into(&pair, pages + 8192, mr->rkey, 4), IBV_WC_REM_ACCESS_ERR);
	/* What is refused changes nothing: memory that is not there, a domain of another context. */
	munmap(pages + 8192, 4096);
	CHECK(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_TRANSLATION, NULL, pages + 4096, 8192, 0) != 0);
	CHECK_EQUAL(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_PD, foreign_pd, NULL, 0, 0), IBV_REREG_MR_ERR_INPUT);
	CHECK_EQUAL(write_into(&pair, pages + 4096, mr->rkey, 5), IBV_WC_SUCCESS);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	CHECK_EQUAL(ibv_dealloc_pd(foreign_pd), 0);
	CHECK_EQUAL(ibv_close_device(foreign), 0);
	end_pair(&pair);
}

CASE(changes_at_once_are_obeyed_by_traffic)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct ibv_pd *other = ibv_alloc_pd(pair.world.context);
	char *pages = map_pages(2);
	struct ibv_mr *mr = ibv_reg_mr(pair.world.pd, pages, 4096, ALL_ACCESS);
	const int move = IBV_REREG_MR_CHANGE_TRANSLATION | IBV_REREG_MR_CHANGE_PD, all = move | IBV_REREG_MR_CHANGE_ACCESS;

	CHECK_EQUAL(ibv_rereg_mr(mr, move, other, pages + 4096, 4096, 0), 0);
	CHECK_EQUAL(write_into(&pair, pages + 4096, mr->rkey, 1), IBV_WC_REM_ACCESS_ERR);
	/* Addresses count from 0, and go on to when the memory is another. */
	CHECK_EQUAL(ibv_rereg_mr(mr, all, pair.world.pd, pages, 4096, ALL_ACCESS | IBV_ACCESS_ZERO_BASED), 0);
	for (int page = 0; page < 2; page++) {
		CHECK_EQUAL(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_TRANSLATION, NULL, pages + page * 4096, 4096, 0), 0);
		memset(pair.world.buffer, 7 + page, 8);
		CHECK_EQUAL(run(&pair, IBV_WR_RDMA_WRITE, piece(&pair.world, 0, 8), (void *)16, mr->rkey), IBV_WC_SUCCESS);
		CHECK_EQUAL(pages[page * 4096 + 16], 7 + page);
	}
	/* Nothing to change, and what cannot be: a region is made on demand, or not. */
	CHECK_EQUAL(ibv_rereg_mr(mr, 0, NULL, NULL, 0, 0), IBV_REREG_MR_ERR_INPUT);
	CHECK_EQUAL(errno, EINVAL);
	CHECK_EQUAL(
		ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_ACCESS, NULL, NULL, 0, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_ON_DEMAND),
		IBV_REREG_MR_ERR_INPUT);
	CHECK_EQUAL(errno, EINVAL);
	CHECK_EQUAL(run(&pair, IBV_WR_RDMA_WRITE, piece(&pair.world, 0, 8), (void *)16, mr->rkey), IBV_WC_SUCCESS);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	CHECK_EQUAL(ibv_dealloc_pd(other), 0);
	end_pair(&pair);
}
