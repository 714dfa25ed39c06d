/* Completion events, solicited ones, and asynchronous events. */
#include "check.h"

#include <pthread.h>
#include <sys/epoll.h>

#define HALF (BUFFER_SIZE / 2)

/* A pair whose receiver reports to a channel. */
struct watched_pair {
	struct world world;
	struct ibv_comp_channel *channel;
	struct ibv_cq *cq;
	struct ibv_qp *a, *b;
	int tag;
};

static void make_watched_pair(struct watched_pair *pair)
{
	struct ibv_qp_init_attr init;

	pair->world = make_world();
	pair->channel = ibv_create_comp_channel(pair->world.context);
	CHECK(pair->channel != NULL);
	pair->cq = ibv_create_cq(pair->world.context, 64, &pair->tag, pair->channel, 0);
	CHECK(pair->cq != NULL);
	pair->a = make_qp(&pair->world, IBV_QPT_RC);
	init = qp_init(&pair->world, IBV_QPT_RC);
	init.recv_cq = init.send_cq = pair->cq;
	pair->b = ibv_create_qp(pair->world.pd, &init);
	CHECK(pair->b != NULL);
	connect_to(&pair->world, pair->a, pair->b->qp_num, &usual_path);
	connect_to(&pair->world, pair->b, pair->a->qp_num, &usual_path);
	for (int i = 0; i < 32; i++)
		post_recv(pair->b, i, piece(&pair->world, HALF, 64));
}

static void end_watched_pair(struct watched_pair *pair)
{
	CHECK_EQUAL(ibv_destroy_qp(pair->a), 0);
	CHECK_EQUAL(ibv_destroy_qp(pair->b), 0);
	CHECK_EQUAL(ibv_destroy_cq(pair->cq), 0);
	CHECK_EQUAL(ibv_destroy_comp_channel(pair->channel), 0);
	end_world(&pair->world);
}

static void send_one(struct watched_pair *pair, unsigned int flags)
{
	struct ibv_sge sge = piece(&pair->world, 0, 16);
	struct ibv_send_wr wr = request(1, IBV_WR_SEND, &sge);

	wr.send_flags |= flags;
	CHECK_EQUAL(try_send(pair->a, &wr), 0);
	EXPECT_COMPLETION(pair->world.cq, 1, IBV_WC_SUCCESS);
}

static int is_ready(int fd, int milliseconds)
{
	struct pollfd entry = {.fd = fd, .events = POLLIN};
	int count = poll(&entry, 1, milliseconds);

	CHECK(count >= 0);
	return count;
}

static void take_event(struct watched_pair *pair)
{
	struct ibv_cq *cq = NULL;
	void *tag = NULL;

	CHECK_EQUAL(ibv_get_cq_event(pair->channel, &cq, &tag), 0);
	CHECK(cq == pair->cq);
	CHECK(tag == &pair->tag);
	ibv_ack_cq_events(cq, 1);
}

CASE(one_event_for_one_request)
{
	struct watched_pair pair;

	make_watched_pair(&pair);
	send_one(&pair, 0);
	/* Nobody asked. */
	CHECK_EQUAL(is_ready(pair.channel->fd, 0), 0);
	EXPECT_COMPLETION(pair.cq, 0, IBV_WC_SUCCESS);
	CHECK_EQUAL(ibv_req_notify_cq(pair.cq, 0), 0);
	CHECK_EQUAL(ibv_req_notify_cq(pair.cq, 0), 0);
	send_one(&pair, 0);
	send_one(&pair, 0);
	CHECK_EQUAL(is_ready(pair.channel->fd, PATIENCE_SECONDS * 1000), 1);
	take_event(&pair);
	CHECK_EQUAL(pair.cq->comp_events_completed, 1);
	/* Two completions, one event. */
	CHECK_EQUAL(is_ready(pair.channel->fd, 0), 0);
	EXPECT_COMPLETION(pair.cq, 1, IBV_WC_SUCCESS);
	EXPECT_COMPLETION(pair.cq, 2, IBV_WC_SUCCESS);
	end_watched_pair(&pair);
	SHOWS(ibv_req_notify_cq, ibv_get_cq_event, ibv_ack_cq_events);
}

