/* Protection domains, memory regions, address handles, and shared receive queues: making, ending, and errors. */
#include "check.h"

CASE(domain_is_busy_while_it_is_used)
{
	struct world world = make_world();

	CHECK_EQUAL(world.mr->pd == world.pd, 1);
	CHECK_EQUAL(world.pd->context == world.context, 1);
	CHECK_EQUAL(ibv_dealloc_pd(world.pd), EBUSY);
	struct ibv_qp *qp = make_qp(&world, IBV_QPT_RC);
	CHECK_EQUAL(ibv_dereg_mr(world.mr), 0);
	CHECK_EQUAL(ibv_dealloc_pd(world.pd), EBUSY);
	CHECK_EQUAL(ibv_destroy_qp(qp), 0);
	world.mr = ibv_reg_mr(world.pd, world.buffer, BUFFER_SIZE, ALL_ACCESS);
	end_world(&world);
	CHECK_NULL(ibv_alloc_pd(NULL), EINVAL);
	CHECK_EQUAL(ibv_dealloc_pd(NULL), EINVAL);
	SHOWS(ibv_alloc_pd, ibv_dealloc_pd);
}

CASE(region_is_described)
{
	struct world world = make_world();

	CHECK(world.mr->addr == world.buffer);
	CHECK_EQUAL(world.mr->length, BUFFER_SIZE);
	CHECK(world.mr->lkey != 0);
	CHECK(world.mr->context == world.context);
	struct ibv_mr *same = ibv_reg_mr(world.pd, world.buffer, BUFFER_SIZE, IBV_ACCESS_LOCAL_WRITE);
	CHECK(same != NULL);
	CHECK(same->lkey != world.mr->lkey);
	CHECK_EQUAL(ibv_dereg_mr(same), 0);
	end_world(&world);
	SHOWS(ibv_reg_mr, ibv_dereg_mr);
}

CASE(registration_refuses_what_it_must)
{
	struct world world = make_world();
	char *hole = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *fixed = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(hole + 4096, 4096);
	CHECK_NULL(ibv_reg_mr(world.pd, hole, 3 * 4096, IBV_ACCESS_LOCAL_WRITE), EFAULT);
	CHECK_NULL(ibv_reg_mr(world.pd, NULL, 4096, IBV_ACCESS_LOCAL_WRITE), EFAULT);
	CHECK_NULL(ibv_reg_mr(world.pd, fixed, 4096, IBV_ACCESS_LOCAL_WRITE), EFAULT);
	struct ibv_mr *readable = ibv_reg_mr(world.pd, fixed, 4096, IBV_ACCESS_REMOTE_READ);
	CHECK(readable != NULL);
	CHECK_EQUAL(ibv_dereg_mr(readable), 0);
	CHECK_NULL(ibv_reg_mr(world.pd, world.buffer, 0, IBV_ACCESS_LOCAL_WRITE), EINVAL);
	CHECK_NULL(ibv_reg_mr(world.pd, world.buffer, SIZE_MAX, IBV_ACCESS_LOCAL_WRITE), EINVAL);
	CHECK_NULL(ibv_reg_mr(world.pd, world.buffer, 4096, IBV_ACCESS_REMOTE_WRITE), EINVAL);
	CHECK_NULL(ibv_reg_mr(world.pd, world.buffer, 4096, IBV_ACCESS_REMOTE_ATOMIC), EINVAL);
	CHECK_NULL(ibv_reg_mr(world.pd, world.buffer, 4096, 1 << 15), EINVAL);
	CHECK_NULL(ibv_reg_mr(NULL, world.buffer, 4096, 0), EINVAL);
	end_world(&world);
}

/* The macro takes another way when the flags are not known at compile time, or are optional. */
/* A hint for regions whose memory comes with use: it changes nothing of an ordinary one. */
CASE(huge_pages_may_be_named)
{
	struct world world = make_world();
	struct ibv_mr *mr = ibv_reg_mr(world.pd, world.buffer, 4096, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_HUGETLB);

	CHECK(mr != NULL);
	CHECK_EQUAL(mr->length, 4096);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	end_world(&world);
	SHOWS(IBV_ACCESS_HUGETLB);
}

