/* Two processes of one host, each with a device of its own: what one does to the other, also while it is stopped, asleep
 * or dead. */
#include "processes.h"

#include <dlfcn.h>
#include <sys/resource.h>

/* --- A target that does nothing --- */

static void check_what_arrived(struct side *side, int in, int out)
{
	char go;

	/* Any instruction of this process would have to come before it is stopped. */
	put(out, "s", 1);
	get(in, &go, 1);
	CHECK_EQUAL(*(uint64_t *)side->world.buffer, 77 + 5);
	for (size_t i = 8; i < 300000; i++)
		CHECK_EQUAL((uint8_t)side->world.buffer[i], (uint8_t)(i * 7));
}

CASE(stopped_target_is_written_read_and_changed)
{
	struct side side;
	struct target target = start_target(&side, IBV_QPT_RC, &usual_path, check_what_arrived);
	char ready;

	get(target.from, &ready, 1);
	stop(&target);
	for (size_t i = 0; i < 300000; i++)
		side.world.buffer[i] = i * 7;
	*(uint64_t *)side.world.buffer = 70;
	one_sided(&side, &target, 1, IBV_WR_RDMA_WRITE, 0, 300000, IBV_WC_SUCCESS);
	memset(side.world.buffer, 0, 300000);
	one_sided(&side, &target, 2, IBV_WR_RDMA_READ, 0, 300000, IBV_WC_SUCCESS);
	for (size_t i = 8; i < 300000; i++)
		CHECK_EQUAL((uint8_t)side.world.buffer[i], (uint8_t)(i * 7));
	CHECK_EQUAL(change_word(&side, &target, IBV_WR_ATOMIC_CMP_AND_SWP, 70, 77), 70);
	CHECK_EQUAL(change_word(&side, &target, IBV_WR_ATOMIC_CMP_AND_SWP, 70, 99), 77);
	CHECK_EQUAL(change_word(&side, &target, IBV_WR_ATOMIC_FETCH_AND_ADD, 5, 0), 77);
	CHECK_EQUAL(kill(target.pid, SIGCONT), 0);
	put(target.to, "c", 1);
	expect_end(&target);
	end_side(&side);
}

#define STOPPED_SENDS 16

static uint32_t stopped_length(int i)
{
	static const uint32_t lengths[] = {0, 1, 8, 16, 17, 64, 255, 1000, 4096, 8192, 20000, 65536};

	return lengths[i % (sizeof lengths / sizeof lengths[0])];
}

static void take_sends(struct side *side, int in, int out)
{
	char go;

	for (int i = 0; i < STOPPED_SENDS; i++)
		post_recv(side->qp, i, piece(&side->world, i * 65536, 65536));
	CHECK_EQUAL(ibv_req_notify_cq(side->recv_cq, 0), 0);
	put(out, "s", 1);
	get(in, &go, 1);
	/* The event came while this process was stopped. */
	struct pollfd wait = {.fd = side->channel->fd, .events = POLLIN};
	CHECK_EQUAL(poll(&wait, 1, 0), 1);
	struct ibv_cq *cq;
	void *context;
	CHECK_EQUAL(ibv_get_cq_event(side->channel, &cq, &context), 0);
	ibv_ack_cq_events(cq, 1);
	for (int i = 0; i < STOPPED_SENDS; i++) {
		struct ibv_wc wc = next_completion(side->recv_cq);

		CHECK_EQUAL(wc.status, IBV_WC_SUCCESS);
		CHECK_EQUAL(wc.wr_id, i);
		CHECK_EQUAL(wc.byte_len, stopped_length(i));
		for (uint32_t j = 0; j < wc.byte_len; j++)
			CHECK_EQUAL((uint8_t)side->world.buffer[i * 65536 + j], (uint8_t)(i + j));
		CHECK_EQUAL(side->world.buffer[i * 65536 + wc.byte_len], 0);
	}
}

