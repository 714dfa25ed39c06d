/* Talks to a peer with mixed traffic in both directions, kills it at a random moment, and looks at what is left: every
 * request completes, with an error from the first that the peer did not answer on, in the time that the retries take; the
 * next peer is connected to; and nothing has grown.
 *
 * usage: survivor KILLS SEED */
#include <dirent.h>
#include <infiniband/verbs.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum {
	DEPTH = 16,
	RECEIVE_COUNT = 64,
	MESSAGE_MAX = 20000,
	BUFFER_SIZE = DEPTH * MESSAGE_MAX,
	PEER_FD = 9,
	TIMEOUT = 12, /* 4.096 us * 2^12 = 16.8 ms */
	RETRY_COUNT = 7,
	/* Peers after which everything that grows once has grown. */
	WARM_UP = 5,
};

#define CHECK(claim) \
	do { \
		if (!(claim)) { \
			fprintf(stderr, "%s:%d: not true: %s (peer %d)\n", __FILE__, __LINE__, #claim, peer_number); \
			exit(1); \
		} \
	} while (0)

struct address {
	uint32_t qpn, psn, rkey;
	uint64_t memory;
	union ibv_gid gid;
};

static int peer_number;
static struct ibv_context *context;
static struct ibv_pd *pd;
static struct ibv_cq *cq;
static struct ibv_mr *mr;
static char *buffer;
static int gid_index;
static union ibv_gid gid;
static uint64_t random_state;

static struct ibv_qp *qp;
static struct address peer;
static int sends_posted, sends_completed, receives_posted, receives_completed;
static int is_failed;
static enum ibv_wc_status first_failure;
static long long success_count, flush_count;

static uint32_t draw(uint32_t below)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(random_state >> 33) % below;
}

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static void open_device(void)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	CHECK(list != NULL && list[0] != NULL);
	context = ibv_open_device(list[0]);
	CHECK(context != NULL);
	ibv_free_device_list(list);
	pd = ibv_alloc_pd(context);
	cq = ibv_create_cq(context, DEPTH + RECEIVE_COUNT + 8, NULL, NULL, 0);
	CHECK(pd != NULL && cq != NULL);
	CHECK(posix_memalign((void **)&buffer, 4096, 2 * BUFFER_SIZE) == 0);
	memset(buffer, 0, 2 * BUFFER_SIZE);
	mr = ibv_reg_mr(pd, buffer, 2 * BUFFER_SIZE,
			IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ |
				IBV_ACCESS_REMOTE_ATOMIC);
	CHECK(mr != NULL);
	/* The first that is an IPv4 address. */
	for (gid_index = 0; ibv_query_gid(context, 1, gid_index, &gid) == 0; gid_index++)
		if (gid.raw[10] == 0xFF && gid.raw[11] == 0xFF)
			return;
	CHECK(!"an IPv4 address");
}

static void make_qp(struct address *own)
{
	struct ibv_qp_init_attr init = {
		.send_cq = cq,
		.recv_cq = cq,
		.qp_type = IBV_QPT_RC,
		.sq_sig_all = 1,
		.cap = {.max_send_wr = DEPTH, .max_recv_wr = RECEIVE_COUNT, .max_send_sge = 1, .max_recv_sge = 1},
	};
	qp = ibv_create_qp(pd, &init);
	CHECK(qp != NULL);
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = 1,
		.qp_access_flags = IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC,
	};
	CHECK(ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS) == 0);
	*own = (struct address){
		.qpn = qp->qp_num,
		.psn = draw(1 << 24),
		.rkey = mr->rkey,
		.memory = (uintptr_t)buffer,
		.gid = gid,
	};
	sends_posted = sends_completed = receives_posted = receives_completed = 0;
	is_failed = 0;
}

static void connect_qp(const struct address *own)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTR,
		.path_mtu = IBV_MTU_1024,
		.dest_qp_num = peer.qpn,
		.rq_psn = peer.psn,
		.max_dest_rd_atomic = 8,
		.min_rnr_timer = 1,
		.ah_attr = {.is_global = 1, .port_num = 1, .grh = {.dgid = peer.gid, .sgid_index = gid_index, .hop_limit = 64}},
	};
	CHECK(ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
					       IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER) == 0);
	attr = (struct ibv_qp_attr){
		.qp_state = IBV_QPS_RTS,
		.timeout = TIMEOUT,
		.retry_cnt = RETRY_COUNT,
		.rnr_retry = 7,
		.sq_psn = own->psn,
		.max_rd_atomic = 8,
	};
	CHECK(ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY | IBV_QP_SQ_PSN |
					       IBV_QP_MAX_QP_RD_ATOMIC) == 0);
}