CASE(optional_access_may_be_named)
{
	struct world world = make_world();
	volatile int access = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_RELAXED_ORDERING;
	struct ibv_mr *mr = ibv_reg_mr(world.pd, world.buffer, 4096, access);

	CHECK(mr != NULL);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	mr = ibv_reg_mr(world.pd, world.buffer, 4096, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_RELAXED_ORDERING);
	CHECK(mr != NULL);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	mr = ibv_reg_mr_iova(world.pd, world.buffer, 4096, 0x10000, IBV_ACCESS_LOCAL_WRITE);
	CHECK(mr != NULL);
	CHECK(mr->addr == world.buffer);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	mr = ibv_reg_mr(world.pd, world.buffer, 4096, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_ZERO_BASED);
	CHECK(mr != NULL);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	end_world(&world);
	SHOWS(IBV_ACCESS_RELAXED_ORDERING, ibv_reg_mr_iova2);
}

CASE(region_can_be_registered_anew)
{
	struct world world = make_world();
	struct ibv_pd *other = ibv_alloc_pd(world.context);
	struct ibv_mr *mr = ibv_reg_mr(world.pd, world.buffer, 4096, IBV_ACCESS_LOCAL_WRITE);

	CHECK_EQUAL(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_TRANSLATION, NULL, world.buffer + 4096, 8192, 0), 0);
	CHECK(mr->addr == world.buffer + 4096);
	CHECK_EQUAL(mr->length, 8192);
	CHECK_EQUAL(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_PD, other, NULL, 0, 0), 0);
	CHECK(mr->pd == other);
	/* What the flags do not name is not looked at. */
	CHECK_EQUAL(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_ACCESS, (struct ibv_pd *)8, NULL, 0, ALL_ACCESS), 0);
	CHECK_EQUAL(ibv_dealloc_pd(other), EBUSY);
	/* The peer knows the key: what changes only the rights leaves it. */
	uint32_t before = mr->rkey;
	CHECK_EQUAL(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_ACCESS, NULL, NULL, 0, ALL_ACCESS), 0);
	CHECK_EQUAL(mr->rkey, before);

	/* Errors leave the region as it was. */
	uint32_t key = mr->lkey;
	CHECK_EQUAL(ibv_rereg_mr(mr, 1 << 5, NULL, NULL, 0, 0), IBV_REREG_MR_ERR_INPUT);
	CHECK_EQUAL(errno, EINVAL);
	CHECK_EQUAL(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_TRANSLATION, NULL, NULL, 0, 0), IBV_REREG_MR_ERR_INPUT);
	CHECK_EQUAL(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_TRANSLATION, NULL, NULL, 4096, 0), IBV_REREG_MR_ERR_INPUT);
	CHECK_EQUAL(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_PD, NULL, NULL, 0, 0), IBV_REREG_MR_ERR_INPUT);
	CHECK_EQUAL(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_PD, other, NULL, 0, ALL_ACCESS), IBV_REREG_MR_ERR_INPUT);
	CHECK_EQUAL(mr->lkey, key);
	CHECK(mr->addr == world.buffer + 4096);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	CHECK_EQUAL(ibv_dealloc_pd(other), 0);
	end_world(&world);
	SHOWS(ibv_rereg_mr);
}

CASE(address_handles)
{
	struct world world = make_world();
	struct ibv_ah_attr attr = {
		.is_global = 1,
		.port_num = PORT,
		.grh = {.dgid = world.gid, .sgid_index = world.gid_index, .hop_limit = 1},
	};
	struct ibv_ah *ah = ibv_create_ah(world.pd, &attr);

	CHECK(ah != NULL);
	CHECK(ah->pd == world.pd && ah->context == world.context);
	CHECK_EQUAL(ibv_dealloc_pd(world.pd), EBUSY);
	CHECK_EQUAL(ibv_destroy_ah(ah), 0);
	attr.port_num = 2;
	CHECK_NULL(ibv_create_ah(world.pd, &attr), EINVAL);
	attr.port_num = PORT;
	attr.grh.sgid_index = 250;
	CHECK_NULL(ibv_create_ah(world.pd, &attr), EINVAL);
	attr.grh.sgid_index = world.gid_index;
	/* RoCE needs a global route. */
	attr.is_global = 0;
	CHECK_NULL(ibv_create_ah(world.pd, &attr), EINVAL);
	CHECK_NULL(ibv_create_ah(world.pd, NULL), EINVAL);
	end_world(&world);
	SHOWS(ibv_create_ah, ibv_destroy_ah);
}

