/* Domains that stand for others, and objects that another context takes over. */
#define _GNU_SOURCE
#include "check.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* --- Domains --- */

CASE(a_parent_domain_stands_for_its_base)
{
	struct world world = make_world();
	struct ibv_td_init_attr td_attr = {0};
	struct ibv_td *td = ibv_alloc_td(world.context, &td_attr);
	struct ibv_parent_domain_init_attr attr = {.pd = world.pd, .td = td};
	struct ibv_pd *parent = ibv_alloc_parent_domain(world.context, &attr);
	struct ibv_mr *mr;

	CHECK(td != NULL);
	CHECK(parent != NULL);
	CHECK_EQUAL(parent->handle, world.pd->handle);
	mr = ibv_reg_mr(parent, world.buffer, 4096, ALL_ACCESS);
	CHECK(mr != NULL);
	CHECK_EQUAL(ibv_dealloc_pd(parent), EBUSY);
	CHECK_EQUAL(ibv_dealloc_td(td), EBUSY);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	struct ibv_cq_init_attr_ex cq_attr = {.cqe = 4, .comp_mask = IBV_CQ_INIT_ATTR_MASK_PD, .parent_domain = world.pd};
	CHECK_NULL(ibv_create_cq_ex(world.context, &cq_attr), EINVAL);
	cq_attr.parent_domain = parent;
	struct ibv_cq_ex *cq = ibv_create_cq_ex(world.context, &cq_attr);
	CHECK(cq != NULL);
	CHECK_EQUAL(ibv_dealloc_pd(parent), EBUSY);
	CHECK_EQUAL(ibv_destroy_cq(ibv_cq_ex_to_cq(cq)), 0);
	attr.pd = parent;
	CHECK_NULL(ibv_alloc_parent_domain(world.context, &attr), EINVAL);
	attr = (struct ibv_parent_domain_init_attr){.pd = world.pd, .comp_mask = IBV_PARENT_DOMAIN_INIT_ATTR_ALLOCATORS};
	CHECK_NULL(ibv_alloc_parent_domain(world.context, &attr), EINVAL);
	CHECK_EQUAL(ibv_dealloc_pd(parent), 0);
	CHECK_EQUAL(ibv_dealloc_td(td), 0);
	td_attr.comp_mask = 1;
	CHECK_NULL(ibv_alloc_td(world.context, &td_attr), EINVAL);
	end_world(&world);
	SHOWS(ibv_alloc_parent_domain, ibv_alloc_td, ibv_dealloc_td);
}

/* --- Taking over --- */

CASE(a_context_is_found_by_its_descriptor)
{
	struct world world = make_world();
	struct ibv_context *context = ibv_import_device(dup(world.context->cmd_fd));
	struct ibv_alloc_dm_attr dm_attr = {.length = 64};
	struct ibv_dm *dm = ibv_alloc_dm(world.context, &dm_attr), *dm_again;
	struct ibv_pd *pd;
	struct ibv_mr *mr;

	CHECK(context != NULL);
	CHECK(context != world.context);
	CHECK(context->device == world.context->device);
	pd = ibv_import_pd(context, world.pd->handle);
	CHECK(pd != NULL);
	CHECK_EQUAL(pd->handle, world.pd->handle);
	mr = ibv_import_mr(pd, world.mr->handle);
	CHECK(mr != NULL);
	CHECK_EQUAL(mr->lkey, world.mr->lkey);
	CHECK_EQUAL(mr->rkey, world.mr->rkey);
	CHECK_EQUAL(mr->length, world.mr->length);
	CHECK(mr->addr == NULL);
	dm_again = ibv_import_dm(context, dm->handle);
	CHECK(dm_again != NULL);
	CHECK_EQUAL(ibv_memcpy_to_dm(dm_again, 0, "word", 4), 0);
	CHECK_NULL(ibv_import_pd(context, 0xFFFFFFF), ENOENT);
	CHECK_NULL(ibv_import_mr(pd, 0xFFFFFFF), ENOENT);
	CHECK_NULL(ibv_import_dm(context, 0xFFFFFFF), ENOENT);
	ibv_unimport_dm(dm_again);
	ibv_unimport_mr(mr);
	/* What was taken over may be ended by either; the other lets go. */
	mr = ibv_import_mr(pd, world.mr->handle);
	CHECK_EQUAL(ibv_dereg_mr(world.mr), 0);
	ibv_unimport_mr(mr);
	ibv_unimport_pd(pd);
	CHECK_EQUAL(ibv_close_device(context), 0);
	world.mr = ibv_reg_mr(world.pd, world.buffer, BUFFER_SIZE, ALL_ACCESS);
	CHECK_EQUAL(ibv_free_dm(dm), 0);
	end_world(&world);
	SHOWS(ibv_import_device, ibv_import_pd, ibv_import_mr, ibv_import_dm, ibv_unimport_pd, ibv_unimport_mr,
		ibv_unimport_dm);
}

CASE(another_descriptor_is_no_context)
{
	struct world world = make_world();
	int other = memfd_create("other", 0);

	CHECK_NULL(ibv_import_device(-1), EBADF);
	CHECK_NULL(ibv_import_device(other), EINVAL);
	/* As a context of another process looks. */
	CHECK_EQUAL(pwrite(other, "VERBCTX", 8, 0), 8);
	CHECK_NULL(ibv_import_device(other), EOPNOTSUPP);
	close(other);
	end_world(&world);
}

/* --- Another process --- */

static void send_descriptor(int channel, int descriptor)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	char byte = 0;
	struct iovec piece = {&byte, 1};
	struct msghdr message = {
		.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};

	memcpy(CMSG_DATA(&control.header), &descriptor, sizeof descriptor);
	CHECK_EQUAL(sendmsg(channel, &message, 0), 1);
}

static int receive_descriptor(int channel)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	int descriptor;
	struct iovec piece = {&byte, 1};
	struct msghdr message = {
		.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};

	CHECK_EQUAL(recvmsg(channel, &message, 0), 1);
	CHECK_EQUAL(message.msg_controllen, sizeof control);
	memcpy(&descriptor, CMSG_DATA(&control.header), sizeof descriptor);
	return descriptor;
}

CASE(a_context_of_another_process_is_refused)
{
	int channel[2], status;

	CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, channel), 0);
	pid_t other = fork();
	struct world world = make_world();
	if (other == 0) {
		char byte;

		send_descriptor(channel[1], world.context->cmd_fd);
		/* Lives on until the other has tried. */
		CHECK_EQUAL(read(channel[1], &byte, 1), 1);
		end_world(&world);
		_exit(0);
	}
	int descriptor = receive_descriptor(channel[0]);
	CHECK_NULL(ibv_import_device(descriptor), EOPNOTSUPP);
	/* The descriptor stays the caller's. */
	CHECK_EQUAL(close(descriptor), 0);
	CHECK_EQUAL(write(channel[0], "", 1), 1);
	CHECK_EQUAL(waitpid(other, &status, 0), other);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	end_world(&world);
}
