/* Regions over bad memory: each a defined errno, and the account exact afterwards. */
#include "memory.h"

#include <linux/mman.h>

#define HUGE (2UL << 20)

static struct world make_eager_world(void)
{
	setenv("VERBENA_FORK", "eager", 1);
	return make_world();
}

CASE(bad_memory_is_refused_and_marks_nothing)
{
	struct world world = make_eager_world();
	char *pages = make_pages(6);
	int access = IBV_ACCESS_LOCAL_WRITE;

	CHECK_EQUAL(munmap(pages + 2 * PAGE, PAGE), 0);
	CHECK_EQUAL(mprotect(pages + 4 * PAGE, PAGE, PROT_READ), 0);
	CHECK_EQUAL(mprotect(pages + 5 * PAGE, PAGE, PROT_NONE), 0);
	CHECK_NULL(ibv_reg_mr(world.pd, NULL, PAGE, access), EFAULT);
	CHECK_NULL(ibv_reg_mr(world.pd, pages, 0, access), EINVAL);
	CHECK_NULL(ibv_reg_mr(world.pd, pages, SIZE_MAX, access), EINVAL);
	CHECK_NULL(ibv_reg_mr(world.pd, (char *)-PAGE, 2 * PAGE, access), EINVAL);
	CHECK_NULL(ibv_reg_mr(world.pd, pages, 4 * PAGE, access), EFAULT);
	CHECK_NULL(ibv_reg_mr(world.pd, pages + 3 * PAGE, 2 * PAGE, access), EFAULT);
	CHECK_NULL(ibv_reg_mr(world.pd, pages + 3 * PAGE, 3 * PAGE, 0), EFAULT);
	CHECK_FLAGS(pages, "00-000");
	struct ibv_mr *readable = ibv_reg_mr(world.pd, pages + 3 * PAGE, 2 * PAGE, IBV_ACCESS_REMOTE_READ);
	CHECK(readable != NULL);
	CHECK_FLAGS(pages, "00-110");
	CHECK_EQUAL(ibv_dereg_mr(readable), 0);
	CHECK_FLAGS(pages, "00-000");
	end_world(&world);
}

CASE(memory_that_goes_before_its_region_is_no_error)
{
	struct world world = make_eager_world();
	char *pages = make_pages(4);
	struct ibv_mr *mr = ibv_reg_mr(world.pd, pages, 4 * PAGE, IBV_ACCESS_LOCAL_WRITE);

	CHECK(mr != NULL);
	CHECK_FLAGS(pages, "1111");
	CHECK_EQUAL(munmap(pages + PAGE, 2 * PAGE), 0);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	CHECK_FLAGS(pages, "0--0");
	/* New memory at the old place is marked like any other. */
	CHECK(mmap(pages + PAGE, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
		MAP_FAILED);
	mr = ibv_reg_mr(world.pd, pages, 4 * PAGE, IBV_ACCESS_LOCAL_WRITE);
	CHECK(mr != NULL);
	CHECK_FLAGS(pages, "1111");
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	CHECK_FLAGS(pages, "0000");
	end_world(&world);
}

CASE(a_region_that_is_ended_twice_is_an_error)
{
	struct world world = make_eager_world();
	char *pages = make_pages(2);
	struct ibv_mr *mr = ibv_reg_mr(world.pd, pages, PAGE, IBV_ACCESS_LOCAL_WRITE);
	struct ibv_mr *other = ibv_reg_mr(world.pd, pages, 2 * PAGE, IBV_ACCESS_LOCAL_WRITE);

	CHECK(mr != NULL && other != NULL);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	CHECK_EQUAL(ibv_dereg_mr(mr), EINVAL);
	/* The region over the same bytes keeps its mark, and what comes later is somebody else. */
	CHECK_FLAGS(pages, "11");
	for (int i = 0; i < 100; i++) {
		struct ibv_mr *later = ibv_reg_mr(world.pd, pages, PAGE, IBV_ACCESS_LOCAL_WRITE);

		CHECK(later != NULL && later != mr);
		CHECK_EQUAL(ibv_dereg_mr(mr), EINVAL);
		CHECK_EQUAL(ibv_dereg_mr(later), 0);
	}
	CHECK_FLAGS(pages, "11");
	CHECK_EQUAL(ibv_dereg_mr(other), 0);
	CHECK_FLAGS(pages, "00");
	end_world(&world);
}

/* --- Regions that move --- */

CASE(marks_follow_a_region_that_is_registered_anew)
{
	struct world world = make_eager_world();
	char *pages = make_pages(6);
	struct ibv_mr *mr = ibv_reg_mr(world.pd, pages, 2 * PAGE, IBV_ACCESS_LOCAL_WRITE);
	struct ibv_mr *other = ibv_reg_mr(world.pd, pages + PAGE, PAGE, IBV_ACCESS_LOCAL_WRITE);

	CHECK(mr != NULL && other != NULL);
	CHECK_FLAGS(pages, "110000");
	CHECK_EQUAL(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_TRANSLATION, NULL, pages + 3 * PAGE, 2 * PAGE, 0), 0);
	CHECK_FLAGS(pages, "010110");
	/* Onto a range that overlaps its own. */
	CHECK_EQUAL(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_TRANSLATION, NULL, pages + 2 * PAGE, 2 * PAGE, 0), 0);
	CHECK_FLAGS(pages, "011100");
	/* Rights and domain have no pages. */
	CHECK_EQUAL(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_ACCESS, NULL, NULL, 0, 0), 0);
	CHECK_FLAGS(pages, "011100");
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	CHECK_FLAGS(pages, "010000");
	CHECK_EQUAL(ibv_dereg_mr(other), 0);
	CHECK_FLAGS(pages, "000000");
	end_world(&world);
}

