/* Pairs of processes that do everything to each other at once, until one of them or both are killed at a random moment.
 *
 * usage: kills ROUNDS SEED
 *
 * Each round starts two processes of this program's own, lets them work, and kills one, the other, or both. Whoever is left
 * must see every request end with a status of the specification, must get back each receive request exactly once, must find
 * its memory as it was outside of what the peer may write, and must be able to take everything down and to begin anew. */
#include <arpa/inet.h>
#include <errno.h>
#include <infiniband/verbs.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHECK(claim) \
	do { \
		if (!(claim)) { \
			fprintf(stderr, "kills: round %d, %s, line %d: not true: %s (errno %d)\n", round_number, role, __LINE__, \
				#claim, errno); \
			_exit(1); \
		} \
	} while (0)

#define WINDOW (1 << 20)
#define GUARD 4096
#define RECEIVES 32
#define PATIENCE 15

static int round_number;
static const char *role = "parent";

struct card {
	uint32_t qpn, rkey;
	uint64_t address;
};

struct side {
	struct ibv_context *context;
	struct ibv_pd *pd;
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	struct ibv_mr *mr;
	char *memory;
	struct card peer;
	union ibv_gid gid;
	int gid_index;
	/* Receive requests that were posted, and how often each came back. */
	uint64_t posted;
	unsigned char *returned;
	uint64_t returned_count;
	int outstanding;
	int failed;
};

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

#define RECEIVES_MAX 1000000

static void make_side(struct side *side)
{
	int count;
	struct ibv_device **list = ibv_get_device_list(&count);
	struct ibv_gid_entry entries[64];

	CHECK(list && count > 0);
	CHECK((side->context = ibv_open_device(list[0])));
	ibv_free_device_list(list);
	CHECK((side->pd = ibv_alloc_pd(side->context)));
	CHECK((side->cq = ibv_create_cq(side->context, 4 * RECEIVES, NULL, NULL, 0)));
	side->memory = mmap(NULL, WINDOW + 2 * GUARD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(side->memory != MAP_FAILED);
	memset(side->memory, 0x77, WINDOW + 2 * GUARD);
	side->mr = ibv_reg_mr(side->pd, side->memory + GUARD, WINDOW,
		IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC);
	CHECK(side->mr);
	CHECK(ibv_query_gid_table(side->context, entries, 64, 0) > 0);
	side->gid = entries[0].gid;
	side->gid_index = entries[0].gid_index;
	CHECK((side->returned = calloc(RECEIVES_MAX, 1)));
}

static void make_qp(struct side *side)
{
	struct ibv_qp_init_attr init = {.send_cq = side->cq, .recv_cq = side->cq, .qp_type = IBV_QPT_RC,
		.cap = {.max_send_wr = 16, .max_recv_wr = RECEIVES, .max_send_sge = 1, .max_recv_sge = 2}};

	CHECK((side->qp = ibv_create_qp(side->pd, &init)));
}

static void connect_qp(struct side *side, uint32_t peer)
{
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_INIT, .port_num = 1,
		.qp_access_flags = IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC};

	CHECK(!ibv_modify_qp(side->qp, &attr, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS));
	attr = (struct ibv_qp_attr){.qp_state = IBV_QPS_RTR, .path_mtu = IBV_MTU_1024, .dest_qp_num = peer,
		.max_dest_rd_atomic = 4, .min_rnr_timer = 1,
		.ah_attr = {.is_global = 1, .port_num = 1,
			.grh = {.dgid = side->gid, .sgid_index = side->gid_index, .hop_limit = 1}}};
	CHECK(!ibv_modify_qp(side->qp, &attr, IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN
		| IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER));
	attr = (struct ibv_qp_attr){.qp_state = IBV_QPS_RTS, .timeout = 10, .retry_cnt = 7, .rnr_retry = 7, .max_rd_atomic = 4};
	CHECK(!ibv_modify_qp(side->qp, &attr, IBV_QP_STATE | IBV_QP_SQ_PSN | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT
		| IBV_QP_RNR_RETRY | IBV_QP_MAX_QP_RD_ATOMIC));
}

/* The last eighth of the window takes messages; the peer's one-sided requests stay before it. */
#define ONE_SIDED (WINDOW / 8 * 7)

static void post_receive(struct side *side)
{
	uint64_t base = (uintptr_t)side->memory + GUARD + ONE_SIDED;
	struct ibv_sge list[2] = {{base, 100, side->mr->lkey}, {base + 100, 70000, side->mr->lkey}};
	struct ibv_recv_wr wr = {.wr_id = side->posted, .sg_list = list, .num_sge = 2}, *bad;

	CHECK(side->posted < RECEIVES_MAX);
	if (ibv_post_recv(side->qp, &wr, &bad) == 0)
		side->posted++;
}

static void take_completions(struct side *side)
{
	struct ibv_wc wc[16];
	int count = ibv_poll_cq(side->cq, 16, wc);

	CHECK(count >= 0);
	for (int i = 0; i < count; i++) {
		enum ibv_wc_status status = wc[i].status;

		if (wc[i].wr_id < RECEIVES_MAX) {
			CHECK(status == IBV_WC_SUCCESS || status == IBV_WC_WR_FLUSH_ERR);
			CHECK(wc[i].wr_id < side->posted);
			CHECK(side->returned[wc[i].wr_id]++ == 0);
			side->returned_count++;
			if (status == IBV_WC_SUCCESS && !side->failed)
				post_receive(side);
		} else {
			/* The first failure is for want of an answer, and the rest is flushed. */
			CHECK(status == IBV_WC_SUCCESS || status == (side->failed ? IBV_WC_WR_FLUSH_ERR : IBV_WC_RETRY_EXC_ERR));
			side->outstanding--;
		}
		if (status != IBV_WC_SUCCESS)
			side->failed = 1;
	}
}

static void post_something(struct side *side, unsigned int *seed)
{
	static const uint32_t lengths[] = {0, 1, 8, 16, 64, 1000, 8192, 20000, 65536, 700000};
	static const enum ibv_wr_opcode opcodes[] = {IBV_WR_RDMA_WRITE, IBV_WR_RDMA_READ, IBV_WR_SEND, IBV_WR_SEND_WITH_IMM,
		IBV_WR_RDMA_WRITE_WITH_IMM, IBV_WR_ATOMIC_CMP_AND_SWP, IBV_WR_ATOMIC_FETCH_AND_ADD};
	enum ibv_wr_opcode opcode = opcodes[rand_r(seed) % 7];
	uint32_t length = lengths[rand_r(seed) % 10];
	int is_atomic = opcode == IBV_WR_ATOMIC_CMP_AND_SWP || opcode == IBV_WR_ATOMIC_FETCH_AND_ADD;

	if (is_atomic)
		length = 8;
	else if ((opcode == IBV_WR_SEND || opcode == IBV_WR_SEND_WITH_IMM) && length > 65536)
		length = 65536;
	struct ibv_sge sge = {(uintptr_t)side->memory + GUARD, length, side->mr->lkey};
	struct ibv_send_wr wr = {.wr_id = RECEIVES_MAX + 1, .sg_list = &sge, .num_sge = length > 0, .opcode = opcode,
		.send_flags = IBV_SEND_SIGNALED}, *bad;
	if (is_atomic) {
		wr.wr.atomic.remote_addr = side->peer.address;
		wr.wr.atomic.rkey = side->peer.rkey;
	} else {
		wr.wr.rdma.remote_addr = side->peer.address;
		wr.wr.rdma.rkey = side->peer.rkey;
	}
	CHECK(ibv_post_send(side->qp, &wr, &bad) == 0);
	side->outstanding++;
}

/* After the peer's death. */
static void take_down(struct side *side)
{
	double deadline = seconds() + PATIENCE;
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_ERR};
	struct ibv_qp_init_attr init;

	CHECK(!ibv_query_qp(side->qp, &attr, IBV_QP_STATE, &init));
	CHECK(attr.qp_state == IBV_QPS_ERR);
	while (side->returned_count < side->posted || side->outstanding > 0) {
		CHECK(seconds() < deadline);
		take_completions(side);
	}
	for (int i = 0; i < GUARD; i++)
		CHECK(side->memory[i] == 0x77 && side->memory[GUARD + WINDOW + i] == 0x77);
	CHECK(!ibv_destroy_qp(side->qp));
	/* A queue pair that talks to itself shows that everything else still works. */
	make_qp(side);
	connect_qp(side, side->qp->qp_num);
	side->posted = side->returned_count = 0;
	side->failed = 0;
	memset(side->returned, 0, RECEIVES_MAX > 64 ? 64 : RECEIVES_MAX);
	post_receive(side);
	struct ibv_sge sge = {(uintptr_t)side->memory + GUARD, 5000, side->mr->lkey};
	struct ibv_send_wr wr = {.wr_id = RECEIVES_MAX + 1, .sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_SEND,
		.send_flags = IBV_SEND_SIGNALED}, *bad;
	CHECK(!ibv_post_send(side->qp, &wr, &bad));
	side->outstanding = 1;
	while (side->outstanding > 0 || side->returned_count == 0) {
		CHECK(seconds() < deadline);
		take_completions(side);
		CHECK(!side->failed);
	}
	CHECK(!ibv_destroy_qp(side->qp));
	CHECK(!ibv_dereg_mr(side->mr));
	CHECK(!ibv_destroy_cq(side->cq));
	CHECK(!ibv_dealloc_pd(side->pd));
	CHECK(!ibv_close_device(side->context));
}

