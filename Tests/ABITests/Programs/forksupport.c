/* Fork support: rdma-core's functions and variables, mark_nocopy, and Verbena's own variables. The library reads its
 * environment when it is first called, so each case sets it first. */
#include "memory.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* --- ibv_fork_init and ibv_is_fork_initialized --- */

CASE(fork_support_is_off_until_asked_for)
{
	CHECK_EQUAL(ibv_is_fork_initialized(), IBV_FORK_DISABLED);
	CHECK_EQUAL(ibv_fork_init(), 0);
	CHECK_EQUAL(ibv_is_fork_initialized(), IBV_FORK_ENABLED);
	CHECK_EQUAL(ibv_fork_init(), 0);
	CHECK_EQUAL(ibv_is_fork_initialized(), IBV_FORK_ENABLED);
	SHOWS(ibv_fork_init, ibv_is_fork_initialized);
}

CASE(fork_support_after_a_registration_is_too_late)
{
	struct world world = make_world();

	CHECK_EQUAL(ibv_fork_init(), EINVAL);
	CHECK_EQUAL(ibv_is_fork_initialized(), IBV_FORK_DISABLED);
	end_world(&world);
	CHECK_EQUAL(ibv_fork_init(), EINVAL);
}

CASE(fork_support_after_a_range_is_too_late)
{
	char *pages = make_pages(2);

	CHECK_EQUAL(ibv_dontfork_range(pages, PAGE), 0);
	CHECK_FLAGS(pages, "00");
	CHECK_EQUAL(ibv_fork_init(), EINVAL);
	CHECK_EQUAL(ibv_is_fork_initialized(), IBV_FORK_DISABLED);
}

