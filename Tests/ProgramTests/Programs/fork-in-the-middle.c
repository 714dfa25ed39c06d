/*
 * Sends messages from a queue pair to itself, forks, lets the child call everything, and goes on sending. The child's
 * calls must fail; the parent's must not notice. An alarm ends either with SIGALRM when it hangs.
 */
#include <errno.h>
#include <infiniband/verbs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { message_byte_count = 3000, round_count = 50, time_limit_seconds = 30 };

static struct ibv_context *context;
static struct ibv_pd *pd;
static struct ibv_cq *cq;
static struct ibv_mr *mr;
static struct ibv_qp *qp;
static unsigned char *memory;

static void require(int condition, const char *what)
{
	if (condition)
		return;
	printf("%s: failed, errno %d (%s)\n", what, errno, strerror(errno));
	exit(3);
}

static void connect_to_itself(void)
{
	union ibv_gid gid;
	struct ibv_port_attr port;
	require(!ibv_query_gid(context, 1, 0, &gid), "ibv_query_gid");
	require(!ibv_query_port(context, 1, &port), "ibv_query_port");
	struct ibv_qp_attr attributes = {
		.qp_state = IBV_QPS_INIT, .port_num = 1, .qp_access_flags = IBV_ACCESS_REMOTE_WRITE,
	};
	require(!ibv_modify_qp(qp, &attributes, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS),
		"to INIT");
	attributes = (struct ibv_qp_attr) {
		.qp_state = IBV_QPS_RTR, .path_mtu = IBV_MTU_1024, .dest_qp_num = qp->qp_num, .rq_psn = 7,
		.max_dest_rd_atomic = 1, .min_rnr_timer = 12,
		.ah_attr = { .is_global = 1, .port_num = 1, .grh = { .dgid = gid, .sgid_index = 0, .hop_limit = 64 } },
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

static void exchange(int round)
{
	memset(memory, round, message_byte_count);
	memset(memory + message_byte_count, ~round, message_byte_count);
	require(!post_receive(), "ibv_post_recv");
	require(!post_send(), "ibv_post_send");
	for (int completed = 0; completed < 2;) {
		struct ibv_wc completion;
		int count = ibv_poll_cq(cq, 1, &completion);
		require(count >= 0, "ibv_poll_cq");
		if (!count)
			continue;
		require(completion.status == IBV_WC_SUCCESS, ibv_wc_status_str(completion.status));
		completed++;
	}
	require(!memcmp(memory, memory + message_byte_count, message_byte_count), "the bytes that arrived");
}

static int run_child(void)
{
	struct ibv_wc completion;
	struct ibv_qp_init_attr attributes = {
		.send_cq = cq, .recv_cq = cq, .qp_type = IBV_QPT_RC,
		.cap = { .max_send_wr = 4, .max_recv_wr = 4, .max_send_sge = 1, .max_recv_sge = 1 },
	};
	struct ibv_device_attr device;
	alarm(time_limit_seconds);
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
	if (ibv_reg_mr(pd, memory, 4096, IBV_ACCESS_LOCAL_WRITE))
		return 17;
	struct ibv_qp_attr error_state = { .qp_state = IBV_QPS_ERR };
	if (!ibv_modify_qp(qp, &error_state, IBV_QP_STATE))
		return 18;
	struct ibv_srq_init_attr srq_attributes = { .attr = { .max_wr = 4, .max_sge = 1 } };
	if (ibv_create_srq(pd, &srq_attributes))
		return 19;
	struct ibv_ah_attr address = { .is_global = 1, .port_num = 1, .grh = { .hop_limit = 64 } };
	if (ibv_create_ah(pd, &address))
		return 20;
	/* These may succeed or fail; they must return. */
	struct ibv_qp_attr queried;
	struct ibv_qp_init_attr queried_init;
	struct ibv_port_attr port;
	union ibv_gid gid;
	ibv_query_qp(qp, &queried, IBV_QP_STATE, &queried_init);
	ibv_query_port(context, 1, &port);
	ibv_query_gid(context, 1, 0, &gid);
	ibv_req_notify_cq(cq, 0);
	ibv_resize_cq(cq, 64);
	struct ibv_device **list = ibv_get_device_list(NULL);
	if (list && list[0]) {
		struct ibv_context *second = ibv_open_device(list[0]);
		if (second) {
			struct ibv_pd *second_pd = ibv_alloc_pd(second);
			if (second_pd)
				ibv_dealloc_pd(second_pd);
			ibv_close_device(second);
		}
	}
	ibv_query_device(context, &device);
	ibv_destroy_qp(qp);
	ibv_dereg_mr(mr);
	ibv_destroy_cq(cq);
	ibv_dealloc_pd(pd);
	ibv_close_device(context);
	return 0;
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	alarm(time_limit_seconds);
	struct ibv_device **list = ibv_get_device_list(NULL);
	require(list && list[0], "ibv_get_device_list");
	require((context = ibv_open_device(list[0])) != NULL, "ibv_open_device");
	require((pd = ibv_alloc_pd(context)) != NULL, "ibv_alloc_pd");
	require(!posix_memalign((void **)&memory, 4096, 8192), "posix_memalign");
	require((mr = ibv_reg_mr(pd, memory, 8192, IBV_ACCESS_LOCAL_WRITE)) != NULL, "ibv_reg_mr");
	require((cq = ibv_create_cq(context, 16, NULL, NULL, 0)) != NULL, "ibv_create_cq");
	struct ibv_qp_init_attr attributes = {
		.send_cq = cq, .recv_cq = cq, .qp_type = IBV_QPT_RC,
		.cap = { .max_send_wr = 4, .max_recv_wr = 4, .max_send_sge = 1, .max_recv_sge = 1 },
	};
	require((qp = ibv_create_qp(pd, &attributes)) != NULL, "ibv_create_qp");
	connect_to_itself();

	for (int round = 0; round < round_count; round++)
		exchange(round);
	pid_t child = fork();
	require(child >= 0, "fork");
	if (!child)
		_exit(run_child());
	for (int round = 0; round < round_count; round++)
		exchange(round);
	int status;
	require(waitpid(child, &status, 0) == child, "waitpid");
	printf("the child ended with code %d, signal %d\n", WEXITSTATUS(status), WTERMSIG(status));
	for (int round = 0; round < round_count; round++)
		exchange(round);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 5;
}