CASE(solicited_events_alone)
{
	struct watched_pair pair;

	make_watched_pair(&pair);
	CHECK_EQUAL(ibv_req_notify_cq(pair.cq, 1), 0);
	send_one(&pair, 0);
	EXPECT_COMPLETION(pair.cq, 0, IBV_WC_SUCCESS);
	CHECK_EQUAL(is_ready(pair.channel->fd, 0), 0);
	send_one(&pair, IBV_SEND_SOLICITED);
	CHECK_EQUAL(is_ready(pair.channel->fd, PATIENCE_SECONDS * 1000), 1);
	take_event(&pair);
	EXPECT_COMPLETION(pair.cq, 1, IBV_WC_SUCCESS);
	end_watched_pair(&pair);
	SHOWS(IBV_SEND_SOLICITED);
}

CASE(errors_count_as_solicited)
{
	struct watched_pair pair;

	make_watched_pair(&pair);
	CHECK_EQUAL(ibv_req_notify_cq(pair.cq, 1), 0);
	to_error(pair.b);
	CHECK_EQUAL(is_ready(pair.channel->fd, PATIENCE_SECONDS * 1000), 1);
	take_event(&pair);
	EXPECT_COMPLETION(pair.cq, 0, IBV_WC_WR_FLUSH_ERR);
	end_watched_pair(&pair);
}

CASE(channel_works_with_epoll_and_without_blocking)
{
	struct watched_pair pair;
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event entry = {.events = EPOLLIN, .data.u32 = 77}, ready;
	struct ibv_cq *cq;
	void *tag;

	make_watched_pair(&pair);
	CHECK_EQUAL(fcntl(pair.channel->fd, F_SETFL, fcntl(pair.channel->fd, F_GETFL) | O_NONBLOCK), 0);
	CHECK_EQUAL(epoll_ctl(epoll, EPOLL_CTL_ADD, pair.channel->fd, &entry), 0);
	for (int i = 0; i < 20; i++) {
		CHECK_EQUAL(ibv_req_notify_cq(pair.cq, 0), 0);
		CHECK_EQUAL(epoll_wait(epoll, &ready, 1, 0), 0);
		send_one(&pair, 0);
		CHECK_EQUAL(epoll_wait(epoll, &ready, 1, PATIENCE_SECONDS * 1000), 1);
		CHECK_EQUAL(ready.data.u32, 77);
		take_event(&pair);
		EXPECT_COMPLETION(pair.cq, i, IBV_WC_SUCCESS);
		errno = 0;
		CHECK_EQUAL(ibv_get_cq_event(pair.channel, &cq, &tag), -1);
		CHECK_EQUAL(errno, EAGAIN);
	}
	close(epoll);
	end_watched_pair(&pair);
}

static void *send_later(void *argument)
{
	usleep(50000);
	send_one(argument, 0);
	return NULL;
}

/* The waiting thread polls nothing: someone else has to receive for it. */
static short readiness(int fd)
{
	struct pollfd entry = {.fd = fd, .events = POLLIN | POLLOUT};

	CHECK(poll(&entry, 1, 0) >= 0);
	return entry.revents;
}

/* Event loops may ask for both at once, and the kernel's descriptors of events are never writable. */
CASE(descriptors_of_events_are_never_writable)
{
	struct watched_pair pair;

	make_watched_pair(&pair);
	CHECK_EQUAL(readiness(pair.channel->fd), 0);
	CHECK_EQUAL(readiness(pair.world.context->async_fd), 0);
	CHECK_EQUAL(ibv_req_notify_cq(pair.cq, 0), 0);
	send_one(&pair, 0);
	CHECK(is_ready(pair.channel->fd, 1000));
	CHECK_EQUAL(readiness(pair.channel->fd), POLLIN);
	take_event(&pair);
	CHECK_EQUAL(readiness(pair.channel->fd), 0);
	end_watched_pair(&pair);
}