CASE(a_region_that_cannot_move_keeps_its_marks)
{
	struct world world = make_eager_world();
	char *pages = make_pages(6);
	struct ibv_mr *mr = ibv_reg_mr(world.pd, pages, 2 * PAGE, IBV_ACCESS_LOCAL_WRITE);

	CHECK(mr != NULL);
	CHECK_EQUAL(munmap(pages + 4 * PAGE, PAGE), 0);
	uint32_t key = mr->lkey;
	CHECK(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_TRANSLATION, NULL, pages + 3 * PAGE, 2 * PAGE, 0) != 0);
	CHECK_EQUAL(errno, EFAULT);
	CHECK_FLAGS(pages, "1100-0");
	CHECK(mr->addr == pages && mr->length == 2 * PAGE && mr->lkey == key);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	CHECK_FLAGS(pages, "0000-0");
	end_world(&world);
}

CASE(a_region_that_moves_is_out_of_children_at_the_fork)
{
	setenv("VERBENA_FORK", "atfork", 1);
	struct world world = make_world();
	char *pages = make_pages(4);

	memset(pages, 1, 4 * PAGE);
	struct ibv_mr *mr = ibv_reg_mr(world.pd, pages, PAGE, IBV_ACCESS_LOCAL_WRITE);
	CHECK(mr != NULL);
	CHECK_EQUAL(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_TRANSLATION, NULL, pages + 2 * PAGE, PAGE, 0), 0);
	CHECK_EQUAL(child_has(pages), 1);
	CHECK_EQUAL(child_has(pages + 2 * PAGE), 0);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	CHECK_EQUAL(child_has(pages + 2 * PAGE), 1);
	end_world(&world);
}

CASE(a_region_that_cannot_be_kept_out_of_children_does_not_move)
{
	struct world world = make_eager_world();
	char *pages = make_pages(4);
	struct ibv_mr *mr = ibv_reg_mr(world.pd, pages, PAGE, IBV_ACCESS_LOCAL_WRITE);
	size_t limit = 0;
	FILE *file = fopen("/proc/sys/vm/max_map_count", "r");

	CHECK(mr != NULL && file != NULL);
	CHECK_EQUAL(fscanf(file, "%zu", &limit), 1);
	fclose(file);
	/* Every other page has another protection, until the process may have no more mappings. */
	char *many = mmap(NULL, limit * 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(many != MAP_FAILED);
	for (size_t i = 0; i < limit; i++)
		if (mprotect(many + 2 * i * PAGE, PAGE, PROT_NONE) != 0)
			break;
	CHECK_EQUAL(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_TRANSLATION, NULL, pages + 2 * PAGE, PAGE, 0),
		IBV_REREG_MR_ERR_DONT_FORK_NEW);
	CHECK_EQUAL(errno, ENOMEM);
	CHECK_EQUAL(munmap(many, limit * 2 * PAGE), 0);
	CHECK_FLAGS(pages, "1000");
	CHECK(mr->addr == pages);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	CHECK_FLAGS(pages, "0000");
	end_world(&world);
}

/* --- A million regions --- */

