/* Many connected queue pairs between two processes pinned to two cores, with traffic on ten of them: what a request then
 * costs, beside the same with ten queue pairs alone, and what memory an idle queue pair takes in each process.
 *
 * usage: scale [QUEUE-PAIRS]      1000 without an argument */
#define _GNU_SOURCE
#include "bench.h"

#include <infiniband/verbs.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define BUSY 10
#define QPS_MAX 8192
#define DEPTH 16
#define ROUNDS 21
#define GROUP 2000

/* What both processes see. */
struct shared {
	_Alignas(128) atomic_uint met;
	uint32_t qpns[2][QPS_MAX], rkey;
	uint64_t address;
};

struct side {
	struct ibv_context *context;
	struct ibv_pd *pd;
	struct ibv_cq *cq, *recv_cq;
	struct ibv_mr *mr;
	struct ibv_qp *qps[QPS_MAX];
	union ibv_gid gid;
	int gid_index;
};

static struct shared *shared;
static char buffer[4096];

static void meet(void)
{
	static unsigned int expected;

	expected += 2;
	atomic_fetch_add(&shared->met, 1);
	while (atomic_load(&shared->met) < expected)
		sched_yield();
}

/* Bytes that the process has in memory, its share of what is shared included. */
static long resident(void)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "r");
	char line[256];
	long kilobytes = 0;

	CHECK(file);
	while (fgets(line, sizeof line, file))
		if (sscanf(line, "Rss: %ld kB", &kilobytes) == 1)
			break;
	fclose(file);
	return kilobytes * 1024;
}

static void make_side(struct side *side)
{
	int count;
	struct ibv_device **list = ibv_get_device_list(&count);
	struct ibv_gid_entry entries[16];

	CHECK(list && count > 0);
	CHECK((side->context = ibv_open_device(list[0])));
	CHECK((side->pd = ibv_alloc_pd(side->context)));
	CHECK((side->cq = ibv_create_cq(side->context, 1024, NULL, NULL, 0)));
	CHECK((side->recv_cq = ibv_create_cq(side->context, 1024, NULL, NULL, 0)));
	CHECK((side->mr = ibv_reg_mr(side->pd, buffer, sizeof buffer, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE)));
	CHECK(ibv_query_gid_table(side->context, entries, 16, 0) > 0);
	side->gid = entries[0].gid;
	side->gid_index = entries[0].gid_index;
}

static void connect_pair(struct side *side, struct ibv_qp *qp, uint32_t peer)
{
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_INIT, .port_num = 1, .qp_access_flags = IBV_ACCESS_REMOTE_WRITE};

	CHECK(!ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS));
	attr = (struct ibv_qp_attr){.qp_state = IBV_QPS_RTR, .path_mtu = IBV_MTU_4096, .dest_qp_num = peer,
		.max_dest_rd_atomic = 1, .min_rnr_timer = 1,
		.ah_attr = {.is_global = 1, .port_num = 1, .grh = {.dgid = side->gid, .sgid_index = side->gid_index, .hop_limit = 1}}};
	CHECK(!ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN
		| IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER));
	attr = (struct ibv_qp_attr){.qp_state = IBV_QPS_RTS, .timeout = 14, .retry_cnt = 7, .rnr_retry = 7, .max_rd_atomic = 1};
	CHECK(!ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_SQ_PSN | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT
		| IBV_QP_RNR_RETRY | IBV_QP_MAX_QP_RD_ATOMIC));
}

/* Makes and connects the queue pairs from `first` to `end`; both sides do so at once. */
static void connect_more(struct side *side, int own, int first, int end)
{
	struct ibv_qp_init_attr init = {
		.send_cq = side->cq, .recv_cq = side->recv_cq, .qp_type = IBV_QPT_RC,
		.cap = {.max_send_wr = DEPTH, .max_recv_wr = DEPTH, .max_send_sge = 1, .max_recv_sge = 1, .max_inline_data = 16},
	};

	for (int i = first; i < end; i++) {
		CHECK((side->qps[i] = ibv_create_qp(side->pd, &init)));
		shared->qpns[own][i] = side->qps[i]->qp_num;
	}
	meet();
	for (int i = first; i < end; i++)
		connect_pair(side, side->qps[i], shared->qpns[!own][i]);
	meet();
}