CASE(blocked_thread_is_woken)
{
	struct watched_pair pair;
	pthread_t thread;

	make_watched_pair(&pair);
	CHECK_EQUAL(ibv_req_notify_cq(pair.cq, 0), 0);
	CHECK_EQUAL(pthread_create(&thread, NULL, send_later, &pair), 0);
	take_event(&pair);
	EXPECT_COMPLETION(pair.cq, 0, IBV_WC_SUCCESS);
	pthread_join(thread, NULL);
	end_watched_pair(&pair);
}

/* What comes between the asking and the look has its event, and waits for that: no event is without a completion. */
CASE(what_comes_after_the_asking_is_there_with_its_event)
{
	struct watched_pair pair;
	struct ibv_wc wc;

	make_watched_pair(&pair);
	for (int i = 0; i < 30; i++) {
		CHECK_EQUAL(ibv_req_notify_cq(pair.cq, 0), 0);
		send_one(&pair, 0);
		/* The look of whoever empties the queue before going to sleep. A busy machine may have found the time over. */
		if (ibv_poll_cq(pair.cq, 1, &wc) == 0) {
			take_event(&pair);
			wc = next_completion(pair.cq);
			CHECK_EQUAL(is_ready(pair.channel->fd, 0), 0);
		} else {
			take_event(&pair);
		}
		CHECK_EQUAL(wc.status, IBV_WC_SUCCESS);
	}
	end_watched_pair(&pair);
}

/* Whoever looks again, and waits for no event, finds it; the event comes at once all the same. */
CASE(who_looks_twice_finds_it_without_the_event)
{
	struct watched_pair pair;

	make_watched_pair(&pair);
	CHECK_EQUAL(ibv_req_notify_cq(pair.cq, 0), 0);
	send_one(&pair, 0);
	CHECK_EQUAL(next_completion(pair.cq).status, IBV_WC_SUCCESS);
	CHECK_EQUAL(is_ready(pair.channel->fd, 0), 1);
	take_event(&pair);
	end_watched_pair(&pair);
}

static void *acknowledge_later(void *argument)
{
	usleep(50000);
	ibv_ack_cq_events(argument, 1);
	return NULL;
}

CASE(destroying_waits_for_acknowledgements)
{
	struct watched_pair pair;
	struct ibv_cq *cq;
	void *tag;
	pthread_t thread;

	make_watched_pair(&pair);
	CHECK_EQUAL(ibv_req_notify_cq(pair.cq, 0), 0);
	send_one(&pair, 0);
	CHECK_EQUAL(ibv_get_cq_event(pair.channel, &cq, &tag), 0);
	CHECK_EQUAL(pthread_create(&thread, NULL, acknowledge_later, cq), 0);
	end_watched_pair(&pair);
	pthread_join(thread, NULL);
}

CASE(queues_of_one_channel_are_told_apart)
{
	struct world world = make_world();
	struct ibv_comp_channel *channel = ibv_create_comp_channel(world.context);
	struct ibv_cq *cqs[3];
	struct ibv_qp *qps[3];
	struct ibv_sge sge = piece(&world, 0, 8);

	for (int i = 0; i < 3; i++) {
		cqs[i] = ibv_create_cq(world.context, 16, (void *)(uintptr_t)i, channel, 0);
		struct ibv_qp_init_attr init = qp_init(&world, IBV_QPT_RC);
		init.send_cq = init.recv_cq = cqs[i];
		qps[i] = ibv_create_qp(world.pd, &init);
		connect_to(&world, qps[i], qps[i]->qp_num, &usual_path);
		CHECK_EQUAL(ibv_req_notify_cq(cqs[i], 0), 0);
	}
	CHECK_EQUAL(channel->refcnt, 3);
	int order[3] = {2, 0, 1};
	for (int i = 0; i < 3; i++) {
		struct ibv_send_wr wr =
			remote_request(9, IBV_WR_RDMA_WRITE, &sge, (uintptr_t)world.buffer + HALF, world.mr->rkey);
		struct ibv_cq *cq;
		void *tag;

		CHECK_EQUAL(try_send(qps[order[i]], &wr), 0);
		CHECK_EQUAL(ibv_get_cq_event(channel, &cq, &tag), 0);
		CHECK(cq == cqs[order[i]]);
		CHECK_EQUAL((uintptr_t)tag, order[i]);
		ibv_ack_cq_events(cq, 1);
		EXPECT_COMPLETION(cq, 9, IBV_WC_SUCCESS);
	}
	for (int i = 0; i < 3; i++) {
		CHECK_EQUAL(ibv_destroy_qp(qps[i]), 0);
		CHECK_EQUAL(ibv_destroy_cq(cqs[i]), 0);
	}
	CHECK_EQUAL(ibv_destroy_comp_channel(channel), 0);
	end_world(&world);
}

