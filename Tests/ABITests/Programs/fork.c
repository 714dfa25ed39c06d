/* A fork in the middle: the child gets errors, the parent goes on. */
#include "check.h"

#include <signal.h>
#include <sys/wait.h>

#define HALF (BUFFER_SIZE / 2)

/* Runs in a child that must neither crash nor hang; its exit code is the number of the line that was not true. */
#define CHILD_CHECK(claim) \
	do { \
		if (!(claim)) \
			_exit(__LINE__ % 250 + 1); \
	} while (0)

static void expect_child(pid_t child)
{
	int status;

	CHECK(child > 0);
	CHECK_EQUAL(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status));
	CHECK_EQUAL(WEXITSTATUS(status), 0);
}

static void call_everything_in_child(struct pair *pair)
{
	struct world *world = &pair->world;
	struct ibv_sge sge = piece(world, 0, 8);
	struct ibv_send_wr send = request(1, IBV_WR_SEND, &sge), *bad_send;
	struct ibv_recv_wr recv = {.wr_id = 1, .sg_list = &sge, .num_sge = 1}, *bad_recv;
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_ERR};
	struct ibv_qp_init_attr init = qp_init(world, IBV_QPT_RC);
	struct ibv_srq_init_attr srq_init = {.attr = {.max_wr = 1, .max_sge = 1}};
	struct ibv_wc wc;
	char other[64];

	alarm(20);
	CHILD_CHECK(ibv_poll_cq(world->cq, 1, &wc) < 0);
	CHILD_CHECK(ibv_req_notify_cq(world->cq, 0) != 0);
	CHILD_CHECK(ibv_post_send(pair->a, &send, &bad_send) != 0);
	CHILD_CHECK(bad_send == &send);
	CHILD_CHECK(ibv_post_recv(pair->a, &recv, &bad_recv) != 0);
	CHILD_CHECK(bad_recv == &recv);
	CHILD_CHECK(ibv_modify_qp(pair->a, &attr, IBV_QP_STATE) != 0);
	CHILD_CHECK(ibv_query_qp(pair->a, &attr, IBV_QP_STATE, &init) != 0);
	init = qp_init(world, IBV_QPT_RC);
	CHILD_CHECK(ibv_create_qp(world->pd, &init) == NULL);
	CHILD_CHECK(ibv_create_cq(world->context, 4, NULL, NULL, 0) == NULL);
	CHILD_CHECK(ibv_create_srq(world->pd, &srq_init) == NULL);
	CHILD_CHECK(ibv_alloc_pd(world->context) == NULL);
	CHILD_CHECK(ibv_reg_mr(world->pd, other, sizeof other, IBV_ACCESS_LOCAL_WRITE) == NULL);
	CHILD_CHECK(ibv_resize_cq(world->cq, 10) != 0);
	CHILD_CHECK(ibv_create_comp_channel(world->context) == NULL);
	CHILD_CHECK(ibv_destroy_qp(pair->a) != 0);
	CHILD_CHECK(ibv_dereg_mr(world->mr) != 0);
	CHILD_CHECK(ibv_destroy_cq(world->cq) != 0);
	CHILD_CHECK(ibv_dealloc_pd(world->pd) != 0);
	CHILD_CHECK(ibv_close_device(world->context) != 0);
	_exit(0);
}

/* Small buffers of malloc lie between the objects of the library, whose pages are then not the child's to inherit. */
enum { SMALL_COUNT = 8, SMALL_SIZE = 100, SMALL_MAX = 64 };

static char *small_buffers[SMALL_MAX];
static int small_buffer_count;

static void make_small_buffers(void)
{
	for (int i = 0; i < SMALL_COUNT; i++) {
		CHECK(small_buffer_count < SMALL_MAX);
		CHECK((small_buffers[small_buffer_count++] = malloc(SMALL_SIZE)) != NULL);
	}
}

static void transfer_one(struct pair *pair, int i)
{
	struct ibv_sge sge = piece(&pair->world, 0, 64);
	struct ibv_send_wr wr = request(i, IBV_WR_SEND, &sge);

	memset(pair->world.buffer, i, 64);
	post_recv(pair->b, i, piece(&pair->world, HALF, 64));
	CHECK_EQUAL(try_send(pair->a, &wr), 0);
	EXPECT_COMPLETION(pair->world.cq, i, IBV_WC_SUCCESS);
	EXPECT_COMPLETION(pair->b_cq, i, IBV_WC_SUCCESS);
	CHECK_EQUAL(pair->world.buffer[HALF + 63], (char)i);
}