CASE(stopped_target_takes_sends_and_its_channel_is_readable)
{
	struct side side;
	struct target target = start_target(&side, IBV_QPT_RC, &usual_path, take_sends);
	char ready;

	get(target.from, &ready, 1);
	stop(&target);
	for (int i = 0; i < STOPPED_SENDS; i++) {
		struct ibv_sge sge = piece(&side.world, 0, stopped_length(i));
		struct ibv_send_wr wr = request(i, IBV_WR_SEND, &sge);

		for (uint32_t j = 0; j < sge.length; j++)
			side.world.buffer[j] = i + j;
		CHECK_EQUAL(try_send(side.qp, &wr), 0);
		EXPECT_COMPLETION(side.world.cq, i, IBV_WC_SUCCESS);
	}
	CHECK_EQUAL(kill(target.pid, SIGCONT), 0);
	put(target.to, "c", 1);
	expect_end(&target);
	end_side(&side);
}

/* --- A target that sleeps --- */

static void sleep_for_messages(struct side *side, int in, int out)
{
	(void)in;
	for (int i = 0; i < 20; i++) {
		struct ibv_cq *cq;
		void *context;

		post_recv(side->qp, i, piece(&side->world, 0, 64));
		CHECK_EQUAL(ibv_req_notify_cq(side->recv_cq, 0), 0);
		put(out, "w", 1);
		CHECK_EQUAL(ibv_get_cq_event(side->channel, &cq, &context), 0);
		CHECK(cq == side->recv_cq);
		ibv_ack_cq_events(cq, 1);
		EXPECT_COMPLETION(side->recv_cq, i, IBV_WC_SUCCESS);
		CHECK_EQUAL(side->world.buffer[0], i);
	}
}

CASE(sleeper_is_woken_by_each_message)
{
	struct side side;
	struct target target = start_target(&side, IBV_QPT_RC, &usual_path, sleep_for_messages);

	for (int i = 0; i < 20; i++) {
		struct ibv_sge sge = piece(&side.world, 0, 64);
		struct ibv_send_wr wr = request(i, IBV_WR_SEND, &sge);
		char ready;

		get(target.from, &ready, 1);
		usleep(i % 2 ? 3000 : 0);
		side.world.buffer[0] = i;
		CHECK_EQUAL(try_send(side.qp, &wr), 0);
		EXPECT_COMPLETION(side.world.cq, i, IBV_WC_SUCCESS);
	}
	expect_end(&target);
	end_side(&side);
}

/* --- A target that is not ready --- */

static void post_late(struct side *side, int in, int out)
{
	(void)in;
	(void)out;
	for (int i = 0; i < 10; i++) {
		usleep(10000);
		post_recv(side->qp, i, piece(&side->world, i * 100, 100));
	}
	for (int i = 0; i < 10; i++) {
		EXPECT_COMPLETION(side->recv_cq, i, IBV_WC_SUCCESS);
		CHECK_EQUAL(side->world.buffer[i * 100 + 99], i + 1);
	}
}

CASE(sender_waits_until_a_receive_is_posted)
{
	struct side side;
	/* Half a second between two tries: only a sender that is woken is done in time. */
	struct path path = usual_path;
	path.min_rnr_timer = 31;
	struct target target = start_target(&side, IBV_QPT_RC, &path, post_late);
	double start = seconds_now();

	for (int i = 0; i < 10; i++) {
		struct ibv_sge sge = piece(&side.world, i * 100, 100);
		struct ibv_send_wr wr = request(i, IBV_WR_SEND, &sge);

		side.world.buffer[i * 100 + 99] = i + 1;
		CHECK_EQUAL(try_send(side.qp, &wr), 0);
	}
	for (int i = 0; i < 10; i++)
		EXPECT_COMPLETION(side.world.cq, i, IBV_WC_SUCCESS);
	const char *way = getenv("VERBENA_PATH");
	CHECK(seconds_now() - start < 2 || (way && strcmp(way, "direct") != 0));
	expect_end(&target);
	end_side(&side);
}

static long sleeps(void)
{
	struct rusage usage;

	CHECK_EQUAL(getrusage(RUSAGE_SELF, &usage), 0);
	return usage.ru_nvcsw;
}

static void post_when_told(struct side *side, int in, int out)
{
	char go;

	(void)out;
	get(in, &go, 1);
	post_recv(side->qp, 1, piece(&side->world, 0, 100));
	EXPECT_COMPLETION(side->recv_cq, 1, IBV_WC_SUCCESS);
}

