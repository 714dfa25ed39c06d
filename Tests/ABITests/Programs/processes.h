/* Two processes of one host, each with a device of its own. Sourced by the programs that need them. */
#ifndef PROCESSES_H
#define PROCESSES_H

#include "check.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* What one process tells the other to be connected, and to be worked on. */
struct card {
	uint32_t qp_num, rkey;
	uint64_t address;
};

/* The processes: this one initiates, the child is the target. They talk over pipes. */
struct target {
	pid_t pid;
	int to, from;
	struct card card;
};

struct side {
	struct world world;
	struct ibv_comp_channel *channel;
	struct ibv_cq *recv_cq;
	struct ibv_qp *qp;
};

static inline void put(int fd, const void *data, size_t length)
{
	CHECK_EQUAL(write(fd, data, length), length);
}

static inline void get(int fd, void *data, size_t length)
{
	for (size_t done = 0; done < length;) {
		ssize_t count = read(fd, (char *)data + done, length - done);

		CHECK(count > 0);
		done += count;
	}
}

static inline struct card card_of(struct side *side)
{
	return (struct card){side->qp->qp_num, side->world.mr->rkey, (uintptr_t)side->world.buffer};
}

static inline struct side make_side(enum ibv_qp_type type)
{
	struct side side = {.world = make_world()};
	struct ibv_qp_init_attr init = qp_init(&side.world, type);

	side.channel = ibv_create_comp_channel(side.world.context);
	CHECK(side.channel != NULL);
	side.recv_cq = ibv_create_cq(side.world.context, 256, NULL, side.channel, 0);
	CHECK(side.recv_cq != NULL);
	init.recv_cq = side.recv_cq;
	side.qp = ibv_create_qp(side.world.pd, &init);
	CHECK(side.qp != NULL);
	return side;
}

static inline void end_side(struct side *side)
{
	CHECK_EQUAL(ibv_destroy_qp(side->qp), 0);
	CHECK_EQUAL(ibv_destroy_cq(side->recv_cq), 0);
	CHECK_EQUAL(ibv_destroy_comp_channel(side->channel), 0);
	end_world(&side->world);
}

/* Starts the target, which runs `body` once both queue pairs can send, and ends with 0. */
static inline struct target start_target(
	struct side *own, enum ibv_qp_type type, const struct path *path, void (*body)(struct side *, int in, int out))
{
	struct target target;
	int down[2], up[2];

	CHECK_EQUAL(pipe(down), 0);
	CHECK_EQUAL(pipe(up), 0);
	target.pid = fork();
	CHECK(target.pid >= 0);
	if (target.pid == 0) {
		struct card peer, card;
		char go;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(down[1]);
		close(up[0]);
		struct side side = make_side(type);
		card = card_of(&side);
		put(up[1], &card, sizeof card);
		get(down[0], &peer, sizeof peer);
		connect_to(&side.world, side.qp, peer.qp_num, path);
		put(up[1], "r", 1);
		get(down[0], &go, 1);
		body(&side, down[0], up[1]);
		end_side(&side);
		exit(0);
	}
	close(down[0]);
	close(up[1]);
	target.to = down[1];
	target.from = up[0];
	get(target.from, &target.card, sizeof target.card);
	*own = make_side(type);
	struct card card = card_of(own);
	char ready;
	put(target.to, &card, sizeof card);
	get(target.from, &ready, 1);
	connect_to(&own->world, own->qp, target.card.qp_num, path);
	put(target.to, "g", 1);
	return target;
}

static inline void expect_end(struct target *target)
{
	int status = -1;

	CHECK_EQUAL(waitpid(target->pid, &status, 0), target->pid);
	CHECK(WIFEXITED(status));
	CHECK_EQUAL(WEXITSTATUS(status), 0);
}

static inline void stop(struct target *target)
{
	int status;

	CHECK_EQUAL(kill(target->pid, SIGSTOP), 0);
	CHECK_EQUAL(waitpid(target->pid, &status, WUNTRACED), target->pid);
	CHECK(WIFSTOPPED(status));
}

static inline void one_sided(struct side *side, struct target *target, uint64_t id, enum ibv_wr_opcode opcode, size_t offset,
	uint32_t length, enum ibv_wc_status wanted)
{
	struct ibv_sge sge = piece(&side->world, offset, length);
	struct ibv_send_wr wr = remote_request(id, opcode, &sge, target->card.address + offset, target->card.rkey);

	CHECK_EQUAL(try_send(side->qp, &wr), 0);
	EXPECT_COMPLETION(side->world.cq, id, wanted);
}

static inline uint64_t change_word(struct side *side, struct target *target, enum ibv_wr_opcode opcode, uint64_t operand,
	uint64_t swap)
{
	struct ibv_sge sge = piece(&side->world, 512 << 10, 8);
	struct ibv_send_wr wr = request(9, opcode, &sge);

	wr.wr.atomic.remote_addr = target->card.address;
	wr.wr.atomic.rkey = target->card.rkey;
	wr.wr.atomic.compare_add = operand;
	wr.wr.atomic.swap = swap;
	CHECK_EQUAL(try_send(side->qp, &wr), 0);
	EXPECT_COMPLETION(side->world.cq, 9, IBV_WC_SUCCESS);
	return *(uint64_t *)(side->world.buffer + (512 << 10));
}

#endif
