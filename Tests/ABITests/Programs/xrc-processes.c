/* Extended connections between processes that have a domain open by the same file. */
#include "xrc.h"

/* Another process sees whether a domain is there, also when its owner was killed. */
CASE(domains_are_known_to_other_processes)
{
	char path[] = "/tmp/xrc-test-XXXXXX";
	int fd = mkstemp(path), ready[2], done[2];
	char byte = 0;

	CHECK(fd >= 0 && pipe(ready) == 0 && pipe(done) == 0);
	pid_t child = fork();
	if (child == 0) {
		struct world world = make_world();
		CHECK(try_open(&world, fd, O_CREAT) != NULL);
		CHECK_EQUAL(write(ready[1], &byte, 1), 1);
		CHECK_EQUAL(read(done[0], &byte, 1), 1);
		_exit(0);
	}
	CHECK_EQUAL(read(ready[0], &byte, 1), 1);
	struct world world = make_world();
	CHECK_NULL(try_open(&world, fd, O_CREAT | O_EXCL), EINVAL);
	struct ibv_xrcd *xrcd = try_open(&world, fd, 0);
	CHECK(xrcd != NULL);
	CHECK_EQUAL(ibv_close_xrcd(xrcd), 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	CHECK_NULL(try_open(&world, fd, 0), EAGAIN);
	xrcd = try_open(&world, fd, O_CREAT | O_EXCL);
	CHECK(xrcd != NULL);
	CHECK_EQUAL(ibv_close_xrcd(xrcd), 0);
	unlink(path);
	end_world(&world);
}