CASE(sender_that_waits_for_a_receive_sleeps)
{
	struct side side;
	/* 10 us between two tries, as often as it takes. */
	struct path path = usual_path;
	path.min_rnr_timer = 1;
	struct target target = start_target(&side, IBV_QPT_RC, &path, post_when_told);
	struct ibv_sge sge = piece(&side.world, 0, 100);
	struct ibv_send_wr wr = request(1, IBV_WR_SEND, &sge);
	const char *way = getenv("VERBENA_PATH");

	CHECK_EQUAL(try_send(side.qp, &wr), 0);
	long before = sleeps();
	usleep(300000);
	/* A sender of packets has to ask. */
	CHECK(sleeps() - before < 100 || (way && strcmp(way, "direct") != 0));
	put(target.to, "g", 1);
	EXPECT_COMPLETION(side.world.cq, 1, IBV_WC_SUCCESS);
	expect_end(&target);
	end_side(&side);
}

static void wait_for_end(struct side *side, int in, int out)
{
	char go;

	(void)side;
	(void)out;
	get(in, &go, 1);
}

CASE(sender_gives_up_when_no_receive_comes)
{
	struct side side;
	struct path path = usual_path;
	path.rnr_retry = 2;
	struct target target = start_target(&side, IBV_QPT_RC, &path, wait_for_end);
	struct ibv_sge sge = piece(&side.world, 0, 100);
	struct ibv_send_wr wr = request(1, IBV_WR_SEND, &sge);

	CHECK_EQUAL(try_send(side.qp, &wr), 0);
	EXPECT_COMPLETION(side.world.cq, 1, IBV_WC_RNR_RETRY_EXC_ERR);
	CHECK_EQUAL(state_of(side.qp), IBV_QPS_ERR);
	put(target.to, "e", 1);
	expect_end(&target);
	end_side(&side);
}

/* --- Memory that is taken away --- */

static void deregister_in_the_middle(struct side *side, int in, int out)
{
	char go;

	usleep(20000);
	CHECK_EQUAL(ibv_dereg_mr(side->world.mr), 0);
	/* From here on the memory is this process's alone. */
	for (int round = 0; round < 50; round++) {
		memset(side->world.buffer, round, BUFFER_SIZE);
		usleep(200);
		for (size_t i = 0; i < BUFFER_SIZE; i += 64)
			CHECK_EQUAL(side->world.buffer[i], round);
	}
	put(out, "d", 1);
	get(in, &go, 1);
	/* The queue pair stopped with the first request that came too late. */
	CHECK_EQUAL(state_of(side->qp), IBV_QPS_ERR);
	side->world.mr = ibv_reg_mr(side->world.pd, side->world.buffer, BUFFER_SIZE, ALL_ACCESS);
	CHECK(side->world.mr != NULL);
}

CASE(region_is_never_written_after_it_was_deregistered)
{
	struct side side;
	struct target target = start_target(&side, IBV_QPT_RC, &usual_path, deregister_in_the_middle);
	enum ibv_wc_status status = IBV_WC_SUCCESS;
	char done;

	memset(side.world.buffer, 0x5A, BUFFER_SIZE);
	for (uint64_t id = 0; status == IBV_WC_SUCCESS; id++) {
		uint32_t length = id % 3 == 0 ? 1 << 20 : id % 3 == 1 ? 8 : 65536;
		struct ibv_sge sge = piece(&side.world, 0, length);
		struct ibv_send_wr wr =
			remote_request(id, IBV_WR_RDMA_WRITE, &sge, target.card.address, target.card.rkey);

		CHECK_EQUAL(try_send(side.qp, &wr), 0);
		status = next_completion(side.world.cq).status;
	}
	CHECK_EQUAL(status, IBV_WC_REM_ACCESS_ERR);
	get(target.from, &done, 1);
	put(target.to, "e", 1);
	expect_end(&target);
	end_side(&side);
}

static void destroy_in_the_middle(struct side *side, int in, int out)
{
	struct ibv_qp_init_attr init = qp_init(&side->world, IBV_QPT_RC);
	char go;

	usleep(20000);
	CHECK_EQUAL(ibv_destroy_qp(side->qp), 0);
	put(out, "d", 1);
	get(in, &go, 1);
	side->qp = ibv_create_qp(side->world.pd, &init);
	CHECK(side->qp != NULL);
}

