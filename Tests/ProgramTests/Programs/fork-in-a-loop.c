/*
 * Two processes send messages to and fro, without a pause and with every byte checked, while one of them forks a thousand
 * times: children that call verbs, whose calls must all fail, and children that execute another program, by turns. The
 * traffic must not notice. An alarm ends whoever hangs.
 */
#include <errno.h>
#include <infiniband/verbs.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { message_byte_count = 9000, fork_count = 1000, time_limit_seconds = 150, child_limit_seconds = 20 };

struct address {
	union ibv_gid gid;
	uint32_t qp_number;
};

static struct ibv_context *context;
static struct ibv_pd *pd;
static struct ibv_cq *cq;
static struct ibv_mr *mr;
static struct ibv_qp *qp;
static unsigned char *memory;
static atomic_int is_over;
static atomic_long round_count;

static void require(int condition, const char *what)
{
	if (condition)
		return;
	printf("%d: %s: failed, errno %d (%s)\n", getpid(), what, errno, strerror(errno));
	_exit(3);
}

static struct ibv_qp_init_attr queue_sizes(void)
{
	return (struct ibv_qp_init_attr) {
		.send_cq = cq, .recv_cq = cq, .qp_type = IBV_QPT_RC,
		.cap = { .max_send_wr = 4, .max_recv_wr = 4, .max_send_sge = 1, .max_recv_sge = 1 },
	};
}

static void open_everything(void)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	require(list && list[0], "ibv_get_device_list");
	require((context = ibv_open_device(list[0])) != NULL, "ibv_open_device");
	ibv_free_device_list(list);
	require((pd = ibv_alloc_pd(context)) != NULL, "ibv_alloc_pd");
	/* Whole pages: what else lies on a page of registered memory is missing in children, be it an object of the library. */
	size_t page_count = (2 * message_byte_count + 4095) / 4096;
	require(!posix_memalign((void **)&memory, 4096, page_count * 4096), "posix_memalign");
	require((mr = ibv_reg_mr(pd, memory, 2 * message_byte_count, IBV_ACCESS_LOCAL_WRITE)) != NULL, "ibv_reg_mr");
	require((cq = ibv_create_cq(context, 16, NULL, NULL, 0)) != NULL, "ibv_create_cq");
	struct ibv_qp_init_attr attributes = queue_sizes();
	require((qp = ibv_create_qp(pd, &attributes)) != NULL, "ibv_create_qp");
}

static void connect_through(int channel)
{
	struct address mine = { .qp_number = qp->qp_num }, theirs;
	require(!ibv_query_gid(context, 1, 0, &mine.gid), "ibv_query_gid");
	require(write(channel, &mine, sizeof mine) == sizeof mine, "write");
	require(read(channel, &theirs, sizeof theirs) == sizeof theirs, "read");
	struct ibv_qp_attr attributes = { .qp_state = IBV_QPS_INIT, .port_num = 1 };
	require(!ibv_modify_qp(qp, &attributes, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS),
		"to INIT");
	attributes = (struct ibv_qp_attr) {
		.qp_state = IBV_QPS_RTR, .path_mtu = IBV_MTU_1024, .dest_qp_num = theirs.qp_number, .rq_psn = 7,
		.max_dest_rd_atomic = 1, .min_rnr_timer = 12,
		.ah_attr = { .is_global = 1, .port_num = 1, .grh = { .dgid = theirs.gid, .hop_limit = 64 } },
	};
	require(!ibv_modify_qp(qp, &attributes, IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN |
		IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER), "to RTR");
	attributes = (struct ibv_qp_attr) {
		.qp_state = IBV_QPS_RTS, .timeout = 14, .retry_cnt = 7, .rnr_retry = 7, .sq_psn = 7, .max_rd_atomic = 1,
	};
	require(!ibv_modify_qp(qp, &attributes, IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
		IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC), "to RTS");
}

static int post_receive(void)
{
	struct ibv_sge element = {
		.addr = (uintptr_t)memory + message_byte_count, .length = message_byte_count, .lkey = mr->lkey,
	};
	struct ibv_recv_wr request = { .wr_id = 1, .sg_list = &element, .num_sge = 1 }, *bad;
	return ibv_post_recv(qp, &request, &bad);
}

static int post_send(void)
{
	struct ibv_sge element = { .addr = (uintptr_t)memory, .length = message_byte_count, .lkey = mr->lkey };
	struct ibv_send_wr request = {
		.wr_id = 2, .sg_list = &element, .num_sge = 1, .opcode = IBV_WR_SEND, .send_flags = IBV_SEND_SIGNALED,
	}, *bad;
	return ibv_post_send(qp, &request, &bad);
}

