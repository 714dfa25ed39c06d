/* Threads that are cancelled while they poll or post: no verb of the data path is a point at which pthread_cancel(3) ends a thread, as
 * on an adapter, where these verbs make no system call. A thread that ended inside would leave a lock taken for ever. */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>

#define ROUNDS 50

static struct pair pair;
static atomic_uint turns;

static struct ibv_send_wr write_request(uint64_t id, struct ibv_sge *sge)
{
	return remote_request(id, IBV_WR_RDMA_WRITE, sge, (uintptr_t)pair.world.buffer + 4096, pair.world.mr->rkey);
}

static void take_turn(void)
{
	atomic_fetch_add(&turns, 1);
	pthread_testcancel();
}

static void *poll_for_ever(void *unused)
{
	struct ibv_wc wc;

	for (;;) {
		CHECK_EQUAL(ibv_poll_cq(pair.world.cq, 1, &wc), 0);
		take_turn();
	}
	return unused;
}

static void *write_for_ever(void *unused)
{
	struct ibv_sge sge = piece(&pair.world, 0, 64);
	struct ibv_send_wr wr = write_request(7, &sge);
	int state;

	for (;;) {
		CHECK_EQUAL(try_send(pair.a, &wr), 0);
		/* The completion is waited for in any case, so that the next round finds none. */
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
		EXPECT_COMPLETION(pair.world.cq, 7, IBV_WC_SUCCESS);
		pthread_setcancelstate(state, NULL);
		take_turn();
	}
	return unused;
}

/* Cancels a thread many times, and sees each time that others can still poll and post. */
static void cancel_often(void *(*work)(void *))
{
	/* A lock that nobody gives back shall end the test. */
	alarm(60);
	pair = make_pair(IBV_QPT_RC);
	for (int i = 0; i < ROUNDS; i++) {
		struct ibv_sge sge = piece(&pair.world, 0, 64);
		struct ibv_send_wr wr = write_request(9, &sge);
		unsigned int before = atomic_load(&turns);
		pthread_t thread;
		void *result;

		CHECK_EQUAL(pthread_create(&thread, NULL, work, NULL), 0);
		while (atomic_load(&turns) - before < 20)
			;
		CHECK_EQUAL(pthread_cancel(thread), 0);
		CHECK_EQUAL(pthread_join(thread, &result), 0);
		CHECK(result == PTHREAD_CANCELED);
		CHECK_EQUAL(try_send(pair.a, &wr), 0);
		EXPECT_COMPLETION(pair.world.cq, 9, IBV_WC_SUCCESS);
	}
	end_pair(&pair);
}

CASE(a_thread_that_polls_is_cancelled)
{
	cancel_often(poll_for_ever);
}

CASE(a_thread_that_writes_is_cancelled)
{
	cancel_often(write_for_ever);
}