static void wait_one(struct ibv_cq *cq)
{
	struct ibv_wc wc;
	int count;

	while ((count = ibv_poll_cq(cq, 1, &wc)) == 0)
		;
	CHECK(count == 1 && wc.status == IBV_WC_SUCCESS);
}

static void post_receive(struct side *side, struct ibv_qp *qp)
{
	struct ibv_sge sge = {(uintptr_t)buffer, 64, side->mr->lkey};
	struct ibv_recv_wr wr = {.sg_list = &sge, .num_sge = 1}, *bad;

	CHECK(!ibv_post_recv(qp, &wr, &bad));
}

static void post(struct side *side, struct ibv_qp *qp, enum ibv_wr_opcode opcode)
{
	struct ibv_sge sge = {(uintptr_t)buffer, 8, side->mr->lkey};
	struct ibv_send_wr wr = {.sg_list = &sge, .num_sge = 1, .opcode = opcode, .send_flags = IBV_SEND_SIGNALED}, *bad;

	wr.wr.rdma.remote_addr = shared->address;
	wr.wr.rdma.rkey = shared->rkey;
	CHECK(!ibv_post_send(qp, &wr, &bad));
}

/* One message there and back, over one queue pair after the other: nanoseconds one way. */
static double ping_pong(struct side *side, int leads)
{
	double values[ROUNDS];

	for (int i = 0; i < BUSY; i++)
		post_receive(side, side->qps[i]);
	meet();
	for (int round = 0; round < ROUNDS; round++) {
		double start = now();

		for (int i = 0; i < GROUP; i++) {
			struct ibv_qp *qp = side->qps[i % BUSY];

			if (leads)
				post(side, qp, IBV_WR_SEND);
			wait_one(side->recv_cq);
			post_receive(side, qp);
			if (!leads)
				post(side, qp, IBV_WR_SEND);
			wait_one(side->cq);
		}
		values[round] = (now() - start) / GROUP / 2;
	}
	return median(values, ROUNDS);
}

static double write_each(struct side *side)
{
	double values[ROUNDS];

	for (int round = 0; round < ROUNDS; round++) {
		double start = now();

		for (int i = 0; i < GROUP; i++) {
			post(side, side->qps[i % BUSY], IBV_WR_RDMA_WRITE);
			wait_one(side->cq);
		}
		values[round] = (now() - start) / GROUP;
	}
	return median(values, ROUNDS);
}

static void measure(struct side *side, int leads, double *message, double *write)
{
	*message = ping_pong(side, leads);
	meet();
	if (leads)
		*write = write_each(side);
	meet();
}

static void run(int own, int count)
{
	static struct side side;
	double message[2] = {0}, write[2] = {0};

	pin(own);
	make_side(&side);
	if (own == 1) {
		shared->address = (uintptr_t)buffer;
		shared->rkey = side.mr->rkey;
	}
	connect_more(&side, own, 0, BUSY);
	/* The first time warms caches and pages up. */
	measure(&side, own == 0, &message[0], &write[0]);
	measure(&side, own == 0, &message[0], &write[0]);
	long before = resident();
	connect_more(&side, own, BUSY, count);
	long after = resident();
	measure(&side, own == 0, &message[1], &write[1]);
	if (own == 0) {
		printf("%24s %12s %12s %7s\n", "", "10 alone ns", "of all ns", "ratio");
		printf("%24s %12.0f %12.0f %7.2f\n", "SEND of 8 B, one way", message[0], message[1], message[1] / message[0]);
		printf("%24s %12.0f %12.0f %7.2f\n", "WRITE of 8 B to heap", write[0], write[1], write[1] / write[0]);
		printf("%d queue pairs; an idle one takes %.1f KiB of memory in its process\n", count,
			(after - before) / 1024.0 / (count - BUSY));
	}
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 1000, status;
	pid_t target;

	CHECK(count > BUSY && count <= QPS_MAX);
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	target = fork();
	CHECK(target >= 0);
	if (target == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run(1, count);
		return 0;
	}
	run(0, count);
	CHECK(waitpid(target, &status, 0) == target && status == 0);
	return 0;
}
