/* Many processes of one host, each connected to each other: every one writes a page to, and sends a message to, every other,
 * which checks both.
 *
 * usage: crowd PROCESSES */
#include <errno.h>
#include <infiniband/verbs.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX 128
#define PAGE 4096
#define ROUNDS 5

#define CHECK(claim) \
	do { \
		if (!(claim)) { \
			fprintf(stderr, "crowd: process %d, line %d: not true: %s (errno %d)\n", self, __LINE__, #claim, errno); \
			_exit(1); \
		} \
	} while (0)

static struct shared {
	atomic_int met;
	uint32_t qpn[MAX][MAX], rkey[MAX];
	uint64_t address[MAX];
} *shared;
static int count, self;

static void meet(void)
{
	static int expected;

	expected += count;
	atomic_fetch_add(&shared->met, 1);
	while (atomic_load(&shared->met) < expected)
		usleep(500);
}

static unsigned char pattern(int from, int to, int round) { return from * 7 + to * 3 + round; }

static void take(struct ibv_cq *cq, int wanted)
{
	struct ibv_wc wc;
	time_t deadline = time(NULL) + 60;

	while (wanted > 0) {
		int found = ibv_poll_cq(cq, 1, &wc);

		CHECK(found >= 0);
		CHECK(time(NULL) < deadline);
		if (found == 1) {
			CHECK(wc.status == IBV_WC_SUCCESS);
			wanted--;
		}
	}
}

static void work(void)
{
	struct ibv_qp *qps[MAX];
	int devices;
	struct ibv_device **list = ibv_get_device_list(&devices);
	struct ibv_gid_entry gids[64];

	CHECK(list && devices > 0);
	struct ibv_context *context = ibv_open_device(list[0]);
	CHECK(context);
	struct ibv_pd *pd = ibv_alloc_pd(context);
	struct ibv_cq *send_cq = ibv_create_cq(context, 4 * MAX, NULL, NULL, 0), *recv_cq = ibv_create_cq(context, 4 * MAX, NULL, NULL, 0);
	/* A page from, and a page to, each process; likewise for messages. */
	unsigned char *memory = mmap(NULL, 4 * MAX * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct ibv_mr *mr = ibv_reg_mr(pd, memory, 4 * MAX * PAGE, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE);
	CHECK(pd && send_cq && recv_cq && memory != MAP_FAILED && mr);
	CHECK(ibv_query_gid_table(context, gids, 64, 0) > 0);
	struct ibv_gid_entry gid = gids[0];
	shared->rkey[self] = mr->rkey;
	shared->address[self] = (uintptr_t)memory;
	for (int i = 0; i < count; i++) {
		struct ibv_qp_init_attr init = {.send_cq = send_cq, .recv_cq = recv_cq, .qp_type = IBV_QPT_RC,
			.cap = {.max_send_wr = 4, .max_recv_wr = 4, .max_send_sge = 1, .max_recv_sge = 1}};

		CHECK((qps[i] = ibv_create_qp(pd, &init)));
		shared->qpn[self][i] = qps[i]->qp_num;
	}
	meet();
	for (int i = 0; i < count; i++) {
		struct ibv_qp_attr attr = {.qp_state = IBV_QPS_INIT, .port_num = 1, .qp_access_flags = IBV_ACCESS_REMOTE_WRITE};

		CHECK(!ibv_modify_qp(qps[i], &attr, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS));
		attr = (struct ibv_qp_attr){.qp_state = IBV_QPS_RTR, .path_mtu = IBV_MTU_1024, .dest_qp_num = shared->qpn[i][self],
			.max_dest_rd_atomic = 1, .min_rnr_timer = 12,
			.ah_attr = {.is_global = 1, .port_num = 1,
				.grh = {.dgid = gid.gid, .sgid_index = gid.gid_index, .hop_limit = 1}}};
		CHECK(!ibv_modify_qp(qps[i], &attr, IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN
			| IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER));
		attr = (struct ibv_qp_attr){.qp_state = IBV_QPS_RTS, .timeout = 18, .retry_cnt = 7, .rnr_retry = 7, .max_rd_atomic = 1};
		CHECK(!ibv_modify_qp(qps[i], &attr, IBV_QP_STATE | IBV_QP_SQ_PSN | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT
			| IBV_QP_RNR_RETRY | IBV_QP_MAX_QP_RD_ATOMIC));
	}
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < count; i++) {
			struct ibv_sge sge = {(uintptr_t)memory + (2 * MAX + i) * PAGE, PAGE, mr->lkey};
			struct ibv_recv_wr wr = {.sg_list = &sge, .num_sge = 1}, *bad;

			CHECK(!ibv_post_recv(qps[i], &wr, &bad));
		}
		meet();
		for (int i = 0; i < count; i++) {
			unsigned char *own = memory + (MAX + i) * PAGE;
			struct ibv_sge sge = {(uintptr_t)own, PAGE, mr->lkey};
			struct ibv_send_wr write = {.sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_RDMA_WRITE}, *bad;
			struct ibv_send_wr send = {.sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_SEND, .send_flags = IBV_SEND_SIGNALED};

			memset(own, pattern(self, i, round), PAGE);
			write.wr.rdma.remote_addr = shared->address[i] + (uint64_t)self * PAGE;
			write.wr.rdma.rkey = shared->rkey[i];
			write.next = &send;
			CHECK(!ibv_post_send(qps[i], &write, &bad));
		}
		take(send_cq, count);
		take(recv_cq, count);
		meet();
		for (int i = 0; i < count; i++) {
			for (int j = 0; j < PAGE; j++) {
				CHECK(memory[i * PAGE + j] == pattern(i, self, round));
				CHECK(memory[(2 * MAX + i) * PAGE + j] == pattern(i, self, round));
			}
		}
		meet();
	}
	for (int i = 0; i < count; i++)
		CHECK(!ibv_destroy_qp(qps[i]));
	CHECK(!ibv_dereg_mr(mr));
	_exit(0);
}

int main(int argc, char **argv)
{
	int failures = 0, status;

	count = argc > 1 ? atoi(argv[1]) : 16;
	if (count < 1 || count > MAX)
		return 2;
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 2;
	for (self = 0; self < count; self++) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			work();
		}
	}
	while (wait(&status) > 0)
		failures += !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	if (failures == 0)
		printf("%d processes, every one with every other\n", count);
	return failures != 0;
}