static void register_a_million(const char *policy)
{
	enum { page_count = 1024, region_count = 1000000 };
	struct ibv_device_attr attr;
	struct ibv_mr **regions;
	char *pages = make_pages(page_count);
	int made = 0;

	setenv("VERBENA_FORK", policy, 1);
	struct world world = make_world();
	CHECK_EQUAL(ibv_query_device(world.context, &attr), 0);
	CHECK(attr.max_mr >= region_count);
	CHECK((regions = calloc(region_count, sizeof *regions)) != NULL);
	while (made < region_count) {
		char *start = pages + made % (page_count - 3) * PAGE;

		regions[made] = ibv_reg_mr(world.pd, start, (1 + made % 3) * PAGE, IBV_ACCESS_LOCAL_WRITE);
		CHECK(regions[made] != NULL);
		made++;
	}
	CHECK_EQUAL(child_has(pages), 0);
	/* Some from the front, the rest from the back. */
	for (int i = 0; i < made / 2; i++)
		CHECK_EQUAL(ibv_dereg_mr(regions[i]), 0);
	CHECK_EQUAL(child_has(pages + 5 * PAGE), 0);
	while (made-- > region_count / 2)
		CHECK_EQUAL(ibv_dereg_mr(regions[made]), 0);
	CHECK_FLAGS(pages, "0000000000");
	CHECK_EQUAL(child_has(pages), 1);
	end_world(&world);
}

CASE(a_million_regions_when_eager) { register_a_million("eager"); }
CASE(a_million_regions_at_fork) { register_a_million("atfork"); }

CASE(more_regions_than_the_device_has_are_refused)
{
	struct world world = make_eager_world();
	struct ibv_device_attr attr;
	char *pages = make_pages(4);
	struct ibv_mr **regions;
	int made = 0;

	CHECK_EQUAL(ibv_query_device(world.context, &attr), 0);
	CHECK((regions = calloc(attr.max_mr + 1, sizeof *regions)) != NULL);
	while (made <= attr.max_mr) {
		regions[made] = ibv_reg_mr(world.pd, pages, PAGE, IBV_ACCESS_LOCAL_WRITE);
		if (regions[made] == NULL)
			break;
		made++;
	}
	CHECK_EQUAL(errno, ENOMEM);
	/* One is the world's own. */
	CHECK_EQUAL(made, attr.max_mr - 1);
	while (made-- > 0)
		CHECK_EQUAL(ibv_dereg_mr(regions[made]), 0);
	CHECK_FLAGS(pages, "0000");
	end_world(&world);
}

/* --- Huge pages --- */

#define POOL "/sys/kernel/mm/hugepages/hugepages-%lukB/nr_hugepages"

static long pool_size(unsigned long bytes, long new_size)
{
	char path[128];
	long size = -1;

	snprintf(path, sizeof path, POOL, bytes / 1024);
	FILE *file = fopen(path, new_size < 0 ? "r" : "w");
	if (file == NULL)
		return -1;
	if (new_size < 0) {
		if (fscanf(file, "%ld", &size) != 1)
			size = -1;
	} else {
		fprintf(file, "%ld", size = new_size);
	}
	return fclose(file) == 0 ? size : -1;
}

static char *map_huge(unsigned long bytes, int kind)
{
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | kind, -1, 0);
}

static void cut_huge_pages(struct ibv_pd *pd, char *huge, unsigned long size)
{
	struct ibv_mr *mr = ibv_reg_mr(pd, huge + size / 2, size, IBV_ACCESS_LOCAL_WRITE);

	CHECK(mr != NULL);
	CHECK_FLAGS(huge, "1111");
	CHECK_FLAGS(huge + size, "1111");
	struct ibv_mr *second = ibv_reg_mr(pd, huge + 3 * PAGE, 1, IBV_ACCESS_LOCAL_WRITE);
	CHECK(second != NULL);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	/* The first page holds the second region still. */
	CHECK_FLAGS(huge, "1111");
	CHECK_FLAGS(huge + size, "0000");
	CHECK_EQUAL(child_has(huge), 0);
	CHECK_EQUAL(ibv_dereg_mr(second), 0);
	CHECK_FLAGS(huge, "0000");
}

static void try_huge_pages(unsigned long size, int kind, int is_optional)
{
	long before = pool_size(size, -1);
	char *huge = map_huge(2 * size, kind);

	setenv("RDMAV_HUGEPAGES_SAFE", "1", 1);
	struct world world = make_eager_world();
	if (huge == MAP_FAILED && before >= 0) {
		pool_size(size, before + 2);
		huge = map_huge(2 * size, kind);
	}
	if (huge != MAP_FAILED) {
		cut_huge_pages(world.pd, huge, size);
		munmap(huge, 2 * size);
	}
	if (before >= 0)
		pool_size(size, before);
	CHECK(huge != MAP_FAILED || is_optional);
	if (huge == MAP_FAILED)
		printf("this machine has no pages of %lu bytes to give\n", size);
	end_world(&world);
}

CASE(a_region_may_cut_pages_of_2_mib) { try_huge_pages(HUGE, 21 << MAP_HUGE_SHIFT, 0); }
/* "Nocopy ranges on a model of the kernel" has them where the machine has not. */
CASE(a_region_may_cut_pages_of_1_gib) { try_huge_pages(1UL << 30, 30 << MAP_HUGE_SHIFT, 1); }
