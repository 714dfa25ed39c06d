/* Events that wait for more completions, or for a while. See ibv_modify_cq(3). */
#include "check.h"

#include <sys/wait.h>

#define HALF (BUFFER_SIZE / 2)

/* A queue pair that writes to itself and reports to a channel. */
struct writer {
	struct world world;
	struct ibv_comp_channel *channel;
	struct ibv_cq *cq;
	struct ibv_qp *qp;
};

static struct writer make_writer(void)
{
	struct writer writer = {.world = make_world()};
	struct ibv_qp_init_attr init = qp_init(&writer.world, IBV_QPT_RC);

	writer.channel = ibv_create_comp_channel(writer.world.context);
	CHECK(writer.channel != NULL);
	writer.cq = ibv_create_cq(writer.world.context, 64, NULL, writer.channel, 0);
	CHECK(writer.cq != NULL);
	init.send_cq = init.recv_cq = writer.cq;
	writer.qp = ibv_create_qp(writer.world.pd, &init);
	CHECK(writer.qp != NULL);
	connect_to(&writer.world, writer.qp, writer.qp->qp_num, &usual_path);
	return writer;
}

static void end_writer(struct writer *writer)
{
	CHECK_EQUAL(ibv_destroy_qp(writer->qp), 0);
	CHECK_EQUAL(ibv_destroy_cq(writer->cq), 0);
	CHECK_EQUAL(ibv_destroy_comp_channel(writer->channel), 0);
	end_world(&writer->world);
}

static void moderate(struct writer *writer, uint16_t count, uint16_t period)
{
	struct ibv_modify_cq_attr attr = {
		.attr_mask = IBV_CQ_ATTR_MODERATE, .moderate = {.cq_count = count, .cq_period = period}};

	CHECK_EQUAL(ibv_modify_cq(writer->cq, &attr), 0);
}

/* One write, whose completion is there when this returns, and polled unless it shall stay. */
static void write_once(struct writer *writer)
{
	struct ibv_sge sge = piece(&writer->world, 0, 8);
	struct ibv_send_wr wr =
		remote_request(1, IBV_WR_RDMA_WRITE, &sge, (uintptr_t)writer->world.buffer + HALF, writer->world.mr->rkey);

	CHECK_EQUAL(try_send(writer->qp, &wr), 0);
	EXPECT_COMPLETION(writer->cq, 1, IBV_WC_SUCCESS);
}

static int is_ready(struct writer *writer, int milliseconds)
{
	struct pollfd entry = {.fd = writer->channel->fd, .events = POLLIN};
	int count = poll(&entry, 1, milliseconds);

	CHECK(count >= 0);
	return count;
}

static void take_event(struct writer *writer)
{
	struct ibv_cq *cq;
	void *tag;

	CHECK_EQUAL(ibv_get_cq_event(writer->channel, &cq, &tag), 0);
	CHECK(cq == writer->cq);
	ibv_ack_cq_events(cq, 1);
}

CASE(device_says_how_far_it_goes)
{
	struct world world = make_world();
	struct ibv_device_attr_ex attr;

	CHECK_EQUAL(ibv_query_device_ex(world.context, NULL, &attr), 0);
	CHECK(attr.cq_mod_caps.max_cq_count >= 64);
	CHECK(attr.cq_mod_caps.max_cq_period >= 1000);
	end_world(&world);
}

CASE(event_waits_for_the_count)
{
	struct writer writer = make_writer();

	moderate(&writer, 4, 0);
	for (int round = 0; round < 3; round++) {
		CHECK_EQUAL(ibv_req_notify_cq(writer.cq, 0), 0);
		for (int i = 0; i < 3; i++) {
			write_once(&writer);
			CHECK_EQUAL(is_ready(&writer, 0), 0);
		}
		write_once(&writer);
		CHECK_EQUAL(is_ready(&writer, PATIENCE_SECONDS * 1000), 1);
		take_event(&writer);
	}
	end_writer(&writer);
	SHOWS(ibv_modify_cq);
}

CASE(event_comes_when_the_period_is_over)
{
	struct writer writer = make_writer();
	double start;

	/* 60 ms are longer than whatever else might delay an event, and the count is never reached. */
	moderate(&writer, 1000, 60000);
	for (int round = 0; round < 2; round++) {
		CHECK_EQUAL(ibv_req_notify_cq(writer.cq, 0), 0);
		start = seconds_now();
		write_once(&writer);
		CHECK_EQUAL(is_ready(&writer, PATIENCE_SECONDS * 1000), 1);
		CHECK(seconds_now() - start >= 0.059);
		take_event(&writer);
	}
	/* A period alone. */
	moderate(&writer, 0, 60000);
	CHECK_EQUAL(ibv_req_notify_cq(writer.cq, 0), 0);
	start = seconds_now();
	write_once(&writer);
	CHECK_EQUAL(is_ready(&writer, PATIENCE_SECONDS * 1000), 1);
	CHECK(seconds_now() - start >= 0.059);
	take_event(&writer);
	end_writer(&writer);
}