/* --- Asynchronous events --- */

static struct ibv_async_event next_async_event(struct world *world)
{
	struct ibv_async_event event;

	CHECK_EQUAL(is_ready(world->context->async_fd, PATIENCE_SECONDS * 1000), 1);
	CHECK_EQUAL(ibv_get_async_event(world->context, &event), 0);
	return event;
}

CASE(shared_queue_reports_its_limit_once)
{
	struct world world = make_world();
	struct ibv_srq_init_attr srq_init = {.attr = {.max_wr = 16, .max_sge = 1}};
	struct ibv_srq *srq = ibv_create_srq(world.pd, &srq_init);
	struct ibv_qp_init_attr init = qp_init(&world, IBV_QPT_RC);
	struct ibv_sge sge = piece(&world, 0, 8), out = piece(&world, HALF, 8);
	struct ibv_srq_attr attr = {.srq_limit = 3};

	struct ibv_qp *a = make_qp(&world, IBV_QPT_RC);
	init.srq = srq;
	struct ibv_qp *b = ibv_create_qp(world.pd, &init);
	connect_to(&world, a, b->qp_num, &usual_path);
	connect_to(&world, b, a->qp_num, &usual_path);
	for (int i = 0; i < 5; i++) {
		struct ibv_recv_wr wr = {.wr_id = 50, .sg_list = &out, .num_sge = 1}, *bad;
		CHECK_EQUAL(ibv_post_srq_recv(srq, &wr, &bad), 0);
	}
	CHECK_EQUAL(ibv_modify_srq(srq, &attr, IBV_SRQ_LIMIT), 0);
	for (int i = 0; i < 4; i++) {
		struct ibv_send_wr wr = request(50, IBV_WR_SEND, &sge);

		CHECK_EQUAL(try_send(a, &wr), 0);
		EXPECT_COMPLETION(world.cq, 50, IBV_WC_SUCCESS);
		EXPECT_COMPLETION(world.cq, 50, IBV_WC_SUCCESS);
		/* Three are left after the second: not yet below the limit. */
		if (i < 2)
			CHECK_EQUAL(is_ready(world.context->async_fd, 0), 0);
	}
	struct ibv_async_event event = next_async_event(&world);
	CHECK_EQUAL(event.event_type, IBV_EVENT_SRQ_LIMIT_REACHED);
	CHECK(event.element.srq == srq);
	ibv_ack_async_event(&event);
	CHECK_EQUAL(srq->events_completed, 1);
	CHECK_EQUAL(is_ready(world.context->async_fd, 0), 0);
	CHECK_EQUAL(ibv_query_srq(srq, &attr), 0);
	CHECK_EQUAL(attr.srq_limit, 0);
	CHECK_EQUAL(ibv_destroy_qp(a), 0);
	CHECK_EQUAL(ibv_destroy_qp(b), 0);
	CHECK_EQUAL(ibv_destroy_srq(srq), 0);
	end_world(&world);
	SHOWS(IBV_EVENT_SRQ_LIMIT_REACHED, ibv_get_async_event, ibv_ack_async_event);
}