CASE(child_gets_errors_and_parent_goes_on)
{
	struct pair pair = make_pair(IBV_QPT_RC);

	transfer_one(&pair, 1);
	pid_t child = fork();
	if (child == 0)
		call_everything_in_child(&pair);
	for (int i = 0; i < 50; i++)
		transfer_one(&pair, i);
	expect_child(child);
	transfer_one(&pair, 7);
	end_pair(&pair);
}

CASE(child_ends_without_touching_the_parent)
{
	struct pair pair = make_pair(IBV_QPT_RC);

	for (int i = 0; i < 20; i++) {
		pid_t child = fork();

		/* With exit handlers and without. */
		if (child == 0 && i % 2)
			exit(0);
		if (child == 0)
			_exit(0);
		transfer_one(&pair, i);
		expect_child(child);
	}
	transfer_one(&pair, 100);
	end_pair(&pair);
}

CASE(child_executes_another_program)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	pid_t child = fork();

	if (child == 0) {
		execlp("true", "true", NULL);
		_exit(9);
	}
	transfer_one(&pair, 1);
	expect_child(child);
	transfer_one(&pair, 2);
	end_pair(&pair);
}

CASE(child_may_open_a_device_of_its_own_or_gets_an_error)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	pid_t child = fork();

	if (child == 0) {
		alarm(20);
		int count;
		struct ibv_device **list = ibv_get_device_list(&count);
		CHILD_CHECK(list != NULL || errno != 0);
		if (list != NULL && count > 0) {
			struct ibv_context *context = ibv_open_device(list[0]);

			CHILD_CHECK(context != NULL || errno != 0);
		}
		_exit(0);
	}
	transfer_one(&pair, 1);
	expect_child(child);
	transfer_one(&pair, 2);
	end_pair(&pair);
}

CASE(fork_before_anything_is_opened)
{
	pid_t child = fork();

	if (child == 0) {
		alarm(40);
		struct pair pair = make_pair(IBV_QPT_RC);

		transfer_one(&pair, 3);
		end_pair(&pair);
		_exit(0);
	}
	expect_child(child);
	struct pair pair = make_pair(IBV_QPT_RC);
	transfer_one(&pair, 4);
	end_pair(&pair);
}

CASE(child_gets_errors_where_objects_share_pages_with_regions)
{
	CHECK_EQUAL(ibv_fork_init(), 0);
	make_small_buffers();
	struct pair pair = make_pair(IBV_QPT_RC);
	struct ibv_mr *regions[SMALL_MAX];

	make_small_buffers();
	for (int i = 0; i < small_buffer_count; i++) {
		regions[i] = ibv_reg_mr(pair.world.pd, small_buffers[i], SMALL_SIZE, IBV_ACCESS_LOCAL_WRITE);
		CHECK(regions[i] != NULL);
		/* Where the library's next objects go. */
		if (small_buffer_count < SMALL_MAX / 2)
			make_small_buffers();
	}
	/* Beside each handle, too, and beside whatever the library put next to it. */
	void *handles[] = {pair.world.context, pair.world.pd, pair.world.cq, pair.a, pair.b, regions[0], regions[1]};
	enum { HANDLE_COUNT = sizeof handles / sizeof *handles };
	struct ibv_mr *more[2 * HANDLE_COUNT];

	for (int i = 0; i < HANDLE_COUNT; i++) {
		char *page = (char *)((uintptr_t)handles[i] & ~(uintptr_t)4095);

		more[2 * i] = ibv_reg_mr(pair.world.pd, page + 16, 32, 0);
		more[2 * i + 1] = ibv_reg_mr(pair.world.pd, page + 4096 - 16, 16 + 8, 0);
		CHECK(more[2 * i] != NULL && more[2 * i + 1] != NULL);
	}
	for (int i = 0; i < 3; i++) {
		pid_t child = fork();

		if (child == 0 && i == 0)
			call_everything_in_child(&pair);
		if (child == 0 && i == 1) {
			/* The child's malloc and its exit handlers are whole. */
			for (int k = 0; k < 1000; k++)
				free(malloc(k));
			exit(0);
		}
		if (child == 0) {
			execlp("true", "true", NULL);
			_exit(9);
		}
		transfer_one(&pair, i);
		expect_child(child);
	}
	for (int i = 0; i < 2 * HANDLE_COUNT; i++)
		CHECK_EQUAL(ibv_dereg_mr(more[i]), 0);
	for (int i = 0; i < small_buffer_count; i++)
		CHECK_EQUAL(ibv_dereg_mr(regions[i]), 0);
	transfer_one(&pair, 9);
	end_pair(&pair);
}