static void work(int wire, unsigned int seed)
{
	struct side side = {0};

	make_side(&side);
	make_qp(&side);
	struct card card = {side.qp->qp_num, side.mr->rkey, (uintptr_t)side.memory + GUARD};
	/* The peer may be dead already: then there is nothing to see here. */
	if (write(wire, &card, sizeof card) != sizeof card || read(wire, &side.peer, sizeof side.peer) != sizeof side.peer)
		_exit(0);
	connect_qp(&side, side.peer.qpn);
	for (int i = 0; i < RECEIVES; i++)
		post_receive(&side);
	char ready = 'r';
	if (write(wire, &ready, 1) != 1 || read(wire, &ready, 1) != 1)
		_exit(0);
	double deadline = 0;
	while (!side.failed) {
		struct pollfd end = {.fd = wire, .events = POLLIN};

		if (side.outstanding < 8)
			post_something(&side, &seed);
		take_completions(&side);
		/* The peer is gone, and with the next request the queue pair finds out. */
		if (deadline == 0 && rand_r(&seed) % 64 == 0 && poll(&end, 1, 0) == 1)
			deadline = seconds() + PATIENCE;
		CHECK(deadline == 0 || seconds() < deadline);
	}
	take_down(&side);
	_exit(0);
}

static pid_t start(const char *name, int wire, int other, unsigned int seed)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		role = name;
		close(other);
		work(wire, seed);
	}
	return pid;
}

