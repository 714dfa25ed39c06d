/*
 * One device, region, completion queue and queue pair, for programs that fork in the middle of traffic. Whoever includes
 * this defines `message_byte_count` first.
 */
#ifndef ONE_QUEUE_PAIR_H
#define ONE_QUEUE_PAIR_H

#include <errno.h>
#include <infiniband/verbs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

static struct address own_address(void)
{
	struct address mine = { .qp_number = qp->qp_num };
	require(!ibv_query_gid(context, 1, 0, &mine.gid), "ibv_query_gid");
	return mine;
}

/* Connects the queue pair to another one, which may be itself. */
static void connect_to(struct address theirs)
{
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

/* What posts, polls and makes objects must fail in a child. The number of the first call that did not, or 0. */
static int call_data_verbs_in_child(void *bytes, size_t byte_count)
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
	if (ibv_reg_mr(pd, bytes, byte_count, IBV_ACCESS_LOCAL_WRITE))
		return 17;
	if (!ibv_modify_qp(qp, &error_state, IBV_QP_STATE))
		return 18;
	return 0;
}

#endif