/* A kernel without MADV_DONTFORK, which a filter of system calls plays. */
CASE(a_kernel_that_cannot_is_reported)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MADV_DONTFORK, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};

	CHECK_EQUAL(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	CHECK_EQUAL(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
	CHECK_EQUAL(ibv_fork_init(), ENOSYS);
	CHECK_EQUAL(ibv_is_fork_initialized(), IBV_FORK_DISABLED);
}

static void expect_status(const char *name, const char *value, enum ibv_fork_status expected)
{
	setenv(name, value, 1);
	CHECK_EQUAL(ibv_is_fork_initialized(), expected);
}

CASE(rdmav_fork_safe_asks_for_it) { expect_status("RDMAV_FORK_SAFE", "1", IBV_FORK_ENABLED); }
CASE(ibv_fork_safe_asks_for_it) { expect_status("IBV_FORK_SAFE", "1", IBV_FORK_ENABLED); }
CASE(rdmav_fork_safe_may_be_zero) { expect_status("RDMAV_FORK_SAFE", "0", IBV_FORK_DISABLED); }
CASE(rdmav_fork_safe_may_be_any_word) { expect_status("RDMAV_FORK_SAFE", "yes", IBV_FORK_ENABLED); }
CASE(ibv_fork_safe_may_be_empty) { expect_status("IBV_FORK_SAFE", "", IBV_FORK_ENABLED); }
CASE(verbena_fork_eager_asks_for_it) { expect_status("VERBENA_FORK", "eager", IBV_FORK_ENABLED); }
CASE(verbena_fork_atfork_asks_for_it) { expect_status("VERBENA_FORK", "atfork", IBV_FORK_ENABLED); }
CASE(verbena_fork_off_needs_nothing) { expect_status("VERBENA_FORK", "off", IBV_FORK_UNNEEDED); }

CASE(an_unknown_word_is_named_and_ignored)
{
	FILE *said = capture_standard_error();

	expect_status("VERBENA_FORK", "sometimes", IBV_FORK_DISABLED);
	CHECK_EQUAL(occurrences(said, "VERBENA_FORK=sometimes"), 1);
}

/* --- Ranges --- */

CASE(eager_ranges_leave_children_at_once)
{
	char *pages = make_pages(4);

	setenv("VERBENA_FORK", "eager", 1);
	CHECK_EQUAL(ibv_dontfork_range(pages + PAGE, 2 * PAGE), 0);
	CHECK_FLAGS(pages, "0110");
	CHECK_EQUAL(ibv_dontfork_range(pages + PAGE + 100, 10), 0);
	CHECK_EQUAL(ibv_dofork_range(pages + PAGE, 2 * PAGE), 0);
	CHECK_FLAGS(pages, "0100");
	CHECK_EQUAL(child_has(pages), 1);
	CHECK_EQUAL(child_has(pages + PAGE), 0);
	CHECK_EQUAL(ibv_dofork_range(pages + PAGE, PAGE), 0);
	CHECK_FLAGS(pages, "0000");
}

CASE(at_fork_ranges_leave_children_at_the_fork)
{
	char *pages = make_pages(4);
	int before = mapping_count();

	setenv("VERBENA_FORK", "atfork", 1);
	CHECK_EQUAL(ibv_dontfork_range(pages + PAGE, 2 * PAGE), 0);
	CHECK_FLAGS(pages, "0000");
	CHECK_EQUAL(child_has(pages), 1);
	CHECK_EQUAL(child_has(pages + 2 * PAGE), 0);
	CHECK_FLAGS(pages, "0000");
	CHECK_EQUAL(ibv_dofork_range(pages + PAGE, 2 * PAGE), 0);
	CHECK_EQUAL(child_has(pages + 2 * PAGE), 1);
	/* The account has memory of its own by now, and that is all. */
	CHECK(mapping_count() <= before + 4);
}

CASE(with_the_policy_off_children_have_everything)
{
	char *pages = make_pages(4);

	setenv("VERBENA_FORK", "off", 1);
	CHECK_EQUAL(ibv_fork_init(), 0);
	CHECK_EQUAL(ibv_dontfork_range(pages, PAGE), 0);
	CHECK_EQUAL(mark(pages, PAGE, 1), 0);
	CHECK_EQUAL(child_has(pages), 1);
	CHECK_EQUAL(ibv_is_fork_initialized(), IBV_FORK_UNNEEDED);
}

CASE(regions_leave_children)
{
	setenv("RDMAV_FORK_SAFE", "1", 1);
	struct world world = make_world();

	CHECK_EQUAL(child_has(world.buffer), 0);
	CHECK_EQUAL(child_has(world.buffer + BUFFER_SIZE - PAGE), 0);
	struct ibv_mr *second = ibv_reg_mr(world.pd, world.buffer, PAGE, 0);
	/* Of a page that is registered in part, the child has a copy of its own. */
	struct ibv_mr *third = ibv_reg_mr(world.pd, world.buffer + 2 * PAGE, 10, 0);
	CHECK(second != NULL && third != NULL);
	CHECK_EQUAL(ibv_dereg_mr(world.mr), 0);
	CHECK_EQUAL(child_has(world.buffer), 0);
	CHECK_EQUAL(child_has(world.buffer + PAGE), 1);
	CHECK_EQUAL(child_has(world.buffer + 2 * PAGE), 1);
	CHECK_EQUAL(ibv_dereg_mr(second), 0);
	CHECK_EQUAL(ibv_dereg_mr(third), 0);
	CHECK_EQUAL(child_has(world.buffer), 1);
}

/* --- mark_nocopy --- */

static void count_marks(const char *policy)
{
	char *pages = make_pages(4);

	setenv("VERBENA_FORK", policy, 1);
	for (int i = 0; i < 3; i++)
		CHECK_EQUAL(mark(pages + PAGE, 2 * PAGE, i + 1), 0);
	CHECK_EQUAL(mark(pages, PAGE, -1), 0);
	CHECK_EQUAL(mark(pages, 3 * PAGE, 0), 0);
	CHECK_EQUAL(child_has(pages), 1);
	CHECK_EQUAL(child_has(pages + PAGE), 0);
	/* The first page has no mark any more: nothing of the range changes. */
	CHECK_FAILS(mark(pages, 3 * PAGE, 0), EINVAL);
	CHECK_EQUAL(mark(pages + PAGE, 1, 0), 0);
	CHECK_EQUAL(child_has(pages + PAGE), 0);
	CHECK_EQUAL(mark(pages + PAGE, 2 * PAGE, 0), 0);
	CHECK_EQUAL(child_has(pages + PAGE), 1);
	CHECK_EQUAL(child_has(pages + 2 * PAGE), 0);
	CHECK_FAILS(mark(pages + PAGE, 2 * PAGE, 0), EINVAL);
	CHECK_EQUAL(mark(pages + 2 * PAGE, PAGE, 0), 0);
	CHECK_FAILS(mark(pages + 2 * PAGE, PAGE, 0), EINVAL);
	CHECK_EQUAL(child_has(pages + 2 * PAGE), 1);
	CHECK_FLAGS(pages, "0000");
}

CASE(marks_count_when_eager) { count_marks("eager"); }
CASE(marks_count_at_fork) { count_marks("atfork"); }

static void refuse_bad_ranges(const char *policy)
{
	char *pages = make_pages(5);
	char *top = (char *)0x7ffffffff000;

	setenv("VERBENA_FORK", policy, 1);
	CHECK_EQUAL(mark(pages, PAGE, 1), 0);
	CHECK_EQUAL(munmap(pages + 2 * PAGE, PAGE), 0);
	for (int on = 0; on < 2; on++) {
		CHECK_EQUAL(mark(NULL, 0, on), 0);
		CHECK_EQUAL(mark(pages, 0, on), 0);
		CHECK_FAILS(mark((char *)-1L, 2, on), EINVAL);
		CHECK_FAILS(mark(pages, SIZE_MAX, on), EINVAL);
		CHECK_FAILS(mark((char *)-10L, 5, on), EINVAL);
	}
	CHECK_FAILS(mark(NULL, 1, 1), ENOMEM);
	CHECK_FAILS(mark(top, PAGE, 1), ENOMEM);
	CHECK_FAILS(mark((char *)(1UL << 63), 1, 1), ENOMEM);
	CHECK_FAILS(mark(pages, 5 * PAGE, 1), ENOMEM);
	CHECK_FAILS(mark(pages + PAGE, 2 * PAGE, 1), ENOMEM);
	CHECK_FAILS(mark(pages + PAGE, PAGE, 0), EINVAL);
	CHECK_FLAGS(pages, strcmp(policy, "eager") == 0 ? "10-00" : "00-00");
	CHECK_EQUAL(child_has(pages), 0);
	CHECK_EQUAL(child_has(pages + PAGE), 1);
	CHECK_EQUAL(child_has(pages + 3 * PAGE), 1);
	CHECK_EQUAL(mark(pages, PAGE, 0), 0);
	CHECK_FLAGS(pages, "00-00");
}

CASE(bad_ranges_change_nothing_when_eager) { refuse_bad_ranges("eager"); }
CASE(bad_ranges_change_nothing_at_fork) { refuse_bad_ranges("atfork"); }

CASE(protected_memory_is_marked_like_any_other)
{
	char *pages = make_pages(3);

	setenv("VERBENA_FORK", "eager", 1);
	CHECK_EQUAL(mprotect(pages, PAGE, PROT_READ), 0);
	CHECK_EQUAL(mprotect(pages + PAGE, PAGE, PROT_NONE), 0);
	CHECK_EQUAL(mark(pages, 3 * PAGE, 1), 0);
	CHECK_FLAGS(pages, "111");
	CHECK_EQUAL(mark(pages, 3 * PAGE, 0), 0);
	CHECK_FLAGS(pages, "000");
}

CASE(unmapping_before_unmarking_is_fine)
{
	char *pages = make_pages(4);

	setenv("VERBENA_FORK", "eager", 1);
	CHECK_EQUAL(mark(pages, 4 * PAGE, 1), 0);
	CHECK_EQUAL(munmap(pages + PAGE, PAGE), 0);
	CHECK_EQUAL(mark(pages, 4 * PAGE, 0), 0);
	CHECK_FLAGS(pages, "0-00");
	CHECK_FAILS(mark(pages, PAGE, 0), EINVAL);
	CHECK_EQUAL(mark(pages, PAGE, 1), 0);
	CHECK_FLAGS(pages, "1-00");
}

CASE(running_out_of_mappings_is_an_error_and_passes)
{
	enum { count = 80000 };
	char *pages = make_pages(count);
	int before, marked = 0;
	FILE *said = capture_standard_error();

	setenv("VERBENA_FORK", "eager", 1);
	/* The account takes its own memory before the mappings are counted. */
	CHECK_EQUAL(mark(pages, PAGE, 1), 0);
	CHECK_EQUAL(mark(pages, PAGE, 0), 0);
	before = mapping_count();
	while (2 * marked < count && mark(pages + 2 * marked * PAGE, PAGE, 1) == 0)
		marked++;
	CHECK_EQUAL(errno, ENOMEM);
	CHECK(marked > 30000);
	CHECK(2 * marked < count);
	CHECK_EQUAL(occurrences(said, "vm.max_map_count"), 1);
	CHECK(malloc(1 << 20) != NULL);
	CHECK_FLAGS(pages + (2 * marked - 2) * PAGE, "1000");
	for (int i = 0; i < marked; i++)
		CHECK_EQUAL(mark(pages + 2 * i * PAGE, PAGE, 0), 0);
	CHECK(mapping_count() <= before + 2);
	CHECK_EQUAL(mark(pages + PAGE, PAGE, 1), 0);
	CHECK_FLAGS(pages, "010");
}

/* --- The fork check --- */

__attribute__((noinline)) static struct ibv_mr *register_here(struct ibv_pd *pd, char *buffer)
{
	return ibv_reg_mr(pd, buffer, PAGE, IBV_ACCESS_LOCAL_WRITE);
}

CASE(the_fork_check_names_the_place_once)
{
	FILE *said = capture_standard_error();

	setenv("VERBENA_FORK_CHECK", "1", 1);
	struct world world = make_world();
	struct ibv_mr *mr = register_here(world.pd, make_pages(1));

	CHECK(mr != NULL);
	CHECK_EQUAL(child_has(world.buffer), 1);
	CHECK_EQUAL(child_has(world.buffer), 1);
	CHECK_EQUAL(occurrences(said, "fork check: the child"), 2);
	CHECK_EQUAL(occurrences(said, "register_here"), 1);
	CHECK_EQUAL(occurrences(said, "make_world"), 1);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	end_world(&world);
}

CASE(the_fork_check_is_silent_about_protected_memory)
{
	FILE *said = capture_standard_error();

	setenv("VERBENA_FORK_CHECK", "abort", 1);
	CHECK_EQUAL(ibv_fork_init(), 0);
	struct world world = make_world();

	CHECK_EQUAL(child_has(world.buffer), 0);
	CHECK_EQUAL(occurrences(said, "fork check"), 0);
	end_world(&world);
}

CASE(the_fork_check_stops_the_program)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		alarm(40);
		setenv("VERBENA_FORK_CHECK", "abort", 1);
		struct world world = make_world();

		fork();
		_exit(world.mr != NULL ? 7 : 8);
	}
	CHECK_EQUAL(waitpid(child, &status, 0), child);
	CHECK(WIFSIGNALED(status));
	CHECK_EQUAL(WTERMSIG(status), SIGABRT);
}
