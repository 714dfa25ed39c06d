/* What loading the library alone does to a process. */
#include "check.h"

#include <dirent.h>
#include <linux/close_range.h>
#include <sys/syscall.h>

static int entries_of(const char *path)
{
	DIR *folder = opendir(path);
	int count = 0;

	CHECK(folder != NULL);
	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count;
}

/* Runs the case anew without what this process inherited: what is open then was opened by loading. */
static void shed_descriptors(const char *name)
{
	if (getenv("VERBENA_TEST_SHED") != NULL)
		return;
	setenv("VERBENA_TEST_SHED", "1", 1);
	CHECK_EQUAL(syscall(SYS_close_range, 3, ~0u, 0), 0);
	execl("/proc/self/exe", "load", name, NULL);
	CHECK(!"exec works");
}

CASE(loading_starts_no_thread)
{
	/* ".", ".." and the one thread. */
	CHECK_EQUAL(entries_of("/proc/self/task"), 3);
	CHECK(ibv_node_type_str(IBV_NODE_CA) != NULL);
	CHECK_EQUAL(entries_of("/proc/self/task"), 3);
}

CASE(loading_opens_no_descriptor)
{
	shed_descriptors(__func__);
	/* ".", "..", the three standard ones, and that of the folder. */
	CHECK_EQUAL(entries_of("/proc/self/fd"), 6);
	CHECK(ibv_node_type_str(IBV_NODE_CA) != NULL);
	CHECK_EQUAL(entries_of("/proc/self/fd"), 6);
}

CASE(listing_devices_starts_no_thread_and_keeps_no_descriptor)
{
	shed_descriptors(__func__);
	int count;
	struct ibv_device **list = ibv_get_device_list(&count);

	CHECK(list != NULL);
	ibv_free_device_list(list);
	CHECK_EQUAL(entries_of("/proc/self/task"), 3);
	CHECK_EQUAL(entries_of("/proc/self/fd"), 6);
}

CASE(closing_a_device_gives_its_descriptors_back)
{
	/* What the process keeps for good is opened by the first context. */
	ibv_close_device(open_first_device());
	int before = entries_of("/proc/self/fd");

	for (int i = 0; i < 10; i++) {
		struct world world = make_world();

		end_world(&world);
	}
	CHECK_EQUAL(entries_of("/proc/self/fd"), before);
}