CASE(destroyed_target_does_not_answer)
{
	struct side side;
	struct path path = usual_path;
	path.timeout = 10;
	struct target target = start_target(&side, IBV_QPT_RC, &path, destroy_in_the_middle);
	enum ibv_wc_status status = IBV_WC_SUCCESS;
	char done;

	for (uint64_t id = 0; status == IBV_WC_SUCCESS; id++) {
		struct ibv_sge sge = piece(&side.world, 0, 4096);
		struct ibv_send_wr wr =
			remote_request(id, IBV_WR_RDMA_WRITE, &sge, target.card.address, target.card.rkey);

		CHECK_EQUAL(try_send(side.qp, &wr), 0);
		status = next_completion(side.world.cq).status;
	}
	CHECK_EQUAL(status, IBV_WC_RETRY_EXC_ERR);
	get(target.from, &done, 1);
	put(target.to, "e", 1);
	expect_end(&target);
	end_side(&side);
}

CASE(killed_target_does_not_answer)
{
	struct side side;
	struct path path = usual_path;
	path.timeout = 10;
	struct target target = start_target(&side, IBV_QPT_RC, &path, wait_for_end);

	one_sided(&side, &target, 1, IBV_WR_RDMA_WRITE, 0, 4096, IBV_WC_SUCCESS);
	CHECK_EQUAL(kill(target.pid, SIGKILL), 0);
	CHECK_EQUAL(waitpid(target.pid, NULL, 0), target.pid);
	one_sided(&side, &target, 2, IBV_WR_RDMA_WRITE, 0, 4096, IBV_WC_RETRY_EXC_ERR);
	CHECK_EQUAL(state_of(side.qp), IBV_QPS_ERR);
	end_side(&side);
}

/* --- Requests that the target refuses --- */

static void expect_access_event(struct side *side, int in, int out)
{
	struct ibv_async_event event;

	(void)in;
	(void)out;
	post_recv(side->qp, 5, piece(&side->world, 0, 64));
	CHECK_EQUAL(ibv_get_async_event(side->world.context, &event), 0);
	CHECK_EQUAL(event.event_type, IBV_EVENT_QP_ACCESS_ERR);
	CHECK(event.element.qp == side->qp);
	ibv_ack_async_event(&event);
	CHECK_EQUAL(state_of(side->qp), IBV_QPS_ERR);
	EXPECT_COMPLETION(side->recv_cq, 5, IBV_WC_WR_FLUSH_ERR);
}

CASE(wrong_key_stops_both)
{
	struct side side;
	struct target target = start_target(&side, IBV_QPT_RC, &usual_path, expect_access_event);

	target.card.rkey ^= 0x10;
	one_sided(&side, &target, 1, IBV_WR_RDMA_READ, 0, 8, IBV_WC_REM_ACCESS_ERR);
	CHECK_EQUAL(state_of(side.qp), IBV_QPS_ERR);
	expect_end(&target);
	end_side(&side);
}

static void expect_short_receive(struct side *side, int in, int out)
{
	(void)in;
	post_recv(side->qp, 5, piece(&side->world, 0, 10));
	put(out, "p", 1);
	EXPECT_COMPLETION(side->recv_cq, 5, IBV_WC_LOC_LEN_ERR);
	double deadline = seconds_now() + PATIENCE_SECONDS;
	while (state_of(side->qp) != IBV_QPS_ERR)
		CHECK(seconds_now() < deadline);
}

CASE(too_long_a_message_stops_both)
{
	struct side side;
	struct target target = start_target(&side, IBV_QPT_RC, &usual_path, expect_short_receive);
	struct ibv_sge sge = piece(&side.world, 0, 11);
	struct ibv_send_wr wr = request(1, IBV_WR_SEND, &sge);
	char posted;

	get(target.from, &posted, 1);
	CHECK_EQUAL(try_send(side.qp, &wr), 0);
	EXPECT_COMPLETION(side.world.cq, 1, IBV_WC_REM_INV_REQ_ERR);
	expect_end(&target);
	end_side(&side);
}

