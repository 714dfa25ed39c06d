/* What the benchmark of the thin level is compared with: the same work, by the functions of verbs.h.
 *
 * A library that the benchmark loads, so that both are measured in turns in one process. Each function returns nanoseconds. */
#include <infiniband/verbs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { LIST = 16 };

static void require(int condition, const char *what)
{
	if (!condition) {
		perror(what);
		exit(1);
	}
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

static struct ibv_qp *make_pair(struct ibv_pd *pd, struct ibv_cq *cq, uint32_t receive_count)
{
	struct ibv_qp_init_attr init = { .send_cq = cq, .recv_cq = cq, .qp_type = IBV_QPT_RC,
		.cap = { .max_send_wr = 64, .max_recv_wr = receive_count, .max_send_sge = 1, .max_recv_sge = 1 } };
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_INIT, .port_num = 1,
		.qp_access_flags = IBV_ACCESS_REMOTE_WRITE };
	struct ibv_qp *qp = ibv_create_qp(pd, &init);

	require(qp != NULL, "ibv_create_qp");
	require(ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS) == 0, "INIT");
	return qp;
}

static void connect_pair(struct ibv_qp *qp, struct ibv_qp *peer, union ibv_gid gid)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_RTR, .path_mtu = IBV_MTU_1024, .dest_qp_num = peer->qp_num,
		.max_dest_rd_atomic = 1, .min_rnr_timer = 12,
		.ah_attr = { .is_global = 1, .port_num = 1, .grh = { .dgid = gid, .sgid_index = 0, .hop_limit = 64 } } };

	require(ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
		IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER) == 0, "RTR");
	attr.qp_state = IBV_QPS_RTS;
	attr.timeout = 14;
	attr.retry_cnt = 7;
	attr.rnr_retry = 7;
	attr.max_rd_atomic = 1;
	require(ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
		IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC) == 0, "RTS");
}

static struct ibv_pd *pd;
static struct ibv_cq *cq;
static char *memory;
static struct ibv_mr *mr;
static struct ibv_qp *qp;

static void await(void)
{
	struct ibv_wc wc;
	int count;

	while ((count = ibv_poll_cq(cq, 1, &wc)) == 0)
		;
	require(count == 1 && wc.status == IBV_WC_SUCCESS, "completion");
}

/* Sets up what the others use. */
void thin_open(void)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *context = list && list[0] ? ibv_open_device(list[0]) : NULL;
	union ibv_gid gid;

	require(context != NULL, "ibv_open_device");
	require(ibv_query_gid(context, 1, 0, &gid) == 0, "ibv_query_gid");
	pd = ibv_alloc_pd(context);
	cq = ibv_create_cq(context, 256, NULL, NULL, 0);
	memory = aligned_alloc(4096, 4096);
	mr = ibv_reg_mr(pd, memory, 4096, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE);
	qp = make_pair(pd, cq, 64);
	struct ibv_qp *peer = make_pair(pd, cq, 64);

	connect_pair(qp, peer, gid);
	connect_pair(peer, qp, gid);
}

/* WRITEs of 8 bytes, each posted and polled for. */
double thin_latency(int count)
{
	struct ibv_send_wr *failed;
	double start = now();

	for (int round = 0; round < count; round++) {
		struct ibv_sge sge = { .addr = (uintptr_t)memory, .length = 8, .lkey = mr->lkey };
		struct ibv_send_wr wr = { .wr_id = round, .sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_RDMA_WRITE,
			.send_flags = IBV_SEND_SIGNALED,
			.wr.rdma = { .remote_addr = (uintptr_t)memory + 64, .rkey = mr->rkey } };
		require(ibv_post_send(qp, &wr, &failed) == 0, "ibv_post_send");
		await();
	}
	return now() - start;
}

/* Lists of 16 WRITEs, each list posted at once. */
double thin_rate(int count)
{
	struct ibv_sge sges[LIST];
	struct ibv_send_wr wrs[LIST], *failed;
	double start = now();

	for (int round = 0; round < count; round++) {
		for (int i = 0; i < LIST; i++) {
			sges[i] = (struct ibv_sge){ .addr = (uintptr_t)memory + 8 * i, .length = 8, .lkey = mr->lkey };
			wrs[i] = (struct ibv_send_wr){ .wr_id = i, .next = i + 1 < LIST ? &wrs[i + 1] : NULL, .sg_list = &sges[i],
				.num_sge = 1, .opcode = IBV_WR_RDMA_WRITE, .send_flags = i + 1 < LIST ? 0 : IBV_SEND_SIGNALED,
				.wr.rdma = { .remote_addr = (uintptr_t)memory + 2048 + 8 * i, .rkey = mr->rkey } };
		}
		require(ibv_post_send(qp, wrs, &failed) == 0, "ibv_post_send");
		await();
	}
	return now() - start;
}

/* Receive requests, each posted alone to a queue pair that is made for them. */
double thin_receive(int count)
{
	struct ibv_qp *fresh = make_pair(pd, cq, count);
	double start = now();

	for (int i = 0; i < count; i++) {
		struct ibv_recv_wr *refused;
		struct ibv_sge sge = { .addr = (uintptr_t)memory, .length = 64, .lkey = mr->lkey };
		struct ibv_recv_wr wr = { .wr_id = i, .sg_list = &sge, .num_sge = 1 };
		require(ibv_post_recv(fresh, &wr, &refused) == 0, "ibv_post_recv");
	}
	double end = now();
	ibv_destroy_qp(fresh);
	return end - start;
}

/* Polls of a queue that is empty. */
double thin_poll(int count)
{
	struct ibv_wc wc;
	double start = now();

	for (int i = 0; i < count; i++)
		require(ibv_poll_cq(cq, 1, &wc) == 0, "ibv_poll_cq");
	return now() - start;
}