/* Waits for the completion of a send or a receive; a receive may come before the send that is waited for. */
static void await(uint64_t kind)
{
	static int early_receives;
	struct ibv_wc completion;

	if (kind == 1 && early_receives > 0) {
		early_receives--;
		return;
	}
	for (;;) {
		int count = ibv_poll_cq(cq, 1, &completion);
		require(count >= 0, "ibv_poll_cq");
		if (!count)
			continue;
		require(completion.status == IBV_WC_SUCCESS, ibv_wc_status_str(completion.status));
		if (completion.wr_id == kind)
			return;
		require(completion.wr_id == 1, "the completion's number");
		early_receives++;
	}
}

static void check_message(unsigned char byte)
{
	for (int i = 0; i < message_byte_count; i++)
		require(memory[message_byte_count + i] == (unsigned char)(byte + i), "the bytes that arrived");
}

static void fill_message(unsigned char byte)
{
	for (int i = 0; i < message_byte_count; i++)
		memory[i] = byte + i;
}

/* One message there, one back, each with bytes of its own; the last one has a mark that ends the peer. */
static void *talk(void *unused)
{
	for (long round = 0;; round++) {
		int is_last = atomic_load(&is_over);
		fill_message(round);
		if (is_last)
			memory[0] = ~memory[0];
		require(!post_send(), "ibv_post_send");
		await(2);
		if (is_last)
			return unused;
		await(1);
		check_message(round + 1);
		require(!post_receive(), "ibv_post_recv");
		atomic_fetch_add(&round_count, 1);
	}
}

static void answer(void)
{
	for (long round = 0;; round++) {
		await(1);
		if (memory[message_byte_count] == (unsigned char)~round)
			return;
		check_message(round);
		fill_message(round + 1);
		require(!post_receive(), "ibv_post_recv");
		require(!post_send(), "ibv_post_send");
		await(2);
	}
}

/* Returns 0 when every call fails as it must, else which did not. */
static int call_verbs_in_child(void)
{
	struct ibv_wc completion;
	struct ibv_qp_init_attr attributes = queue_sizes();
	struct ibv_qp_attr error_state = { .qp_state = IBV_QPS_ERR };

	if (!post_send())
		return 11;
	if (!post_receive())
		return 12;
	if (ibv_poll_cq(cq, 1, &completion) > 0)
		return 13;
	if (ibv_alloc_pd(context))
		return 14;
	if (ibv_create_qp(pd, &attributes))
		return 15;
	if (ibv_create_cq(context, 4, NULL, NULL, 0))
		return 16;
	if (ibv_reg_mr(pd, &completion, sizeof completion, IBV_ACCESS_LOCAL_WRITE))
		return 17;
	if (!ibv_modify_qp(qp, &error_state, IBV_QP_STATE))
		return 18;
	if (!ibv_destroy_qp(qp))
		return 19;
	if (!ibv_dereg_mr(mr))
		return 20;
	if (!ibv_close_device(context))
		return 21;
	return 0;
}

int main(void)
{
	int channel[2], status;
	pthread_t thread;

	setvbuf(stdout, NULL, _IONBF, 0);
	require(!socketpair(AF_UNIX, SOCK_STREAM, 0, channel), "socketpair");
	pid_t peer = fork();
	require(peer >= 0, "fork");
	alarm(time_limit_seconds);
	require(!ibv_fork_init(), "ibv_fork_init");
	open_everything();
	connect_through(channel[peer == 0]);
	require(!post_receive(), "ibv_post_recv");
	/* Neither sends before the other can receive. */
	char byte = 0;
	require(write(channel[peer == 0], &byte, 1) == 1 && read(channel[peer == 0], &byte, 1) == 1, "meeting");
	if (!peer) {
		answer();
		return 0;
	}

	require(!pthread_create(&thread, NULL, talk, NULL), "pthread_create");
	for (int i = 0; i < fork_count; i++) {
		pid_t child = fork();
		require(child >= 0, "fork");
		if (!child) {
			alarm(child_limit_seconds);
			if (i % 2)
				_exit(call_verbs_in_child());
			execl("/bin/true", "true", NULL);
			_exit(30);
		}
		require(waitpid(child, &status, 0) == child, "waitpid");
		if (!WIFEXITED(status) || WEXITSTATUS(status)) {
			printf("child %d ended with code %d, signal %d\n", i, WEXITSTATUS(status), WTERMSIG(status));
			return 4;
		}
	}
	long rounds = atomic_load(&round_count);
	atomic_store(&is_over, 1);
	require(!pthread_join(thread, NULL), "pthread_join");
	require(waitpid(peer, &status, 0) == peer && WIFEXITED(status) && !WEXITSTATUS(status), "the peer");
	printf("%d forks during %ld rounds\n", fork_count, rounds);
	/* The traffic went on all the time. */
	require(rounds > fork_count / 10, "the number of rounds");
	return 0;
}
