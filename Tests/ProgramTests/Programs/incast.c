/* Senders that write to one receiver for some seconds, as fast as they may.
 *
 * usage: incast receiver PORT COUNT
 *        incast sender ADDRESS PORT SECONDS */
#include <arpa/inet.h>
#include <infiniband/verbs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGE = 65536, DEPTH = 4, SENDERS_MAX = 64 };

#define CHECK(claim) \
	do { \
		if (!(claim)) { \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #claim); \
			exit(1); \
		} \
	} while (0)

struct address {
	uint32_t qpn, rkey;
	uint64_t memory;
	union ibv_gid gid;
};

static struct ibv_pd *pd;
static struct ibv_cq *cq;
static struct ibv_mr *mr;
static int gid_index;
static union ibv_gid gid;

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/* Opens the device that has the address. */
static void open_device(struct in_addr own)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	CHECK(list != NULL);
	for (int i = 0; list[i] != NULL; i++) {
		struct ibv_context *context = ibv_open_device(list[i]);
		CHECK(context != NULL);
		for (gid_index = 0; ibv_query_gid(context, 1, gid_index, &gid) == 0; gid_index++) {
			if (gid.raw[10] != 0xFF || memcmp(gid.raw + 12, &own, 4) != 0)
				continue;
			pd = ibv_alloc_pd(context);
			cq = ibv_create_cq(context, DEPTH * SENDERS_MAX, NULL, NULL, 0);
			char *buffer = calloc(1, MESSAGE);
			CHECK(pd != NULL && cq != NULL && buffer != NULL);
			mr = ibv_reg_mr(pd, buffer, MESSAGE, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE);
			CHECK(mr != NULL);
			return;
		}
		ibv_close_device(context);
	}
	CHECK(!"a device with this address");
}

static struct ibv_qp *connect_qp(int fd, struct address *peer)
{
	struct ibv_qp_init_attr init = {
		.send_cq = cq,
		.recv_cq = cq,
		.qp_type = IBV_QPT_RC,
		.sq_sig_all = 1,
		.cap = {.max_send_wr = DEPTH, .max_recv_wr = 1, .max_send_sge = 1, .max_recv_sge = 1},
	};
	struct ibv_qp *qp = ibv_create_qp(pd, &init);
	CHECK(qp != NULL);
	struct address own = {qp->qp_num, mr->rkey, (uintptr_t)mr->addr, gid};
	CHECK(write(fd, &own, sizeof own) == sizeof own);
	CHECK(recv(fd, peer, sizeof *peer, MSG_WAITALL) == sizeof *peer);
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_INIT, .port_num = 1, .qp_access_flags = IBV_ACCESS_REMOTE_WRITE};
	CHECK(ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS) == 0);
	attr = (struct ibv_qp_attr){
		.qp_state = IBV_QPS_RTR,
		.path_mtu = IBV_MTU_1024,
		.dest_qp_num = peer->qpn,
		.rq_psn = 7,
		.max_dest_rd_atomic = 1,
		.min_rnr_timer = 12,
		.ah_attr = {.is_global = 1, .port_num = 1, .grh = {.dgid = peer->gid, .sgid_index = gid_index, .hop_limit = 64}},
	};
	CHECK(ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
					       IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER) == 0);
	attr = (struct ibv_qp_attr){
		.qp_state = IBV_QPS_RTS, .timeout = 14, .retry_cnt = 7, .rnr_retry = 7, .sq_psn = 7, .max_rd_atomic = 1};
	CHECK(ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY | IBV_QP_SQ_PSN |
					       IBV_QP_MAX_QP_RD_ATOMIC) == 0);
	return qp;
}

static void receive_all(int port, int count)
{
	int fds[SENDERS_MAX], one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	CHECK(count <= SENDERS_MAX && bind(listener, (void *)&name, sizeof name) == 0 && listen(listener, count) == 0);
	for (int i = 0; i < count; i++) {
		struct address peer;
		fds[i] = accept(listener, NULL, NULL);
		CHECK(fds[i] >= 0);
		socklen_t size = sizeof name;
		CHECK(getsockname(fds[i], (void *)&name, &size) == 0);
		if (i == 0)
			open_device(name.sin_addr);
		connect_qp(fds[i], &peer);
	}
	char byte = 0;
	for (int i = 0; i < count; i++)
		CHECK(write(fds[i], &byte, 1) == 1);
	/* The writes need nobody; until each sender has gone. */
	for (int i = 0; i < count; i++)
		CHECK(read(fds[i], &byte, 1) == 0);
}

static void send_for(const char *host, int port, double duration)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
	CHECK(inet_pton(AF_INET, host, &name.sin_addr) == 1 && connect(fd, (void *)&name, sizeof name) == 0);
	socklen_t size = sizeof name;
	CHECK(getsockname(fd, (void *)&name, &size) == 0);
	open_device(name.sin_addr);
	struct address peer;
	struct ibv_qp *qp = connect_qp(fd, &peer);
	char byte;
	CHECK(read(fd, &byte, 1) == 1);
	double end = seconds() + duration;
	long posted = 0, completed = 0, counted = 0;
	while (seconds() < end || completed < posted) {
		while (seconds() < end && posted - completed < DEPTH) {
			struct ibv_sge sge = {(uintptr_t)mr->addr, MESSAGE, mr->lkey};
			struct ibv_send_wr *bad, wr = {.sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_RDMA_WRITE};
			wr.wr.rdma.remote_addr = peer.memory;
			wr.wr.rdma.rkey = peer.rkey;
			CHECK(ibv_post_send(qp, &wr, &bad) == 0);
			posted++;
		}
		struct ibv_wc wc;
		int count = ibv_poll_cq(cq, 1, &wc);
		CHECK(count >= 0);
		if (count == 0) {
			usleep(200);
			continue;
		}
		if (wc.status != IBV_WC_SUCCESS) {
			printf("failed: %s after %ld messages\n", ibv_wc_status_str(wc.status), completed);
			exit(1);
		}
		completed++;
		if (seconds() < end)
			counted++;
	}
	printf("messages: %ld\n", counted);
	CHECK(ibv_destroy_qp(qp) == 0);
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "receiver") == 0) {
		receive_all(atoi(argv[2]), atoi(argv[3]));
	} else if (argc == 5 && strcmp(argv[1], "sender") == 0) {
		send_for(argv[2], atoi(argv[3]), atof(argv[4]));
	} else {
		fprintf(stderr, "usage: %s receiver PORT COUNT | sender ADDRESS PORT SECONDS\n", argv[0]);
		return 2;
	}
	return 0;
}