static void unmap_registered(struct side *side, int in, int out)
{
	char go;

	CHECK_EQUAL(munmap(side->world.buffer + 65536, 65536), 0);
	put(out, "u", 1);
	get(in, &go, 1);
	double deadline = seconds_now() + PATIENCE_SECONDS;
	while (state_of(side->qp) != IBV_QPS_ERR)
		CHECK(seconds_now() < deadline);
}

CASE(memory_that_the_peer_has_registered_and_unmapped_is_refused)
{
	struct side side;
	struct target target = start_target(&side, IBV_QPT_RC, &usual_path, unmap_registered);
	char unmapped;

	get(target.from, &unmapped, 1);
	one_sided(&side, &target, 1, IBV_WR_RDMA_WRITE, 0, 65536, IBV_WC_SUCCESS);
	one_sided(&side, &target, 2, IBV_WR_RDMA_WRITE, 65536 + 100, 8, IBV_WC_REM_ACCESS_ERR);
	put(target.to, "e", 1);
	expect_end(&target);
	end_side(&side);
}

/* --- Memory that Verbena allocated --- */

#define SHARED_SIZE (300 << 10)

static void *shared_memory(void)
{
	void *(*allocate)(size_t) = (void *(*)(size_t))dlsym(RTLD_DEFAULT, "verbena_alloc");

	CHECK(allocate != NULL);
	char *memory = allocate(SHARED_SIZE);
	CHECK(memory != NULL);
	for (size_t i = 0; i < SHARED_SIZE; i += 4096)
		CHECK_EQUAL(memory[i], 0);
	return memory;
}

static void free_shared(void *memory)
{
	void (*release)(void *) = (void (*)(void *))dlsym(RTLD_DEFAULT, "verbena_free");

	CHECK(release != NULL);
	release(memory);
	errno = 0;
	release(memory);
	CHECK_EQUAL(errno, EINVAL);
	release(NULL);
}

static void offer_shared(struct side *side, int in, int out)
{
	char *memory = shared_memory(), go;
	struct ibv_mr *mr = ibv_reg_mr(side->world.pd, memory, SHARED_SIZE, ALL_ACCESS);
	CHECK(mr != NULL);
	struct card card = {side->qp->qp_num, mr->rkey, (uintptr_t)memory};
	struct ibv_sge sge = {(uintptr_t)memory + 200000, 50000, mr->lkey};

	CHECK_EQUAL(try_recv(side->qp, 3, &sge, 1), 0);
	*(uint64_t *)(memory + 299000) = 10;
	put(out, &card, sizeof card);
	get(in, &go, 1);
	for (size_t i = 0; i < 100000; i++)
		CHECK_EQUAL((uint8_t)memory[i], (uint8_t)(i * 3));
	EXPECT_COMPLETION(side->recv_cq, 3, IBV_WC_SUCCESS);
	for (size_t i = 0; i < 50000; i++)
		CHECK_EQUAL((uint8_t)memory[200000 + i], (uint8_t)(i * 3));
	CHECK_EQUAL(*(uint64_t *)(memory + 299000), 15);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	free_shared(memory);
}

