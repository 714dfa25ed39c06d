/* Regions that are pinned: by whom, how much, and what comes of it where there is a limit. */
#include "memory.h"

#include <sys/resource.h>

/* An ordinary user with a limit of locked memory. */
static void become_limited(unsigned long bytes)
{
	struct rlimit limit = {.rlim_cur = bytes, .rlim_max = bytes};

	CHECK_EQUAL(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	/* In a user namespace of one user, its root has no privilege over memory anyway. The kernel counts by user. */
	if (geteuid() == 0 && setuid(210000 + getpid() % 100000) != 0)
		CHECK_EQUAL(errno, EINVAL);
	prctl(PR_SET_DUMPABLE, 1);
}

/* Registers 64 pages twice and half of them once more, without the buffer of a world. */
static void pin(const char *policy, const char *line, unsigned long expected)
{
	setenv("VERBENA_PIN", policy, 1);
	struct ibv_context *context = open_first_device();
	struct ibv_pd *pd = ibv_alloc_pd(context);
	char *pages = make_pages(64);

	CHECK(pd != NULL);
	become_limited(64 * PAGE * 4);
	long before = line != NULL ? status_kilobytes(line) : 0;
	struct ibv_mr *first = ibv_reg_mr(pd, pages, 64 * PAGE, IBV_ACCESS_LOCAL_WRITE);
	struct ibv_mr *second = ibv_reg_mr(pd, pages, 32 * PAGE, IBV_ACCESS_LOCAL_WRITE);
	CHECK(first != NULL && second != NULL);
	if (line != NULL)
		CHECK(status_kilobytes(line) - before >= (long)expected / 1024);
	CHECK_EQUAL(ibv_dereg_mr(first), 0);
	if (line != NULL)
		CHECK_EQUAL(status_kilobytes(line) - before, (long)expected / 2048);
	CHECK_EQUAL(ibv_dereg_mr(second), 0);
	CHECK_EQUAL(status_kilobytes("VmLck:"), 0);
	CHECK_EQUAL(status_kilobytes("VmPin:"), 0);
	CHECK_EQUAL(ibv_dealloc_pd(pd), 0);
	CHECK_EQUAL(ibv_close_device(context), 0);
}

CASE(nothing_is_pinned_by_default) { pin("none", "VmLck:", 0); }
CASE(pinned_by_mlock) { pin("mlock", "VmLck:", 64 * PAGE); }
CASE(pinned_by_the_kernel) { pin("kernel", "VmPin:", 64 * PAGE); }
CASE(pinned_by_whatever_works) { pin("auto", NULL, 0); }

static void pin_over_the_limit(const char *policy, int is_strict)
{
	FILE *said = capture_standard_error();

	setenv("VERBENA_PIN", policy, 1);
	setenv("VERBENA_FORK", "eager", 1);
	struct ibv_context *context = open_first_device();
	struct ibv_pd *pd = ibv_alloc_pd(context);
	char *pages = make_pages(512);

	CHECK(pd != NULL);
	become_limited(64 * PAGE);
	for (int i = 0; i < 2; i++) {
		if (is_strict) {
			CHECK_NULL(ibv_reg_mr(pd, pages, 512 * PAGE, IBV_ACCESS_LOCAL_WRITE), ENOMEM);
			CHECK_FLAGS(pages, "0000");
		} else {
			struct ibv_mr *mr = ibv_reg_mr(pd, pages, 512 * PAGE, IBV_ACCESS_LOCAL_WRITE);

			CHECK(mr != NULL);
			CHECK_EQUAL(ibv_dereg_mr(mr), 0);
		}
	}
	CHECK_EQUAL(occurrences(said, "RLIMIT_MEMLOCK) is 256 KiB"), 1);
	CHECK_EQUAL(occurrences(said, "ulimit -l"), 1);
	struct ibv_mr *small = ibv_reg_mr(pd, pages, 8 * PAGE, IBV_ACCESS_LOCAL_WRITE);
	CHECK(small != NULL);
	CHECK_EQUAL(ibv_dereg_mr(small), 0);
	CHECK_EQUAL(status_kilobytes("VmLck:") + status_kilobytes("VmPin:"), 0);
}

CASE(mlock_over_the_limit_is_refused) { pin_over_the_limit("mlock", 1); }
CASE(kernel_over_the_limit_is_refused) { pin_over_the_limit("kernel", 1); }

CASE(who_lacks_io_uring_is_told_so)
{
	FILE *said = capture_standard_error();

	setenv("VERBENA_PIN", "kernel", 1);
	forbid_call(SYS_io_uring_setup, EPERM);
	struct ibv_context *context = open_first_device();
	struct ibv_pd *pd = ibv_alloc_pd(context);

	CHECK_NULL(ibv_reg_mr(pd, make_pages(1), PAGE, IBV_ACCESS_LOCAL_WRITE), EPERM);
	CHECK_EQUAL(occurrences(said, "io_uring"), 1);
	/* No limit is in the way. */
	CHECK_EQUAL(occurrences(said, "RLIMIT_MEMLOCK"), 0);
}

CASE(auto_over_the_limit_is_unpinned) { pin_over_the_limit("auto", 0); }