CASE(what_waited_is_due_when_moderation_ends)
{
	struct writer writer = make_writer();
	struct ibv_modify_cq_attr nothing = {.attr_mask = 0}, unknown = {.attr_mask = 1 << 5};

	moderate(&writer, 1000, 0);
	CHECK_EQUAL(ibv_req_notify_cq(writer.cq, 0), 0);
	write_once(&writer);
	CHECK_EQUAL(is_ready(&writer, 0), 0);
	CHECK_EQUAL(ibv_modify_cq(writer.cq, &nothing), 0);
	CHECK_EQUAL(is_ready(&writer, 0), 0);
	CHECK_EQUAL(ibv_modify_cq(writer.cq, &unknown), EINVAL);
	moderate(&writer, 0, 0);
	CHECK_EQUAL(is_ready(&writer, PATIENCE_SECONDS * 1000), 1);
	take_event(&writer);
	/* One completion, one event, as ever. */
	CHECK_EQUAL(ibv_req_notify_cq(writer.cq, 0), 0);
	write_once(&writer);
	CHECK_EQUAL(is_ready(&writer, PATIENCE_SECONDS * 1000), 1);
	take_event(&writer);
	/* A queue may go while its timer runs. */
	moderate(&writer, 1000, 60000);
	CHECK_EQUAL(ibv_req_notify_cq(writer.cq, 0), 0);
	write_once(&writer);
	end_writer(&writer);
	usleep(80000);
}

static uint32_t exchange(int to, int from, uint32_t number)
{
	uint32_t other;

	CHECK_EQUAL(write(to, &number, sizeof number), sizeof number);
	CHECK_EQUAL(read(from, &other, sizeof other), sizeof other);
	return other;
}

/* Connects the queue pair, which wrote to itself, to another process's. */
static void turn_to(struct writer *writer, int to, int from)
{
	struct ibv_qp_attr reset = {.qp_state = IBV_QPS_RESET};
	uint32_t other;

	CHECK_EQUAL(ibv_modify_qp(writer->qp, &reset, IBV_QP_STATE), 0);
	other = exchange(to, from, writer->qp->qp_num);
	connect_to(&writer->world, writer->qp, other, &usual_path);
	exchange(to, from, 0);
}

/* Receives three messages under one event, then one under the event of a period. */
static void receive_moderated(int to, int from)
{
	struct writer writer = make_writer();
	struct ibv_wc wc[4];

	turn_to(&writer, to, from);
	for (int i = 0; i < 4; i++)
		post_recv(writer.qp, i, piece(&writer.world, 0, 64));
	moderate(&writer, 3, 0);
	CHECK_EQUAL(ibv_req_notify_cq(writer.cq, 0), 0);
	/* Two messages are sent. */
	exchange(to, from, 0);
	exchange(to, from, 0);
	CHECK_EQUAL(is_ready(&writer, 20), 0);
	/* The third. */
	exchange(to, from, 0);
	CHECK_EQUAL(is_ready(&writer, PATIENCE_SECONDS * 1000), 1);
	take_event(&writer);
	CHECK_EQUAL(ibv_poll_cq(writer.cq, 4, wc), 3);
	moderate(&writer, 1000, 1000);
	CHECK_EQUAL(ibv_req_notify_cq(writer.cq, 0), 0);
	exchange(to, from, 0);
	CHECK_EQUAL(is_ready(&writer, PATIENCE_SECONDS * 1000), 1);
	take_event(&writer);
	end_writer(&writer);
	exit(0);
}

static void send_once(struct writer *writer)
{
	struct ibv_sge sge = piece(&writer->world, 0, 8);
	struct ibv_send_wr wr = request(1, IBV_WR_SEND, &sge);

	CHECK_EQUAL(try_send(writer->qp, &wr), 0);
	EXPECT_COMPLETION(writer->cq, 1, IBV_WC_SUCCESS);
}

CASE(sends_of_another_process_are_counted)
{
	int there[2], back[2], status;
	struct writer writer;
	pid_t child;

	CHECK(pipe(there) == 0 && pipe(back) == 0);
	child = fork();
	if (child == 0)
		receive_moderated(back[1], there[0]);
	writer = make_writer();
	turn_to(&writer, there[1], back[0]);
	exchange(there[1], back[0], 0);
	send_once(&writer);
	send_once(&writer);
	exchange(there[1], back[0], 0);
	exchange(there[1], back[0], 0);
	send_once(&writer);
	exchange(there[1], back[0], 0);
	send_once(&writer);
	CHECK_EQUAL(waitpid(child, &status, 0), child);
	CHECK_EQUAL(status, 0);
	end_writer(&writer);
}
