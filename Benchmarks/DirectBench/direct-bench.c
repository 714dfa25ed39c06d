/* The direct path between two processes pinned to two cores, beside the raw means of the machine in the same run:
 * process_vm_writev, /proc/PID/mem, memcpy, and a cache line that two cores hand to each other.
 *
 * usage: direct-bench [ROUNDS]      prints medians; a ratio stands beside each figure that has a reference. */
#define _GNU_SOURCE
#include "bench.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <infiniband/verbs.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static const size_t sizes[] = {8, 64, 4096, 65536, 1 << 20, 8 << 20};
#define SIZE_COUNT (sizeof sizes / sizeof sizes[0])
#define BUFFER_SIZE (8u << 20)
#define DEPTH 512

/* What both processes see: how often they met, lines for the exchange, and how to reach each other. */
struct shared {
	_Alignas(128) atomic_uint met;
	_Alignas(128) atomic_uint ping;
	_Alignas(128) atomic_uint pong;
	struct card { uint32_t qpn, rkey, shared_rkey; uint64_t address, shared_address; } cards[2][3];
};

enum memory { SMALL_PAGES, HUGE_PAGES, SHARED, MEMORY_COUNT };
static const char *memory_names[] = {"heap, 4 KiB pages", "heap, huge pages", "verbena_alloc"};

struct side {
	struct ibv_context *context;
	struct ibv_pd *pd;
	struct ibv_cq *cq, *recv_cq;
	struct ibv_qp *qp;
	char *memory[MEMORY_COUNT];
	/* Another one of verbena_alloc, for memcpy. */
	char *other;
	struct ibv_mr *mr[MEMORY_COUNT];
	/* Where messages come, apart from where they go from, as in ucx_perftest: huge pages. */
	char *inbox;
	struct ibv_mr *inbox_mr;
	union ibv_gid gid;
	int gid_index;
};

static struct shared *shared;
/* Both processes wait here for each other. */
static void meet(void)
{
	static unsigned int expected;

	expected += 2;
	atomic_fetch_add(&shared->met, 1);
	while (atomic_load(&shared->met) < expected)
		;
}

static int group_of(size_t size) { return size <= 65536 ? 64 : size <= (1 << 20) ? 8 : 2; }

/* --- Set-up --- */