static void post_receives(void)
{
	while (receives_posted - receives_completed < RECEIVE_COUNT) {
		struct ibv_sge sge = {(uintptr_t)buffer + BUFFER_SIZE, MESSAGE_MAX, mr->lkey};
		struct ibv_recv_wr *bad, wr = {.wr_id = 1 << 20, .sg_list = &sge, .num_sge = 1};
		CHECK(ibv_post_recv(qp, &wr, &bad) == 0);
		receives_posted++;
	}
}

static void post_send(void)
{
	uint32_t offset = draw(DEPTH) * MESSAGE_MAX & ~7u;
	struct ibv_sge sge = {(uintptr_t)buffer + offset, draw(MESSAGE_MAX), mr->lkey};
	struct ibv_send_wr *bad, wr = {.wr_id = sends_posted, .sg_list = &sge, .num_sge = 1};
	wr.wr.rdma.remote_addr = peer.memory + offset;
	wr.wr.rdma.rkey = peer.rkey;
	switch (draw(5)) {
	case 0: wr.opcode = IBV_WR_SEND; break;
	case 1: wr.opcode = IBV_WR_RDMA_WRITE; break;
	case 2: wr.opcode = IBV_WR_RDMA_READ; break;
	case 3: wr.opcode = IBV_WR_RDMA_WRITE_WITH_IMM; break;
	default:
		wr.opcode = IBV_WR_ATOMIC_FETCH_AND_ADD;
		sge.length = 8;
		wr.wr.atomic.remote_addr = peer.memory + offset;
		wr.wr.atomic.rkey = peer.rkey;
		wr.wr.atomic.compare_add = 1;
	}
	CHECK(ibv_post_send(qp, &wr, &bad) == 0);
	sends_posted++;
}

static void poll_completions(void)
{
	struct ibv_wc wcs[16];
	int count = ibv_poll_cq(cq, 16, wcs);
	CHECK(count >= 0);
	for (int i = 0; i < count; i++) {
		struct ibv_wc *wc = &wcs[i];
		if (wc->wr_id == 1 << 20) {
			receives_completed++;
		} else {
			/* Each once, in order. */
			CHECK(wc->wr_id == (uint64_t)sends_completed);
			sends_completed++;
		}
		if (wc->status == IBV_WC_SUCCESS) {
			CHECK(!is_failed);
			success_count++;
		} else if (!is_failed) {
			is_failed = 1;
			first_failure = wc->status;
		} else {
			CHECK(wc->status == IBV_WC_WR_FLUSH_ERR);
			flush_count++;
		}
	}
}

static void exchange(int fd, const struct address *own)
{
	CHECK(write(fd, own, sizeof *own) == sizeof *own);
	CHECK(recv(fd, &peer, sizeof peer, MSG_WAITALL) == sizeof peer);
	connect_qp(own);
	post_receives();
	/* Nobody sends before both can receive. */
	char byte = 0;
	CHECK(write(fd, &byte, 1) == 1 && read(fd, &byte, 1) == 1);
}

static void run_victim(void)
{
	struct address own;
	open_device();
	make_qp(&own);
	exchange(PEER_FD, &own);
	for (;;) {
		while (!is_failed && sends_posted - sends_completed < DEPTH)
			post_send();
		poll_completions();
		if (!is_failed)
			post_receives();
	}
}

struct holdings {
	int descriptors, mappings, registry_entries;
	/* In pages: all, and what is not of the segment. */
	long resident, own;
};

static int count_entries(const char *path)
{
	DIR *directory = opendir(path);
	int count = 0;
	if (directory == NULL)
		return 0;
	while (readdir(directory) != NULL)
		count++;
	closedir(directory);
	return count;
}