CASE(memory_of_verbena_alloc_is_like_any_other)
{
	struct side side;
	struct target target = start_target(&side, IBV_QPT_RC, &usual_path, offer_shared);
	char *own = shared_memory();
	struct ibv_mr *mr = ibv_reg_mr(side.world.pd, own, SHARED_SIZE, ALL_ACCESS);
	struct ibv_sge sge = {(uintptr_t)own, 100000, 0};

	CHECK(mr != NULL);
	sge.lkey = mr->lkey;
	get(target.from, &target.card, sizeof target.card);
	for (size_t i = 0; i < 100000; i++)
		own[i] = i * 3;
	struct ibv_send_wr wr = remote_request(1, IBV_WR_RDMA_WRITE, &sge, target.card.address, target.card.rkey);
	CHECK_EQUAL(try_send(side.qp, &wr), 0);
	EXPECT_COMPLETION(side.world.cq, 1, IBV_WC_SUCCESS);
	sge.length = 50000;
	wr = request(2, IBV_WR_SEND, &sge);
	CHECK_EQUAL(try_send(side.qp, &wr), 0);
	EXPECT_COMPLETION(side.world.cq, 2, IBV_WC_SUCCESS);
	memset(own, 0, 100000);
	sge.length = 100000;
	wr = remote_request(3, IBV_WR_RDMA_READ, &sge, target.card.address, target.card.rkey);
	CHECK_EQUAL(try_send(side.qp, &wr), 0);
	EXPECT_COMPLETION(side.world.cq, 3, IBV_WC_SUCCESS);
	for (size_t i = 0; i < 100000; i++)
		CHECK_EQUAL((uint8_t)own[i], (uint8_t)(i * 3));
	sge.length = 8;
	wr = request(4, IBV_WR_ATOMIC_FETCH_AND_ADD, &sge);
	wr.wr.atomic.remote_addr = target.card.address + 299000;
	wr.wr.atomic.rkey = target.card.rkey;
	wr.wr.atomic.compare_add = 5;
	CHECK_EQUAL(try_send(side.qp, &wr), 0);
	EXPECT_COMPLETION(side.world.cq, 4, IBV_WC_SUCCESS);
	CHECK_EQUAL(*(uint64_t *)own, 10);
	put(target.to, "c", 1);
	expect_end(&target);
	CHECK_EQUAL(ibv_dereg_mr(mr), 0);
	free_shared(own);
	end_side(&side);
}

/* --- Many messages of every size, both ways --- */

#define EXCHANGES 400

static uint32_t exchange_length(int i) { return (i * 7919u) % 30000; }

static void exchange(struct side *side)
{
	int sent = 0, received = 0, posted = 0;
	double deadline = seconds_now() + PATIENCE_SECONDS;

	while (sent < EXCHANGES || received < EXCHANGES) {
		struct ibv_wc wc;

		CHECK(seconds_now() < deadline);
		while (posted < EXCHANGES && posted < received + 8) {
			struct ibv_sge list[2] = {
				piece(&side->world, (posted % 8) * 32768, 1000),
				piece(&side->world, (posted % 8) * 32768 + 1000, 31000),
			};
			CHECK_EQUAL(try_recv(side->qp, posted, list, 2), 0);
			posted++;
		}
		if (sent < EXCHANGES) {
			char *memory = side->world.buffer + (512 << 10);
			struct ibv_sge list[2] = {
				piece(&side->world, 512 << 10, exchange_length(sent) / 3),
				piece(&side->world, (512 << 10) + exchange_length(sent) / 3,
					exchange_length(sent) - exchange_length(sent) / 3),
			};
			struct ibv_send_wr wr = request(sent, IBV_WR_SEND, list);

			wr.num_sge = 2;
			for (uint32_t j = 0; j < exchange_length(sent); j++)
				memory[j] = sent * 3 + j;
			CHECK_EQUAL(try_send(side->qp, &wr), 0);
			while (ibv_poll_cq(side->world.cq, 1, &wc) == 0)
				CHECK(seconds_now() < deadline);
			CHECK_EQUAL(wc.status, IBV_WC_SUCCESS);
			CHECK_EQUAL(wc.wr_id, sent);
			sent++;
		}
		while (ibv_poll_cq(side->recv_cq, 1, &wc) == 1) {
			char *memory = side->world.buffer + (received % 8) * 32768;

			CHECK_EQUAL(wc.status, IBV_WC_SUCCESS);
			CHECK_EQUAL(wc.wr_id, received);
			CHECK_EQUAL(wc.byte_len, exchange_length(received));
			for (uint32_t j = 0; j < wc.byte_len; j++)
				CHECK_EQUAL((uint8_t)memory[j], (uint8_t)(received * 3 + j));
			received++;
		}
	}
}

static void exchange_as_target(struct side *side, int in, int out)
{
	char go;

	exchange(side);
	put(out, "d", 1);
	get(in, &go, 1);
}

CASE(messages_of_every_length_cross_each_other)
{
	struct side side;
	struct target target = start_target(&side, IBV_QPT_RC, &usual_path, exchange_as_target);
	char done;

	/* Both wait for the other's completions while they send, so half of the sends meet no receive request. */
	exchange(&side);
	get(target.from, &done, 1);
	put(target.to, "e", 1);
	expect_end(&target);
	end_side(&side);
}