CASE(responder_is_told_of_a_wrong_access)
{
	struct pair pair = make_pair(IBV_QPT_RC);
	struct ibv_sge sge = piece(&pair.world, 0, 8);
	struct ibv_send_wr wr = remote_request(
		1, IBV_WR_RDMA_WRITE, &sge, (uintptr_t)pair.world.buffer + HALF, pair.world.mr->rkey ^ 0x00100000);

	CHECK_EQUAL(try_send(pair.a, &wr), 0);
	EXPECT_COMPLETION(pair.world.cq, 1, IBV_WC_REM_ACCESS_ERR);
	struct ibv_async_event event = next_async_event(&pair.world);
	CHECK_EQUAL(event.event_type, IBV_EVENT_QP_ACCESS_ERR);
	CHECK(event.element.qp == pair.b);
	ibv_ack_async_event(&event);
	CHECK_EQUAL(pair.b->events_completed, 1);
	end_pair(&pair);
	SHOWS(IBV_EVENT_QP_ACCESS_ERR);
}

/* The first packet arrives before the program has moved the queue pair to RTS. */
CASE(communication_is_established)
{
	struct world world = make_world();
	struct ibv_qp *a = make_qp(&world, IBV_QPT_RC), *b = make_qp(&world, IBV_QPT_RC);
	struct ibv_sge sge = piece(&world, 0, 8);
	struct ibv_send_wr wr = request(1, IBV_WR_SEND, &sge);

	connect_to(&world, a, b->qp_num, &usual_path);
	CHECK_EQUAL(to_init(b, &usual_path), 0);
	CHECK_EQUAL(to_rtr(&world, b, a->qp_num, &usual_path), 0);
	post_recv(b, 1, piece(&world, HALF, 8));
	CHECK_EQUAL(try_send(a, &wr), 0);
	EXPECT_COMPLETION(world.cq, 1, IBV_WC_SUCCESS);
	EXPECT_COMPLETION(world.cq, 1, IBV_WC_SUCCESS);
	struct ibv_async_event event = next_async_event(&world);
	CHECK_EQUAL(event.event_type, IBV_EVENT_COMM_EST);
	CHECK(event.element.qp == b);
	ibv_ack_async_event(&event);
	CHECK_EQUAL(ibv_destroy_qp(a), 0);
	CHECK_EQUAL(ibv_destroy_qp(b), 0);
	end_world(&world);
	SHOWS(IBV_EVENT_COMM_EST);
}

CASE(last_request_of_a_shared_queue)
{
	struct world world = make_world();
	struct ibv_srq_init_attr srq_init = {.attr = {.max_wr = 16, .max_sge = 1}};
	struct ibv_srq *srq = ibv_create_srq(world.pd, &srq_init);
	struct ibv_qp_init_attr init = qp_init(&world, IBV_QPT_RC);

	init.srq = srq;
	struct ibv_qp *qp = ibv_create_qp(world.pd, &init);
	connect_to(&world, qp, qp->qp_num, &usual_path);
	to_error(qp);
	struct ibv_async_event event = next_async_event(&world);
	CHECK_EQUAL(event.event_type, IBV_EVENT_QP_LAST_WQE_REACHED);
	CHECK(event.element.qp == qp);
	ibv_ack_async_event(&event);
	CHECK_EQUAL(ibv_destroy_qp(qp), 0);
	CHECK_EQUAL(ibv_destroy_srq(srq), 0);
	end_world(&world);
	SHOWS(IBV_EVENT_QP_LAST_WQE_REACHED);
}

CASE(events_of_a_destroyed_object_are_gone)
{
	struct world world = make_world();
	struct ibv_srq_init_attr srq_init = {.attr = {.max_wr = 16, .max_sge = 1}};
	struct ibv_srq *srq = ibv_create_srq(world.pd, &srq_init);
	struct ibv_qp_init_attr init = qp_init(&world, IBV_QPT_RC);

	init.srq = srq;
	struct ibv_qp *qp = ibv_create_qp(world.pd, &init);
	connect_to(&world, qp, qp->qp_num, &usual_path);
	to_error(qp);
	CHECK_EQUAL(is_ready(world.context->async_fd, PATIENCE_SECONDS * 1000), 1);
	CHECK_EQUAL(ibv_destroy_qp(qp), 0);
	CHECK_EQUAL(is_ready(world.context->async_fd, 0), 0);
	CHECK_EQUAL(ibv_destroy_srq(srq), 0);
	end_world(&world);
}