static struct holdings take_stock(void)
{
	struct holdings now = {0};
	now.descriptors = count_entries("/proc/self/fd");
	FILE *maps = fopen("/proc/self/maps", "r");
	for (int byte; (byte = fgetc(maps)) != EOF;)
		now.mappings += byte == '\n';
	fclose(maps);
	FILE *statm = fopen("/proc/self/statm", "r");
	long size, shared;
	CHECK(fscanf(statm, "%ld %ld %ld", &size, &now.resident, &shared) == 3);
	now.own = now.resident - shared;
	fclose(statm);
	char path[512];
	snprintf(path, sizeof path, "/dev/shm/verbena-%d", (int)geteuid());
	DIR *directory = opendir(path);
	for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "/dev/shm/verbena-%d/%s", (int)geteuid(), entry->d_name);
		now.registry_entries += 1 + count_entries(path);
	}
	if (directory != NULL)
		closedir(directory);
	return now;
}

static double kill_one(struct holdings *stock)
{
	int pair[2];
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pair[1], PEER_FD);
	char seed[32];
	snprintf(seed, sizeof seed, "%u", draw(1u << 30));
	char *arguments[] = {"survivor", "victim", seed, NULL};
	pid_t pid;
	CHECK(posix_spawn(&pid, "/proc/self/exe", &actions, NULL, arguments, environ) == 0);
	posix_spawn_file_actions_destroy(&actions);
	close(pair[1]);

	struct address own;
	make_qp(&own);
	exchange(pair[0], &own);
	/* The newest peer has swept what the one before it left. */
	*stock = take_stock();
	double kill_at = seconds() + draw(30000) / 1e6;
	while (seconds() < kill_at) {
		while (sends_posted - sends_completed < DEPTH)
			post_send();
		poll_completions();
		CHECK(!is_failed);
		post_receives();
	}
	CHECK(kill(pid, SIGKILL) == 0);
	double killed_at = seconds();
	CHECK(waitpid(pid, NULL, 0) == pid);
	/* Four times the nominal timeout is what the specification allows; the rest is for a busy machine. */
	double limit = 4 * (RETRY_COUNT + 1) * 4.096e-6 * (1 << TIMEOUT) + 2;
	while (sends_completed < sends_posted || receives_completed < receives_posted || !is_failed) {
		if (!is_failed && sends_posted == sends_completed)
			post_send();
		poll_completions();
		if (seconds() - killed_at > limit) {
			fprintf(stderr, "peer %d: %d of %d sends and %d of %d receives completed after %.1f s\n", peer_number,
				sends_completed, sends_posted, receives_completed, receives_posted, limit);
			exit(1);
		}
	}
	double elapsed = seconds() - killed_at;
	CHECK(first_failure == IBV_WC_RETRY_EXC_ERR);
	struct ibv_qp_attr attr;
	struct ibv_qp_init_attr init;
	CHECK(ibv_query_qp(qp, &attr, IBV_QP_STATE, &init) == 0 && attr.qp_state == IBV_QPS_ERR);
	CHECK(ibv_destroy_qp(qp) == 0);
	close(pair[0]);
	return elapsed;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: %s KILLS SEED\n", argv[0]);
		return 2;
	}
	random_state = strtoull(argv[2], NULL, 10);
	if (strcmp(argv[1], "victim") == 0)
		run_victim();
	int kill_count = atoi(argv[1]);
	struct holdings before = {0}, now;
	double longest = 0;
	open_device();
	for (peer_number = 1; peer_number <= kill_count; peer_number++) {
		double elapsed = kill_one(&now);
		longest = elapsed > longest ? elapsed : longest;
		if (peer_number == WARM_UP)
			before = now;
		if (peer_number <= WARM_UP)
			continue;
		CHECK(now.descriptors == before.descriptors);
		CHECK(now.registry_entries == before.registry_entries);
		CHECK(now.mappings <= before.mappings + 4);
		/* Each new queue pair has another place, by chance, in a table of 1024 pages of the segment. */
		CHECK(now.resident <= before.resident + 1200);
		CHECK(now.own <= before.own + 64);
	}
	printf("%d peers killed: %lld requests done, %lld flushed; the last error came after %.3f s at the latest\n", kill_count,
	       success_count, flush_count, longest);
	printf("descriptors %d then %d, mappings %d then %d, pages %ld then %ld, without the segment %ld then %ld, "
	       "registry entries %d then %d\n",
	       before.descriptors, now.descriptors, before.mappings, now.mappings, before.resident, now.resident, before.own,
	       now.own, before.registry_entries, now.registry_entries);
	return 0;
}