static void expect(pid_t pid, int killed)
{
	double deadline = seconds() + 2 * PATIENCE;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (seconds() > deadline) {
			fprintf(stderr, "kills: round %d: the survivor hangs\n", round_number);
			kill(pid, SIGKILL);
			exit(1);
		}
		usleep(200);
	}
	if (killed && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return;
	if (!(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
		fprintf(stderr, "kills: round %d: a survivor ended with status %x\n", round_number, status);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 100;
	unsigned int seed = argc > 2 ? atoi(argv[2]) : 1;

	signal(SIGPIPE, SIG_IGN);
	for (round_number = 0; round_number < rounds; round_number++) {
		int wires[2];

		CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, wires) == 0);
		pid_t left = start("left", wires[0], wires[1], rand_r(&seed));
		pid_t right = start("right", wires[1], wires[0], rand_r(&seed));
		close(wires[0]);
		close(wires[1]);
		/* Some die while they still connect. */
		usleep(rand_r(&seed) % 8 == 0 ? rand_r(&seed) % 30000 : 20000 + rand_r(&seed) % 30000);
		int victims = 1 + rand_r(&seed) % 3;
		if (victims & 1)
			kill(left, SIGKILL);
		if (victims & 2)
			kill(right, SIGKILL);
		expect(left, victims & 1);
		expect(right, victims & 2);
	}
	printf("%d kills survived\n", rounds);
	return 0;
}