CASE(shared_receive_queues)
{
	struct world world = make_world();
	struct ibv_srq_init_attr init = {.srq_context = &world, .attr = {.max_wr = 10, .max_sge = 2}};
	struct ibv_srq *srq = ibv_create_srq(world.pd, &init);
	struct ibv_srq_attr attr;

	CHECK(srq != NULL);
	CHECK(srq->srq_context == &world && srq->pd == world.pd && srq->context == world.context);
	CHECK(init.attr.max_wr >= 10 && init.attr.max_sge >= 2);
	CHECK_EQUAL(ibv_query_srq(srq, &attr), 0);
	CHECK_EQUAL(attr.max_wr, init.attr.max_wr);
	CHECK_EQUAL(attr.srq_limit, 0);
	attr.srq_limit = 5;
	CHECK_EQUAL(ibv_modify_srq(srq, &attr, IBV_SRQ_LIMIT), 0);
	CHECK_EQUAL(ibv_query_srq(srq, &attr), 0);
	CHECK_EQUAL(attr.srq_limit, 5);
	attr.srq_limit = 1 << 20;
	CHECK_EQUAL(ibv_modify_srq(srq, &attr, IBV_SRQ_LIMIT), EINVAL);
	CHECK_EQUAL(ibv_modify_srq(srq, &attr, 1 << 7), EINVAL);
	attr.max_wr = 100;
	CHECK_EQUAL(ibv_modify_srq(srq, &attr, IBV_SRQ_MAX_WR), 0);
	CHECK_EQUAL(ibv_query_srq(srq, &attr), 0);
	CHECK(attr.max_wr >= 100);
	CHECK_EQUAL(ibv_dealloc_pd(world.pd), EBUSY);
	uint32_t number;
	CHECK_EQUAL(ibv_get_srq_num(srq, &number), EOPNOTSUPP);
	CHECK_EQUAL(ibv_destroy_srq(srq), 0);

	init.attr = (struct ibv_srq_attr){.max_wr = 0, .max_sge = 1};
	CHECK_NULL(ibv_create_srq(world.pd, &init), EINVAL);
	init.attr = (struct ibv_srq_attr){.max_wr = 1 << 30, .max_sge = 1};
	CHECK_NULL(ibv_create_srq(world.pd, &init), EINVAL);
	init.attr = (struct ibv_srq_attr){.max_wr = 1, .max_sge = 1 << 20};
	CHECK_NULL(ibv_create_srq(world.pd, &init), EINVAL);
	end_world(&world);
	SHOWS(ibv_create_srq, ibv_query_srq, ibv_modify_srq, ibv_destroy_srq);
}

CASE(posting_to_a_shared_receive_queue)
{
	struct world world = make_world();
	struct ibv_srq_init_attr init = {.attr = {.max_wr = 2, .max_sge = 2}};
	struct ibv_srq *srq = ibv_create_srq(world.pd, &init);
	struct ibv_sge list[40] = {piece(&world, 0, 64)};
	struct ibv_recv_wr wr[3] = {
		{.wr_id = 1, .next = &wr[1], .sg_list = list, .num_sge = 1},
		{.wr_id = 2, .next = &wr[2], .sg_list = list, .num_sge = 40},
		{.wr_id = 3, .sg_list = list, .num_sge = 1},
	}, *bad = NULL;

	CHECK(srq != NULL);
	/* The second has too many elements; the first is posted. */
	CHECK_EQUAL(ibv_post_srq_recv(srq, wr, &bad), EINVAL);
	CHECK(bad == &wr[1]);
	int error;
	uint32_t posted = 1;
	while ((error = ibv_post_srq_recv(srq, &wr[2], &bad)) == 0)
		posted++;
	CHECK_EQUAL(error, ENOMEM);
	CHECK(bad == &wr[2]);
	CHECK_EQUAL(posted, init.attr.max_wr);
	CHECK_EQUAL(ibv_destroy_srq(srq), 0);
	end_world(&world);
	SHOWS(ibv_post_srq_recv);
}