static char *map_buffer(int advice)
{
	char *memory = mmap(NULL, BUFFER_SIZE + (2 << 20), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	memory = (char *)(((uintptr_t)memory + (2 << 20) - 1) & ~(uintptr_t)((2 << 20) - 1));
	madvise(memory, BUFFER_SIZE, advice);
	return memory;
}

static void make_side(struct side *side)
{
	int count;
	struct ibv_device **list = ibv_get_device_list(&count);
	void *(*allocate)(size_t) = (void *(*)(size_t))dlsym(RTLD_DEFAULT, "verbena_alloc");

	CHECK(list && count > 0);
	CHECK((side->context = ibv_open_device(list[0])));
	CHECK((side->pd = ibv_alloc_pd(side->context)));
	CHECK((side->cq = ibv_create_cq(side->context, 2 * DEPTH, NULL, NULL, 0)));
	CHECK((side->recv_cq = ibv_create_cq(side->context, 2 * DEPTH, NULL, NULL, 0)));
	for (int kind = 0; kind < MEMORY_COUNT; kind++) {
		if (kind == SHARED) {
			side->memory[kind] = allocate ? allocate(BUFFER_SIZE) : NULL;
			if (!side->memory[kind])
				continue;
			CHECK((side->other = allocate(BUFFER_SIZE)));
			memset(side->other, 1, BUFFER_SIZE);
		} else {
			side->memory[kind] = map_buffer(kind == HUGE_PAGES ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
		}
		memset(side->memory[kind], kind + 1, BUFFER_SIZE);
		side->mr[kind] = ibv_reg_mr(side->pd, side->memory[kind], BUFFER_SIZE,
			IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ);
		CHECK(side->mr[kind]);
	}
	side->inbox = map_buffer(MADV_HUGEPAGE);
	memset(side->inbox, 1, BUFFER_SIZE);
	CHECK((side->inbox_mr = ibv_reg_mr(side->pd, side->inbox, BUFFER_SIZE, IBV_ACCESS_LOCAL_WRITE)));
	struct ibv_gid_entry entries[16];
	ssize_t gids = ibv_query_gid_table(side->context, entries, 16, 0);
	CHECK(gids > 0);
	side->gid = entries[0].gid;
	side->gid_index = entries[0].gid_index;
	struct ibv_qp_init_attr init = {
		.send_cq = side->cq, .recv_cq = side->recv_cq, .qp_type = IBV_QPT_RC,
		.cap = {.max_send_wr = DEPTH, .max_recv_wr = DEPTH, .max_send_sge = 1, .max_recv_sge = 1, .max_inline_data = 64},
	};
	CHECK((side->qp = ibv_create_qp(side->pd, &init)));
}

static void connect_side(struct side *side, uint32_t peer)
{
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_INIT, .port_num = 1,
		.qp_access_flags = IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ};

	CHECK(!ibv_modify_qp(side->qp, &attr, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS));
	attr = (struct ibv_qp_attr){.qp_state = IBV_QPS_RTR, .path_mtu = IBV_MTU_4096, .dest_qp_num = peer,
		.max_dest_rd_atomic = 16, .min_rnr_timer = 1,
		.ah_attr = {.is_global = 1, .port_num = 1, .grh = {.dgid = side->gid, .sgid_index = side->gid_index, .hop_limit = 1}}};
	CHECK(!ibv_modify_qp(side->qp, &attr, IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN
		| IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER));
	attr = (struct ibv_qp_attr){.qp_state = IBV_QPS_RTS, .timeout = 14, .retry_cnt = 7, .rnr_retry = 7, .max_rd_atomic = 16};
	CHECK(!ibv_modify_qp(side->qp, &attr, IBV_QP_STATE | IBV_QP_SQ_PSN | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT
		| IBV_QP_RNR_RETRY | IBV_QP_MAX_QP_RD_ATOMIC));
}

static void exchange_cards(struct side *side, int own)
{
	for (int kind = 0; kind < MEMORY_COUNT; kind++) {
		struct card *card = &shared->cards[own][kind];

		card->qpn = side->qp->qp_num;
		card->address = (uintptr_t)side->memory[kind];
		card->rkey = side->mr[kind] ? side->mr[kind]->rkey : 0;
	}
	meet();
	connect_side(side, shared->cards[!own][0].qpn);
	meet();
}

/* --- Verbs --- */

static void wait_one(struct ibv_cq *cq)
{
	struct ibv_wc wc;
	int count;

	while ((count = ibv_poll_cq(cq, 1, &wc)) == 0)
		;
	CHECK(count == 1 && wc.status == IBV_WC_SUCCESS);
}

static void one_sided(struct side *side, enum ibv_wr_opcode opcode, enum memory kind, size_t size)
{
	struct ibv_sge sge = {(uintptr_t)side->memory[kind], size, side->mr[kind]->lkey};
	struct ibv_send_wr wr = {.sg_list = &sge, .num_sge = 1, .opcode = opcode, .send_flags = IBV_SEND_SIGNALED}, *bad;

	wr.wr.rdma.remote_addr = shared->cards[1][kind].address;
	wr.wr.rdma.rkey = shared->cards[1][kind].rkey;
	CHECK(!ibv_post_send(side->qp, &wr, &bad));
	wait_one(side->cq);
}

static void post_receives(struct side *side, size_t size, int count)
{
	struct ibv_sge sge = {(uintptr_t)side->inbox, size, side->inbox_mr->lkey};
	struct ibv_recv_wr list[64], *bad;

	for (int i = 0; i < count; i++)
		list[i] = (struct ibv_recv_wr){.sg_list = &sge, .num_sge = 1, .next = i + 1 < count ? &list[i + 1] : NULL};
	CHECK(!ibv_post_recv(side->qp, list, &bad));
}

static void post_message(struct side *side, enum memory kind, size_t size, unsigned int flags)
{
	struct ibv_sge sge = {(uintptr_t)side->memory[kind], size, side->mr[kind]->lkey};
	struct ibv_send_wr wr = {.sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_SEND,
		.send_flags = flags | (size <= 64 ? IBV_SEND_INLINE : 0)}, *bad;

	CHECK(!ibv_post_send(side->qp, &wr, &bad));
}

static void drain(struct ibv_cq *cq)
{
	struct ibv_wc wc[64];

	while (ibv_poll_cq(cq, 64, wc) > 0)
		;
}

static int message_count(size_t size) { return size <= 65536 ? 20000 : size <= (1 << 20) ? 1000 : 100; }

/* Both sides in turn; the leader measures. Returns nanoseconds one way. */
static double ping_pong(struct side *side, int leads, enum memory kind, size_t size)
{
	int count = message_count(size);

	/* What is left of a shorter size takes a longer one as well. */
	for (int i = 0; i < 16; i++)
		post_receives(side, BUFFER_SIZE, 1);
	meet();
	double start = now();
	for (int i = 0; i < count; i++) {
		if (leads)
			post_message(side, kind, size, i % 64 == 63 ? IBV_SEND_SIGNALED : 0);
		wait_one(side->recv_cq);
		post_receives(side, BUFFER_SIZE, 1);
		if (!leads)
			post_message(side, kind, size, i % 64 == 63 ? IBV_SEND_SIGNALED : 0);
		if (i % 64 == 63)
			wait_one(side->cq);
	}
	double result = (now() - start) / count / 2;
	drain(side->cq);
	return result;
}

#define STREAM 2000000
#define BATCH 32

static void receive_stream(struct side *side)
{
	struct ibv_wc wc[BATCH];

	for (int i = 0; i < DEPTH / BATCH - 4; i++)
		post_receives(side, 64, BATCH);
	meet();
	for (int done = 0, unposted = 0; done < STREAM;) {
		int count = ibv_poll_cq(side->recv_cq, BATCH, wc);

		CHECK(count >= 0);
		done += count;
		for (unposted += count; unposted >= BATCH; unposted -= BATCH)
			post_receives(side, 64, BATCH);
	}
}

/* Messages a second. */
static double send_stream(struct side *side)
{
	meet();
	struct ibv_sge sge = {(uintptr_t)side->memory[SMALL_PAGES], 8, side->mr[SMALL_PAGES]->lkey};
	struct ibv_send_wr list[BATCH], *bad;
	for (int i = 0; i < BATCH; i++)
		list[i] = (struct ibv_send_wr){.sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_SEND, .next = i + 1 < BATCH ? &list[i + 1] : NULL,
			.send_flags = IBV_SEND_INLINE | (i + 1 == BATCH ? IBV_SEND_SIGNALED : 0)};
	double start = now();
	int outstanding = 0;
	for (int done = 0; done < STREAM; done += BATCH) {
		if (outstanding == DEPTH / BATCH - 2) {
			wait_one(side->cq);
			outstanding--;
		}
		CHECK(!ibv_post_send(side->qp, list, &bad));
		outstanding++;
	}
	while (outstanding-- > 0)
		wait_one(side->cq);
	return STREAM / ((now() - start) / 1e9);
}

/* --- The two processes --- */

static void run_target(void)
{
	struct side side = {0};

	pin(1);
	make_side(&side);
	exchange_cards(&side, 1);
	for (unsigned int i = 1; i <= 100000; i++) {
		while (atomic_load(&shared->ping) != i)
			;
		atomic_store(&shared->pong, i);
	}
	for (size_t i = 0; i < SIZE_COUNT; i++)
		ping_pong(&side, 0, HUGE_PAGES, sizes[i]);
	receive_stream(&side);
	pause();
}

/* What of a short WRITE to heap memory is the system call, what the library, and what that the one makes the other slower. */
static void explain(struct side *side, int file)
{
	double raw, library, both, write;
	uint64_t remote = shared->cards[1][SMALL_PAGES].address;

	MEASURE(raw, 64, CHECK(pwrite(file, side->memory[SMALL_PAGES], 8, remote) == 8));
	MEASURE(library, 64, one_sided(side, IBV_WR_RDMA_WRITE, SHARED, 8));
	MEASURE(both, 64, CHECK(pwrite(file, side->memory[SMALL_PAGES], 8, remote) == 8); one_sided(side, IBV_WR_RDMA_WRITE, SHARED, 8));
	MEASURE(write, 64, one_sided(side, IBV_WR_RDMA_WRITE, SMALL_PAGES, 8));
	printf("\nA WRITE of 8 bytes in parts, ns: raw call %.0f, WRITE to verbena_alloc %.0f, both in turn %.0f, WRITE to heap %.0f\n", raw, library, both, write);
}

static void run_initiator(pid_t target)
{
	struct side side = {0};
	char path[64];

	pin(0);
	make_side(&side);
	exchange_cards(&side, 0);
	/* A cache line there and back. */
	double start = now();
	for (unsigned int i = 1; i <= 100000; i++) {
		atomic_store(&shared->ping, i);
		while (atomic_load(&shared->pong) != i)
			;
	}
	double line = (now() - start) / 200000;
	printf("a cache line, one way: %.0f ns\n\n", line);

	printf("SEND, one way\n%10s %12s %12s\n", "bytes", "us", "GB/s");
	for (size_t i = 0; i < SIZE_COUNT; i++) {
		double time = ping_pong(&side, 1, HUGE_PAGES, sizes[i]);
		printf("%10zu %12.3f %12.2f\n", sizes[i], time / 1e3, sizes[i] / time);
		fflush(stdout);
	}
	printf("\nSEND of 8 bytes: %.2f million a second\n", send_stream(&side) / 1e6);

	snprintf(path, sizeof path, "/proc/%d/mem", target);
	int file = open(path, O_RDWR);
	CHECK(file >= 0);
	for (int kind = 0; kind < MEMORY_COUNT; kind++) {
		if (!side.memory[kind])
			continue;
		printf("\n%s\n%10s %12s %12s %7s %12s %12s %7s\n", memory_names[kind], "bytes", "raw write us", "WRITE us", "ratio", "raw read us", "READ us", "ratio");
		for (size_t i = 0; i < SIZE_COUNT; i++) {
			size_t size = sizes[i];
			uint64_t remote = shared->cards[1][kind].address;
			struct iovec from = {side.memory[kind], size}, to = {(void *)remote, size};
			double raw_write, raw_read, file_write, file_read, write, read;
			int group = group_of(size);

			if (kind == SHARED) {
				/* The same pages on both sides as WRITE and READ have. */
				MEASURE(raw_write, group, memcpy(side.other, side.memory[kind], size); __asm__ volatile("" ::: "memory"));
				MEASURE(raw_read, group, memcpy(side.memory[kind], side.other, size); __asm__ volatile("" ::: "memory"));
			} else {
				MEASURE(raw_write, group, CHECK(process_vm_writev(target, &from, 1, &to, 1, 0) == (ssize_t)size));
				MEASURE(raw_read, group, CHECK(process_vm_readv(target, &from, 1, &to, 1, 0) == (ssize_t)size));
				MEASURE(file_write, group, CHECK(pwrite(file, side.memory[kind], size, remote) == (ssize_t)size));
				MEASURE(file_read, group, CHECK(pread(file, side.memory[kind], size, remote) == (ssize_t)size));
				if (file_write < raw_write)
					raw_write = file_write;
				if (file_read < raw_read)
					raw_read = file_read;
			}
			MEASURE(write, group, one_sided(&side, IBV_WR_RDMA_WRITE, kind, size));
			MEASURE(read, group, one_sided(&side, IBV_WR_RDMA_READ, kind, size));
			printf("%10zu %12.3f %12.3f %7.2f %12.3f %12.3f %7.2f\n", size, raw_write / 1e3, write / 1e3,
				write / raw_write, raw_read / 1e3, read / 1e3, read / raw_read);
			fflush(stdout);
		}
	}
	if (side.memory[SHARED])
		explain(&side, file);
}

int main(int argc, char **argv)
{
	pid_t target;

	if (argc > 1)
		rounds = atoi(argv[1]) > 1000 ? 1000 : atoi(argv[1]);
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	target = fork();
	CHECK(target >= 0);
	if (target == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run_target();
		return 0;
	}
	run_initiator(target);
	kill(target, SIGKILL);
	waitpid(target, NULL, 0);
	return 0;
}
